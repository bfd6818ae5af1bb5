"""Imports: what is cut off goes on, and no row is taken twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from casework.imports import Imports, ImportUnknown, Progress
from casework.search import Search
from casework.ticket import Kind, State
from tests.casework.cases import MORNING, Office

ZONE = ZoneInfo("Asia/Shanghai")
LEAK = {"kind": "repair", "problem": "漏水", "address": "幸福路12号", "name": "王芳", "phone": "139 1234 5678"}


async def take(office: Office, rows: Sequence[tuple[int, Mapping[str, str]]], key: str = "file-1") -> Progress:
    imports = Imports(office.database, office.register, zone=ZONE, lines=["heating", "cable"])
    await imports.begin(key, source="old-crm")
    return await imports.take(key, rows, who="1024")


async def test_rows_become_tickets_that_can_be_found(office: Office) -> None:
    old = {
        "类型": "投诉",
        "问题": "no heat",
        "电话": "13700000000",
        "状态": "closed",
        "时间": "2024-01-15 08:00",
        "结果": "paid",
    }
    progress = await take(office, [(2, LEAK), (3, old)])
    assert progress == Progress(line=3, opened=2, known=0, refused=0)
    complaint, repair = await office.tickets.search(Search())
    assert (repair.kind, repair.state, repair.opened, repair.source) == (Kind.REPAIR, State.OPENED, MORNING, "old-crm")
    assert (complaint.kind, complaint.state, complaint.outcome) == (Kind.COMPLAINT, State.CLOSED, "paid")
    assert complaint.opened == complaint.done == datetime(2024, 1, 15, 8, tzinfo=ZONE)
    assert [ticket.code for ticket in await office.tickets.search(Search(text="漏水"))] == [repair.code]
    _, events, _ = await office.tickets.story(repair.code)
    assert [(each.step, each.who, each.why) for each in events] == [("open", "1024", "imported")]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"kind": "party"}, "kind: Input should be"),
        (LEAK | {"phone": "call me"}, "phone: String should match"),
        (LEAK | {"wish": "x"}, "wish: Extra inputs"),
        (LEAK | {"address": " "}, "missing: address"),
        (LEAK | {"opened": "yesterday"}, "opened: Input should be"),
        (LEAK | {"state": "nearly"}, "state: Input should be"),
        (LEAK | {"线路": "gas"}, "no line is called 'gas'; there are heating, cable"),
        ({}, "kind: Field required"),
    ],
)
async def test_a_row_that_cannot_be_taken_is_told_with_line_and_reason_and_the_others_go_on(
    office: Office, cells: Mapping[str, str], reason: str
) -> None:
    progress = await take(office, [(2, LEAK), (3, cells), (4, LEAK)])
    assert progress == Progress(line=4, opened=2, known=0, refused=1)
    ((line, why),) = await Imports(office.database, office.register, zone=ZONE).errors("file-1")
    assert line == 3
    assert reason in why
    assert not any(private in why for private in ("call me", "yesterday", "王芳"))


async def test_rows_that_are_sent_again_are_passed_over(office: Office) -> None:
    rows = [(line, LEAK) for line in range(2, 12)]
    await take(office, rows[:6])
    assert (await take(office, rows)).opened == 10
    assert (await take(office, rows)).opened == 10
    assert len(await office.tickets.search(Search())) == 10


async def test_an_id_that_is_known_is_not_opened_again(office: Office) -> None:
    one, two = LEAK | {"external_id": "A-1"}, LEAK | {"编号": "A-2"}
    assert await take(office, [(2, one), (3, two), (4, one)]) == Progress(line=4, opened=2, known=1, refused=0)
    assert await take(office, [(2, two), (3, LEAK)], key="file-2") == Progress(line=3, opened=1, known=1, refused=0)


async def test_an_import_must_be_begun(office: Office) -> None:
    with pytest.raises(ImportUnknown):
        await Imports(office.database, office.register, zone=ZONE).take("never", [(2, LEAK)], who="1024")


async def test_hostile_rows_harm_nothing(office: Office) -> None:
    hostile = ["\x00", "'; DROP TABLE tickets; --", "=cmd|' /C calc'!A0", "9" * 9999, "\ud800"]
    progress = await take(
        office, [(n + 2, LEAK | {"problem": f"a{text}", text: text}) for n, text in enumerate(hostile)]
    )
    assert progress.opened + progress.refused == len(hostile)
    assert (await take(office, [(50, LEAK)])).opened == progress.opened + 1
