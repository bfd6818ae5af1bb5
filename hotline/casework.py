"""Building case work: the book of tickets, its clocks, and what follows from a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from casework import migrations
from casework.drafts import Drafts
from casework.errors import StepIncomplete, TicketUnknown
from casework.imports import Imports
from casework.intake import Intake
from casework.notices.directory import Notices
from casework.notices.tells import Tells
from casework.register import MACHINE, Consequence, Register
from casework.slots import Calendar
from casework.ticket import Kind, Ticket
from casework.tickets import Tickets
from casework.visits.carry_out import CarryOut
from casework.visits.due import VisitWhenDone
from casework.visits.office import Office
from hotline.site import Site
from hotline.visits import open_office
from ivr.rooms import CannotLook
from routing.events import PhoneNumber
from storage.database import Database, MemoryDatabase, open_database

Result = TypeVar("Result")

ANSWER_WITHIN: Final = 2.0
"""Seconds that a caller who asks for a ticket waits in silence."""
ANNOUNCEMENT: Final = "announcement"
"""The source of a ticket that a caller opened by a key, while an emergency was announced."""
ASKED_BY_KEY: Final[Mapping[str, tuple[str, str]]] = {
    "zh": ("{area}抢修", "来电者"),
    "en": ("emergency repair, {area}", "caller"),
    "es": ("reparación de urgencia, {area}", "quien llamó"),
}
"""What such a ticket is about, and whose it is."""
LOOK_EVERY: Final = 5.0
"""Seconds between two looks at the tickets' clocks."""


class Bell:
    """Rung when the outbox has something new, from whatever thread; nobody hears it before it is hung up."""

    def __init__(self) -> None:
        self._ring: Callable[[], object] = lambda: None

    def hung(self, loop: asyncio.AbstractEventLoop, hear: Callable[[], None]) -> None:
        """Call `hear` in this loop from now on."""
        self._ring = lambda: loop.is_closed() or loop.call_soon_threadsafe(hear)

    def __call__(self) -> None:
        """Ring."""
        self._ring()


@dataclass(frozen=True, slots=True)
class Casework:
    """Everything about tickets."""

    database: Database
    register: Register
    tickets: Tickets
    office: Office
    consequences: CarryOut
    drafts: Drafts
    imports: Imports
    bell: Bell
    notices: Notices

    async def open_of(self, number: PhoneNumber) -> Sequence[Ticket]:
        """See `ivr.rooms.TicketsByPhone`."""
        return (await _soon(self.tickets.of_caller(number.digits))).open

    async def find(self, code: str) -> Ticket | None:
        """See `ivr.rooms.TicketsByPhone`."""
        try:
            return await _soon(self.tickets.get(code))
        except TicketUnknown:
            return None

    async def may_be_told(self, number: PhoneNumber, emergencies: Collection[str]) -> bool:
        """See `ivr.rooms.TicketsByPhone`."""
        if not self.notices.can_tell(number.digits):
            return False
        attached_to = {ticket.parent for ticket in await self.open_of(number)}
        return not attached_to.issuperset(emergencies)

    async def tell_when_over(self, number: PhoneNumber, emergency: str, *, line: str) -> bool:
        """See `ivr.rooms.TicketsByPhone`."""
        if not self.notices.can_tell(number.digits):
            return False
        try:
            concerns = await _soon(self.tickets.get(emergency))
            asked = _asked_by_key(concerns, number, line, self.notices.language)
            await _soon(self.tickets.concern(asked, who=MACHINE, why="asked by key, when it was announced"))
        except (TicketUnknown, StepIncomplete):
            return False
        return True

    async def watch_clocks(self) -> None:
        """See, for ever, which clocks have run out."""
        while True:
            try:
                await self.tickets.look_at_clocks()
            except (SQLAlchemyError, OSError) as problem:
                structlog.get_logger().error("the tickets' clocks cannot be read", problem=type(problem).__name__)
            await asyncio.sleep(LOOK_EVERY)


def _asked_by_key(emergency: Ticket, number: PhoneNumber, line: str, language: str) -> Intake:
    """The ticket of a caller of whom nothing is known but the number; it says nothing of what others have told us."""
    problem, name = ASKED_BY_KEY.get(language.partition("-")[0], ASKED_BY_KEY["en"])
    return Intake(
        kind=Kind.REPAIR,
        source=ANNOUNCEMENT,
        problem=problem.format(area=emergency.area),
        address=emergency.area,
        area=emergency.area,
        line=line,
        name=name,
        phone=number.digits,
        caller=number.digits,
        emergency=emergency.code,
    )


async def _soon(work: Awaitable[Result]) -> Result:
    """Wait for it as long as a caller on the line does; raises CannotLook."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return await work
    except (SQLAlchemyError, OSError) as problem:
        raise CannotLook(type(problem).__name__) from problem


@asynccontextmanager
async def open_casework(url: str, found: Site) -> AsyncGenerator[Casework]:
    """Open the tickets in this database; raises SQLAlchemyError, OSError, or alembic's CommandError."""
    database = open_database(url)
    try:
        await migrations.HISTORY.upgrade(database)
        yield build(database, found)
    finally:
        await database.close()


@asynccontextmanager
async def casework_in_memory(found: Site) -> AsyncGenerator[Casework]:
    """Tickets that are gone with the process, for tests and rehearsals."""
    database = MemoryDatabase()
    await migrations.HISTORY.upgrade(database)
    yield build(database, found)
    await database.close()


def build(database: Database, found: Site) -> Casework:
    """Put the parts together. What must be written with each change of a ticket is named here."""
    lines = [line.key for line in found.numbers]
    calendar, bell = Calendar(found.tickets.slots, zone=found.zone), Bell()
    office = open_office(database, found)
    tells = Tells(found.notices, found.notices.quiet_hours(found.zone), news=bell)
    follows: list[Consequence] = [calendar.follow, VisitWhenDone(office, _queues(found)).follow, tells]
    register = Register(limits=found.tickets.limits, consequences=follows)
    return Casework(
        database=database,
        register=register,
        tickets=Tickets(database, register, calendar, lines=lines),
        office=office,
        consequences=CarryOut(office, register),
        drafts=Drafts(database, register),
        imports=Imports(database, register, zone=found.zone, lines=lines),
        bell=bell,
        notices=found.notices,
    )


def _queues(found: Site) -> Mapping[Kind, str]:
    """The queue to which the menus lead who calls about each kind of ticket."""
    choices = [choice for menu in found.menus.values() for choice in menu.keys.values()]
    led = {choice.topic: choice.queue for choice in choices if choice.queue}
    return {kind: led[kind.value] for kind in Kind if kind.value in led}
