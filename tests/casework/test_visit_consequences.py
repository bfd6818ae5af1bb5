"""A repair that is done leads to a visit, and what the callee says leads back to the ticket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from casework import book as tickets
from casework.tables import TICKETS
from casework.ticket import Kind, State, Ticket
from casework.visits import book
from casework.visits.answers import Answer, Chosen, YesNo
from casework.visits.carry_out import CarryOut
from casework.visits.due import VisitWhenDone
from casework.visits.office import Office
from casework.visits.rules import Rules, Window
from casework.visits.script import SHIPPED, read_all
from casework.visits.states import Outcome
from casework.visits.visit import Visit
from casework.visits.windows import Hours
from ivr.scripts import sayable
from prompts.catalogue import Catalogue
from storage.database import Database
from tests.casework.cases import ALICE, BOB, MORNING, burst_pipe
from tests.casework.cases import Office as TicketOffice
from tests.casework.databases import EVERYWHERE, a_database

SCRIPTS = read_all([SHIPPED], prompts=sayable(Catalogue.read()))
RULES = Rules(windows=[Window(open=time(0), close=time(23, 59, 59))], wait_before=timedelta(minutes=30))


class Both:
    """Tickets and visits of one database, as the service binds them."""

    def __init__(self, database: Database) -> None:
        hours = Hours(RULES.windows, ZoneInfo("Asia/Shanghai"))
        self.visits = Office(database, SCRIPTS, RULES, hours, now=lambda: self.tickets.clock)
        self.tickets = TicketOffice(database, VisitWhenDone(self.visits, {Kind.REPAIR: "repair"}).follow)
        self.carry_out = CarryOut(self.visits, self.tickets.register)

    async def done(self, kind: Kind = Kind.REPAIR, **facts: str) -> Ticket:
        """Somebody's repair is done."""
        return await self.tickets.walk(await self.tickets.open(burst_pipe(kind, **facts)), "dispatch", "finish")

    async def ordered(self) -> list[Visit]:
        return list(await self.visits.read(book.listed))

    async def talk(self, *answers: Answer, outcome: Outcome | None = Outcome.FINISHED) -> None:
        """The next visit is due, and the callee says this; what follows is done."""
        self.tickets.clock += timedelta(hours=1)
        (visit,) = await self.visits.take(1)
        await self.visits.begin(visit.call)
        for answer in answers:
            await self.visits.keep(visit.call, answer)
        await self.visits.end(visit.call, outcome)
        await self.carry_out.once()

    async def ticket(self, code: str) -> Ticket:
        return await self.visits.read(lambda transaction: tickets.get(transaction, code))

    async def complaints(self) -> list[Ticket]:
        def found(transaction: object) -> list[Ticket]:
            chosen = select(TICKETS.c.body).where(TICKETS.c.kind == Kind.COMPLAINT.value)
            return [Ticket.model_validate_json(body) for (body,) in transaction.execute(chosen)]  # type: ignore[attr-defined]

        return await self.visits.read(found)


@pytest.fixture(params=EVERYWHERE)
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Both]:
    async with a_database(request.param, tmp_path) as database:
        yield Both(database)


def solved(yes: bool) -> Answer:
    return YesNo(step="solved", at=MORNING, yes=yes)


async def test_a_repair_that_is_done_is_visited_once(both: Both) -> None:
    ticket = await both.done()
    await both.tickets.step(ticket, "order-visit")
    (visit,) = await both.ordered()
    assert (visit.ticket, visit.number, visit.crew, visit.queue) == (ticket.code, ALICE, "crew-3", "repair")
    assert visit.due == MORNING + timedelta(minutes=30)


async def test_after_an_emergency_every_caller_concerned_is_visited(both: Both) -> None:
    emergency = await both.tickets.open(burst_pipe(Kind.EMERGENCY))
    child = await both.tickets.open(burst_pipe(phone=BOB, emergency=emergency.code))
    await both.tickets.walk(emergency, "dispatch", "finish")
    assert {visit.number for visit in await both.ordered()} == {ALICE, BOB}
    assert child.code in {visit.ticket for visit in await both.ordered()}


async def test_the_visit_and_what_follows_from_it_are_in_the_name_of_the_line_the_ticket_came_by(both: Both) -> None:
    await both.done(line="cable")
    (visit,) = await both.ordered()
    assert visit.line == "cable"
    await both.talk(solved(True), YesNo(step="charged", at=MORNING, yes=True))
    assert [complaint.line for complaint in await both.complaints()] == ["cable"]


async def test_a_question_that_was_answered_is_not_visited(both: Both) -> None:
    await both.done(Kind.MEMO)
    assert await both.ordered() == []


async def test_solved_closes_the_ticket(both: Both) -> None:
    ticket = await both.done()
    await both.talk(solved(True))
    assert (await both.ticket(ticket.code)).state is State.CLOSED
    assert len(await both.ordered()) == 1


async def test_what_follows_is_done_at_once_and_not_looked_for_all_the_time(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casework.visits.carry_out.EVERY", 3600)
    ticket = await both.done()
    both.carry_out.start()
    both.tickets.clock += timedelta(hours=1)
    (visit,) = await both.visits.take(1)
    await both.visits.begin(visit.call)
    await both.visits.keep(visit.call, solved(True))
    await both.visits.end(visit.call, Outcome.FINISHED)
    async with asyncio.timeout(60):
        while (await both.ticket(ticket.code)).state is not State.CLOSED:
            await asyncio.sleep(0.01)
    await both.carry_out.stop()


async def test_not_solved_reopens_the_ticket_and_the_same_crew_goes_again(both: Both) -> None:
    ticket = await both.done()
    await both.talk(solved(False), outcome=None)
    again = await both.ticket(ticket.code)
    assert (again.state, again.handler, again.reopens, again.done) == (State.DISPATCHED, "crew-3", 1, None)


async def test_a_repair_that_was_reopened_is_visited_again_when_it_is_done(both: Both) -> None:
    ticket = await both.done()
    await both.talk(solved(False))
    await both.tickets.walk(await both.ticket(ticket.code), "finish")
    assert len(await both.ordered()) == 2


async def test_poor_manner_and_a_charge_are_one_complaint_with_the_recording(both: Both) -> None:
    ticket = await both.done()
    poor, charged = Chosen(step="manner", at=MORNING, option="poor"), YesNo(step="charged", at=MORNING, yes=True)
    await both.talk(solved(True), poor, charged)
    (complaint,) = await both.complaints()
    assert complaint.recording == "visit-1-1.0.wav"
    assert "manner poor, charged yes" in complaint.problem
    assert (complaint.responsible, complaint.phone) == ("crew-3", ALICE)
    assert (await both.ticket(ticket.code)).state is State.CLOSED


async def test_what_a_ticket_does_not_allow_is_struck_off_with_the_reason(both: Both) -> None:
    ticket = await both.done()
    await both.tickets.step(ticket, "reopen", why="he called himself")
    await both.talk(solved(False))
    assert (await both.ticket(ticket.code)).state is State.REOPENED
    assert await both.carry_out.once() == 0


async def test_two_servers_do_each_thing_once(both: Both) -> None:
    await both.done()
    await both.talk(Chosen(step="manner", at=MORNING, option="poor"))
    await CarryOut(both.visits, both.tickets.register).once()
    assert len(await both.complaints()) == 1
