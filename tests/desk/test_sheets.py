"""Figures as tables and files, whatever they count."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from openpyxl import load_workbook

from desk.access import Role
from routing.events import AgentOffered, CallQueued, CallRang
from tests.desk.desks import TOKEN, Desk, a_desk

BY_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
FORMULA = "=HYPERLINK(1)"
"""The name of a crew, chosen by somebody who means no good."""


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as opened:
        for nth, crew in enumerate(["north", "north", FORMULA]):
            visit = {"number": f"1380013800{nth}", "crew": crew}
            assert (await opened.http.post("/api/visits", json=visit, headers=BY_TOKEN)).status == 201
        repair = {"kind": "repair", "problem": "x", "address": "y", "name": "z", "phone": "13912345678"}
        assert (await opened.http.post("/api/tickets", json=repair, headers=BY_TOKEN)).status == 201
        yield opened


async def got(desk: Desk, path: str, **query: str) -> tuple[bytes, str]:
    """What is answered, and what the file is to be called."""
    now = datetime.now(UTC)
    period = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}
    query |= {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in period.items()}
    headers = await desk.signed_in(Role.SUPERVISOR)
    response = await desk.http.get(path, params=query, headers=headers)
    assert response.status == 200, await response.text()
    return await response.read(), response.headers.get("Content-Disposition", "")


async def table(desk: Desk, path: str, **query: str) -> list[dict[str, Any]]:
    told = json.loads((await got(desk, path, **query))[0])
    keys = [column["key"] for column in told["columns"]]
    return [dict(zip(keys, row, strict=True)) for row in told["rows"]]


async def test_visits_are_counted_by_crew(desk: Desk) -> None:
    rows = await table(desk, "/api/visits/figures", by="crew")
    assert {row["crew"]: row["ordered"] for row in rows} == {"north": 2, FORMULA: 1}


async def test_tickets_are_counted_by_kind(desk: Desk) -> None:
    (repair,) = [row for row in await table(desk, "/api/tickets/figures") if row["kind"] == "repair"]
    assert (repair["opened"], repair["done"], repair["handled"]) == (1, 0, 0.0)


async def test_a_csv_file_has_headings_in_the_wanted_language_and_runs_nothing(desk: Desk) -> None:
    body, name = await got(desk, "/api/visits/figures", by="crew", file="csv", language="zh")
    assert name.startswith('attachment; filename="visits-by-crew-')
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert {row["班组"]: row["应回访"] for row in rows} == {"north": "2", f"'{FORMULA}": "1"}


async def test_a_file_names_kinds_as_people_do(desk: Desk) -> None:
    for language, name in (("zh", "报修"), ("en", "repair")):
        body, _ = await got(desk, "/api/tickets/figures", file="csv", language=language)
        assert f"{name},1,0" in body.decode("utf-8-sig")


async def test_an_agent_goes_by_number_and_name_on_a_page_and_in_a_file(desk: Desk) -> None:
    record, now = desk.service.events.record, datetime.now(UTC)
    record(CallRang(at=now, call="pbx-1770091200.7", caller=None, dialled="4001234567"))
    record(CallQueued(at=now, call="pbx-1770091200.7", queue="repair"))
    record(AgentOffered(at=now, call="pbx-1770091200.7", agent="1024", queue="repair"))
    (row,) = await table(desk, "/api/figures", by="agent")
    assert (row["agent"], row["offered"]) == ("1024", 1)
    told = json.loads((await got(desk, "/api/figures", by="agent"))[0])
    assert told["names"]["1024"] == {"zh": "1024 Chen", "en": "1024 Chen"}
    body, _ = await got(desk, "/api/figures", by="agent", file="csv")
    assert "\r\n1024 Chen,1," in body.decode("utf-8-sig")


async def test_a_workbook_holds_numbers_as_numbers_and_no_formula(desk: Desk) -> None:
    body, _ = await got(desk, "/api/visits/figures", by="crew", file="xlsx", language="en")
    sheet = load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    head, *rows = sheet.iter_rows()
    assert [cell.value for cell in head][:2] == ["crew", "ordered"]
    assert {(row[0].value, row[1].value, row[0].data_type) for row in rows} == {("north", 2, "s"), (FORMULA, 1, "s")}


@pytest.mark.parametrize("path", ["/api/figures", "/api/tickets/figures", "/api/visits/figures"])
async def test_every_table_can_be_kept_as_a_file(desk: Desk, path: str) -> None:
    for kind, begins in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        body, name = await got(desk, path, file=kind)
        assert body.startswith(begins)
        assert name.endswith(f'.{kind}"')
