"""Tickets: in memory, on SQLite and on PostgreSQL they are opened, moved on, and never lose a step."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from casework import book
from casework.codes import code_of, read_code
from casework.errors import NotConfirmed, StepIncomplete, TicketCannot, TicketChanged, TicketUnknown
from casework.register import Change
from casework.steps import OUR_OWN, STEPS, WITHOUT_MOVING, Limits, Move
from casework.ticket import Facts, Kind, Level, State, Ticket, TicketEvent, replayed
from tests.casework.cases import ALICE, MORNING, Office, at, burst_pipe


async def kept(office: Office, ticket: Ticket) -> tuple[Ticket, list[TicketEvent]]:
    """The ticket as it was written, and its events."""
    return await office.database.read(
        lambda connection: (book.get(connection, ticket.code), list(book.events_of(connection, ticket.code)))
    )


# Opening


async def test_an_opened_ticket_is_kept_with_who_when_and_why(office: Office) -> None:
    ticket = await office.open(why="the caller rang twice")
    found, events = await kept(office, ticket)
    assert found == ticket
    assert (ticket.state, ticket.version, ticket.opened, ticket.due) == ("opened", 1, MORNING, at(24 * 60))
    assert [(each.step, each.who, each.at, each.why) for each in events] == [
        ("open", "1024", MORNING, "the caller rang twice")
    ]
    assert read_code(ticket.code) == ticket.code


async def test_each_ticket_has_a_code_of_its_own(office: Office) -> None:
    assert len({(await office.open()).code for _ in range(20)}) == 20


async def test_what_is_missing_is_named_and_nothing_is_written(office: Office) -> None:
    with pytest.raises(StepIncomplete, match="missing: address, phone"):
        await office.open(burst_pipe(address="", phone=""))
    assert (await office.open()).code == (await only(office)).code


async def only(office: Office) -> Ticket:
    return await office.database.read(lambda connection: book.get(connection, code_of(1)))


async def test_on_the_phone_each_fact_is_read_back_before_the_ticket_is_opened(office: Office) -> None:
    with pytest.raises(NotConfirmed) as refused:
        await office.open(burst_pipe(source="call", confirmed=("problem", "phone")))
    assert refused.value.facts == ("address", "name")
    whole = burst_pipe(source="call", confirmed=("problem", "address", "name", "phone"))
    assert (await office.open(whole)).state is State.OPENED


async def test_a_draft_is_kept_whatever_is_missing_and_its_clock_runs_from_the_opening(office: Office) -> None:
    draft = await office.open(burst_pipe(problem="", name="", draft=True, call="pbx-1.1", recording="pbx-1.1.wav"))
    assert (draft.state, draft.due) == (State.DRAFT, None)
    with pytest.raises(StepIncomplete, match="missing: problem, name"):
        await office.step(draft, "open")
    await office.step(draft, "correct", facts=Facts(problem="no heat", name="王芳"))
    office.clock = at(30)
    opened = await office.step(draft, "open")
    assert (opened.opened, opened.due, opened.recording) == (at(30), at(30 + 24 * 60), "pbx-1.1.wav")


async def test_an_unknown_ticket_is_said_to_be_unknown(office: Office) -> None:
    with pytest.raises(TicketUnknown, match="nine digits"):
        await office.step("123456789", "note", why="x")


# The way of a ticket


@pytest.mark.parametrize(
    ("kind", "moves"),
    [
        (Kind.REPAIR, "appoint dispatch acknowledge start finish order-visit visit close"),
        (Kind.REPAIR, "dispatch acknowledge bounce dispatch start finish close reopen dispatch start finish"),
        (Kind.EMERGENCY, "dispatch acknowledge start finish order-visit visit close"),
        (Kind.MEMO, "dispatch acknowledge finish order-visit visit close"),
        (Kind.COMPLAINT, "escalate acknowledge escalate start finish order-visit reopen escalate finish close"),
        (Kind.SURVEY, "appoint dispatch acknowledge start finish close"),
    ],
)
async def test_a_ticket_goes_its_way_and_can_be_told_from_its_events(office: Office, kind: Kind, moves: str) -> None:
    way: list[Move] = moves.split()  # type: ignore[assignment]
    ticket = await office.open(burst_pipe(kind))
    for move in way:
        office.clock += timedelta(minutes=5)
        ticket = await office.walk(ticket, move)
    found, events = await kept(office, ticket)
    assert found == ticket == replayed(events)
    assert [each.step for each in events] == ["open", *way]
    assert [each.version for each in events] == list(range(1, len(way) + 2))


@pytest.mark.parametrize("kind", Kind)
async def test_a_step_that_is_not_in_the_table_is_refused_and_changes_nothing(office: Office, kind: Kind) -> None:
    ticket = await office.walk(await office.open(burst_pipe(kind)), "finish", "close")
    with pytest.raises(TicketCannot, match=r"is closed cannot dispatch; possible now: .*reopen") as refused:
        await office.walk(ticket, "dispatch")
    assert set(refused.value.allowed) == {"reopen", *WITHOUT_MOVING} - OUR_OWN
    assert (await kept(office, ticket))[0] == ticket


def test_every_state_that_a_table_leads_to_is_in_the_table_and_none_is_a_trap() -> None:
    for table in STEPS.values():
        assert all(to in table and table[to] for steps in table.values() for to in steps.values())


async def test_the_clock_runs_from_opening_and_dispatch_and_no_bounce_stops_it(office: Office) -> None:
    ticket = await office.open()
    office.clock = at(10)
    ticket = await office.walk(ticket, "dispatch")
    assert (ticket.dispatched, ticket.answer_due, ticket.due) == (at(10), at(70), at(24 * 60))
    office.clock = at(20)
    ticket = await office.walk(ticket, "acknowledge", "bounce")
    assert (ticket.due, ticket.answer_due, ticket.bounces) == (at(24 * 60), None, 1)
    office.clock = at(30)
    ticket = await office.walk(ticket, "dispatch", "bounce")
    assert (ticket.due, ticket.bounces) == (at(24 * 60), 2)


async def test_what_was_done_and_is_not_done_begins_anew(office: Office) -> None:
    ticket = await office.walk(await office.open(), "finish")
    office.clock = at(100)
    again = await office.walk(ticket, "reopen")
    assert (again.done, again.opened, again.due, again.reopens) == (None, MORNING, at(100 + 24 * 60), 1)


@pytest.mark.parametrize("move", ["bounce", "reopen", "cancel", "note"])
async def test_some_steps_need_a_reason(office: Office, move: Move) -> None:
    ticket = await office.walk(await office.open(), "dispatch", *(("finish",) if move == "reopen" else ()))
    with pytest.raises(StepIncomplete, match="say why"):
        await office.step(ticket, move)


async def test_a_complaint_goes_up_level_by_level_unless_it_is_urgent(office: Office) -> None:
    calm = await office.open(burst_pipe(Kind.COMPLAINT))
    with pytest.raises(StepIncomplete, match="escalated to handler, not to supervisor"):
        await office.step(calm, "escalate", to="supervisor")
    for level in (Level.HANDLER, Level.LEAD, Level.SUPERVISOR):
        calm = await office.step(calm, "escalate")
        assert (calm.level, calm.state) == (level, State.DISPATCHED)
    with pytest.raises(StepIncomplete, match="nobody is above"):
        await office.step(calm, "escalate")
    urgent = await office.open(burst_pipe(Kind.COMPLAINT, urgent=True))
    assert (await office.step(urgent, "escalate", to="supervisor")).level is Level.SUPERVISOR


async def test_a_corrected_fact_is_no_longer_confirmed_and_its_old_value_stays_in_the_events(office: Office) -> None:
    confirmed = ("problem", "address", "name", "phone")
    ticket = await office.open(burst_pipe(source="call", confirmed=confirmed))
    ticket = await office.step(ticket, "correct", facts=Facts(phone="13700000000"))
    assert (ticket.phone, ticket.confirmed) == ("13700000000", ("problem", "address", "name"))
    _, events = await kept(office, ticket)
    assert [each.changes.get("phone") for each in events] == [ALICE, "13700000000"]


# Several at once


async def test_of_two_who_change_the_same_version_the_second_is_told_both(office: Office) -> None:
    ticket = await office.open()
    await office.step(ticket, "dispatch", to="crew-1", expected=1)
    with pytest.raises(TicketChanged) as refused:
        await office.step(ticket, "dispatch", to="crew-2", expected=1)
    assert (refused.value.expected, refused.value.ticket.version, refused.value.ticket.handler) == (1, 2, "crew-1")


async def test_of_many_at_once_exactly_one_gets_each_version(office: Office) -> None:
    ticket = await office.open()
    tries = (office.step(ticket, "note", why=str(n), expected=1) for n in range(8))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Ticket"] + ["TicketChanged"] * 7
    assert (await kept(office, ticket))[0].version == 2


async def test_many_open_tickets_at_once(office: Office) -> None:
    tickets = await asyncio.gather(*(office.open() for _ in range(20)))
    assert len({each.code for each in tickets}) == 20


# What follows from a change


async def test_what_follows_is_written_with_the_change_or_neither_is(office: Office) -> None:
    told: list[Change] = []

    def outbox_is_full(_: Connection, change: Change) -> None:
        told.append(change)
        if change.came_to(State.DISPATCHED):
            raise RuntimeError("no room for a notice")

    careful = Office(office.database, outbox_is_full)
    ticket = await careful.open()
    with pytest.raises(RuntimeError, match="no room"):
        await careful.step(ticket, "dispatch", to="crew-1")
    assert [(each.before, each.after.state) for each in told] == [(None, "opened"), (ticket, "dispatched")]
    assert (await kept(office, ticket))[0] == ticket


# Privacy and hostile text


async def test_a_ticket_printed_shows_nothing_personal(office: Office) -> None:
    ticket = await office.open()
    _, events = await kept(office, ticket)
    assert all(private not in repr(ticket) + repr(events) for private in (ALICE, "王芳", "幸福路"))


@pytest.mark.parametrize("text", ["\x00", "'; DROP TABLE tickets; --", "用户\u202e", "%_\\", "\r\n520", "9" * 190])
async def test_hostile_text_is_kept_as_it_came_and_harms_nothing(office: Office, text: str) -> None:
    ticket = await office.open(
        burst_pipe(name=f"a{text}b", problem=f"a{text}b", external_id=f"a{text}b", source="boss")
    )
    ticket = await office.step(ticket, "dispatch", to=f"a{text[:70]}b"[:80])
    assert (await kept(office, ticket))[0] == ticket
    assert ticket.name == ticket.external_id == f"a{text}b"


def test_the_limits_name_every_kind() -> None:
    assert set(Limits().from_opening) == set(Limits().to_acknowledge) == set(Kind)
