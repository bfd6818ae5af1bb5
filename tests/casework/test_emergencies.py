"""An emergency and the callers it concerns: none is forgotten, none is told twice."""

from __future__ import annotations

import asyncio

import pytest

from casework.errors import StepIncomplete
from casework.intake import Intake
from casework.search import Search
from casework.ticket import Kind, State, Ticket
from tests.casework.cases import Office, burst_pipe


async def emergency_with(office: Office, callers: int) -> tuple[Ticket, list[Ticket]]:
    """An emergency, dispatched, and so many callers' repairs attached to it."""
    emergency = await office.walk(await office.open(burst_pipe(Kind.EMERGENCY)), "dispatch")
    children = [await office.open(burst_pipe(phone=f"1390000{n:04}", emergency=emergency.code)) for n in range(callers)]
    return emergency, children


async def states(office: Office, *tickets: Ticket) -> list[State]:
    return [(await office.tickets.get(ticket.code)).state for ticket in tickets]


async def test_when_an_emergency_is_over_all_who_are_concerned_are_due_a_visit(office: Office) -> None:
    emergency, children = await emergency_with(office, 5)
    early = await office.walk(children[0], "finish", "close")
    after = await office.step(emergency, "finish", outcome="main pipe mended")
    assert after.state is State.VISIT_DUE
    assert await states(office, early, *children[1:]) == [State.CLOSED] + [State.VISIT_DUE] * 4
    one, events, _ = await office.tickets.story(children[1].code)
    assert one.outcome == "main pipe mended"
    assert [(each.step, each.why) for each in events[1:]] == [
        ("finish", f"emergency {emergency.code}: done"),
        ("order-visit", f"emergency {emergency.code}: done"),
    ]


async def test_once_all_were_asked_the_emergency_can_be_closed(office: Office) -> None:
    emergency, children = await emergency_with(office, 3)
    await office.walk(emergency, "finish")
    await office.walk(children[0], "visit")
    await office.walk(children[1], "close")
    assert await states(office, emergency) == [State.VISIT_DUE]
    await office.walk(children[2], "visit")
    assert await states(office, emergency) == [State.VISITED]


async def test_a_caller_who_is_not_helped_keeps_the_emergency_from_being_visited(office: Office) -> None:
    emergency, children = await emergency_with(office, 2)
    await office.walk(emergency, "finish")
    await office.walk(children[0], "reopen")
    await office.walk(children[1], "visit")
    assert await states(office, emergency) == [State.VISIT_DUE]
    await office.walk(children[0], "finish", "order-visit", "visit")
    assert await states(office, emergency) == [State.VISITED]


async def test_an_emergency_without_callers_is_done_and_nobody_need_be_asked(office: Office) -> None:
    emergency, _ = await emergency_with(office, 0)
    assert (await office.walk(emergency, "finish")).state is State.DONE


async def test_an_emergency_that_is_called_off_lets_its_callers_go(office: Office) -> None:
    emergency, children = await emergency_with(office, 2)
    await office.walk(emergency, "cancel")
    found = [await office.tickets.get(child.code) for child in children]
    assert [(ticket.state, ticket.parent) for ticket in found] == [(State.OPENED, "")] * 2


async def test_nobody_is_attached_to_what_is_over_or_is_no_emergency(office: Office) -> None:
    emergency, _ = await emergency_with(office, 0)
    await office.walk(emergency, "finish")
    repair = await office.open()
    for code in (emergency.code, repair.code):
        with pytest.raises(StepIncomplete, match="no emergency that is open"):
            await office.open(burst_pipe(emergency=code))
        with pytest.raises(StepIncomplete, match="no emergency that is open"):
            await office.step(repair, "attach", emergency=code)


async def test_a_caller_who_attaches_while_the_emergency_ends_is_told_or_refused(office: Office) -> None:
    emergency, _ = await emergency_with(office, 1)
    late = [office.open(burst_pipe(emergency=emergency.code)) for _ in range(6)]
    over = office.walk(emergency, "finish")
    outcomes = await asyncio.gather(*late[:3], over, *late[3:], return_exceptions=True)
    attached = await office.tickets.search(Search(emergency=emergency.code))
    accepted = [each for each in outcomes if isinstance(each, Ticket) and each.kind is Kind.REPAIR]
    refused = [each for each in outcomes if isinstance(each, StepIncomplete)]
    assert len(accepted) + len(refused) == 6
    assert {ticket.state for ticket in attached} == {State.VISIT_DUE}
    assert len(attached) == len(accepted) + 1


async def test_whoever_asks_to_be_told_is_attached_once_by_number_and_the_one_who_is_already_is_not_doubled(
    office: Office,
) -> None:
    emergency, children = await emergency_with(office, 1)
    asked = burst_pipe(phone="13912340000", emergency=emergency.code)
    spelled = burst_pipe(phone="+86 139 1234 0000", emergency=emergency.code)
    several = await asyncio.gather(*(office.tickets.concern(each, who="hotline") for each in (asked, spelled) * 4))
    assert len({ticket.code for ticket in several}) == 1
    before = await office.tickets.concern(burst_pipe(phone=children[0].phone, emergency=emergency.code), who="hotline")
    assert before.code == children[0].code
    attached = await office.tickets.search(Search(emergency=emergency.code))
    assert {ticket.code for ticket in attached} == {several[0].code, children[0].code}
    await office.walk(emergency, "finish")
    assert await states(office, *attached) == [State.VISIT_DUE] * 2
    with pytest.raises(StepIncomplete, match="no emergency that is open"):
        await office.tickets.concern(burst_pipe(phone="13912349999", emergency=emergency.code), who="hotline")


async def test_tickets_of_one_emergency_may_be_moved_at_once(office: Office) -> None:
    emergency, children = await emergency_with(office, 8)
    await office.walk(emergency, "finish")
    await asyncio.gather(*(office.walk(child, "visit") for child in children))
    assert await states(office, emergency) == [State.VISITED]


async def test_an_agent_raises_an_emergency_out_of_a_repair(office: Office) -> None:
    repair = await office.open()
    emergency = await office.tickets.raise_emergency(repair.code, who="1024", why="gas smell")
    assert (emergency.kind, emergency.urgent, emergency.address) == (Kind.EMERGENCY, True, repair.address)
    assert (await office.tickets.get(repair.code)).parent == emergency.code


def test_an_emergency_is_not_attached_to_another() -> None:
    with pytest.raises(ValueError, match="cannot be attached"):
        Intake(kind=Kind.EMERGENCY, emergency="123456789")
