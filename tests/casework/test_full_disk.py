"""A full disk: tickets are refused politely, nothing is half written, and it goes on when there is room."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from casework import migrations
from casework.search import Search
from storage.database import open_database
from tests.casework.cases import Office, burst_pipe
from tests.desk.desks import TOKEN, a_desk


async def test_while_the_disk_is_full_nothing_is_half_written(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'tickets.db'}")
    await migrations.HISTORY.upgrade(database)
    office = Office(database)
    before = await office.open()
    pages = await database.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.write(lambda each: each.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all())
    tries = [office.open(burst_pipe(problem="x" * 3000)) for _ in range(50)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert isinstance(outcomes[-1], OperationalError)
    assert "full" in str(outcomes[-1])
    count = len(await office.tickets.search(Search(limit=500)))
    await database.write(lambda each: each.exec_driver_sql("PRAGMA max_page_count = 100000").all())
    after = await office.open()
    assert len(await office.tickets.search(Search(limit=500))) == count + 1
    assert (await office.tickets.story(after.code))[0] == after
    assert (await office.tickets.story(before.code))[0] == before
    await database.close()


async def test_over_http_a_full_disk_is_a_polite_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_desk(tmp_path) as desk:

        def full(*_: object, **__: object) -> object:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

        monkeypatch.setattr(desk.service.casework.register, "open", full)
        facts = {"kind": "memo", "problem": "x", "phone": "13912345678"}
        answer = await desk.http.post("/api/tickets", json=facts, headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status, (await answer.json())["code"]) == (503, "database-away")
        assert "13912345678" not in await answer.text()
