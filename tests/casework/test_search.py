"""Finding tickets, and what is known of a caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from casework import search
from casework.search import Search
from casework.ticket import Facts, Kind, State, Ticket
from tests.casework.cases import ALICE, BOB, MORNING, Office, at, burst_pipe


async def found(office: Office, text: str = "", **asked: Any) -> list[str]:
    return [ticket.code for ticket in await office.tickets.search(Search(text=text, **asked))]


async def three(office: Office) -> list[Ticket]:
    return [
        await office.open(burst_pipe()),
        await office.open(burst_pipe(phone=BOB, name="李雷", address="Unit 7, Harbour Road", problem="no heat at all")),
        await office.open(burst_pipe(Kind.COMPLAINT, phone="", caller=BOB, problem="维修人员态度差", draft=True)),
    ]


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("漏水", [0]), ("水管漏水", [0]), ("幸福路12号", [2, 0]), ("harbour", [1]), ("harb", [1]),
        ("HARBOUR road", [1]),
        ("heat harbour", [1]), ("heat 漏水", []), ("王芳", [2, 0]), ("芳", []), ("李雷", [1]), ("态度", [2]),
        (ALICE, [0]), ("138 0000-1111", [2, 1]), ("+86 13800001111", [2, 1]), ("139123", []), ("", [2, 1, 0]),
        ("!!", [2, 1, 0]), ("' OR 1=1 --", []), ('"漏水" NEAR(', []), ("* : & | ! \x00", [2, 1, 0]),
    ],
)  # fmt: skip
async def test_tickets_are_found_newest_first(office: Office, text: str, which: list[int]) -> None:
    tickets = await three(office)
    assert await found(office, text) == [tickets[n].code for n in which]


async def test_a_code_finds_its_ticket_however_it_is_written(office: Office) -> None:
    tickets = await three(office)
    code = tickets[1].code
    assert await found(office, code) == await found(office, f"{code[:3]} {code[3:6]}-{code[6:]}") == [code]


async def test_what_is_corrected_is_found_by_the_new_words_only(office: Office) -> None:
    ticket = await office.open()
    await office.step(ticket, "correct", facts=Facts(problem="暖气不热"))
    assert (await found(office, "漏水"), await found(office, "暖气")) == ([], [ticket.code])


async def test_tickets_are_filtered_and_listed_page_by_page(office: Office) -> None:
    one, two, draft = await three(office)
    await office.walk(one, "dispatch")
    await office.walk(two, "finish")
    assert await found(office, handler="crew-3") == [one.code]
    assert await found(office, states=(State.DRAFT, State.DONE)) == [draft.code, two.code]
    assert await found(office, kinds=(Kind.COMPLAINT,)) == [draft.code]
    assert await found(office, is_open=True) == [one.code]
    assert await found(office, "漏水", is_open=False) == []
    assert await found(office, number=BOB) == [draft.code, two.code]
    first = await found(office, limit=2)
    assert first + await found(office, limit=2, before=first[-1]) == [draft.code, two.code, one.code]


@pytest.mark.parametrize("newest", [1, 3, 3000])
async def test_words_are_found_newest_first_however_far_back(
    office: Office, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEWEST", newest)
    codes = [(await office.open(burst_pipe(problem="水管漏水" if each % 2 else "停电"))).code for each in range(8)]
    leaks = codes[7::-2]
    assert await found(office, "漏水") == leaks
    assert await found(office, "漏水", limit=2) == leaks[:2]
    assert await found(office, "漏水", limit=2, before=leaks[1]) == leaks[2:]
    assert await found(office, "漏水", limit=1, kinds=(Kind.SURVEY,)) == []


async def test_what_is_known_of_a_caller_is_at_hand_when_the_call_comes(office: Office) -> None:
    old = await office.walk(await office.open(), "finish", "close")
    office.clock = MORNING + timedelta(days=8)
    again = await office.open(burst_pipe(phone="", caller="+8613912345678", kind=Kind.MEMO, draft=True))
    third = await office.open(burst_pipe())
    caller = await office.tickets.of_caller(ALICE)
    assert [ticket.code for ticket in caller.open] == [third.code]
    assert [ticket.code for ticket in caller.earlier] == [again.code, old.code]
    assert caller.repeated == 2


# Clocks and figures


async def test_what_is_late_is_written_down_once(office: Office) -> None:
    repair = await office.walk(await office.open(), "dispatch")
    cancelled = await office.walk(await office.open(), "cancel")
    assert await office.tickets.look_at_clocks() == 0
    office.clock = at(61)
    assert [await office.tickets.look_at_clocks() for _ in range(2)] == [1, 0]
    office.clock = at(24 * 60 + 1)
    assert [await office.tickets.look_at_clocks() for _ in range(2)] == [1, 0]
    late, events, _ = await office.tickets.story(repair.code)
    assert [(each.step, each.who) for each in events[2:]] == [("unanswered", "hotline"), ("overdue", "hotline")]
    assert (late.state, late.overdue) == (State.DISPATCHED, True)
    assert not (await office.tickets.get(cancelled.code)).overdue
    assert await found(office, overdue=True) == [repair.code]


async def test_a_complaint_that_nobody_acknowledges_goes_up_to_the_supervisor(office: Office) -> None:
    complaint = await office.step(await office.open(burst_pipe(Kind.COMPLAINT)), "escalate")
    levels = []
    for hours in range(1, 5):
        office.clock = at(hours * 121)
        await office.tickets.look_at_clocks()
        levels.append((await office.tickets.get(complaint.code)).level)
    assert levels == ["lead", "supervisor", "supervisor", "supervisor"]


async def test_every_complaint_is_counted_as_handled_late_or_cancelled(office: Office) -> None:
    complaints = [await office.open(burst_pipe(Kind.COMPLAINT)) for _ in range(5)]
    await office.open(burst_pipe(Kind.REPAIR))
    await office.walk(complaints[0], "finish", "close")
    await office.walk(complaints[1], "cancel")
    office.clock = at(25 * 60)
    await office.walk(complaints[2], "finish")
    counted = await office.tickets.figures(MORNING, at(1))
    assert counted[Kind.COMPLAINT].model_dump() == {"opened": 5, "done": 2, "in_time": 1, "cancelled": 1, "late": 3}
    assert counted[Kind.COMPLAINT].handled == 0.5
    await office.walk(complaints[3], "finish")
    await office.walk(complaints[4], "finish")
    assert (await office.tickets.figures(MORNING, at(1)))[Kind.COMPLAINT].handled == 1.0
    assert (await office.tickets.figures(MORNING, at(1)))[Kind.SURVEY].handled is None
    assert (await office.tickets.figures(at(1), at(2)))[Kind.COMPLAINT].opened == 0
