"""Tickets, as the other rooms use them: open, move on, find. Each change is one transaction, acknowledged when it
stands on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from casework import book
from casework import search as searching
from casework.errors import TicketChanged, check_line
from casework.idempotency import Request, once
from casework.intake import Intake
from casework.register import MACHINE, Register
from casework.search import Figures, Search
from casework.slots import Calendar, FreeSlot
from casework.steps import Step
from casework.ticket import Kind, Level, Ticket, TicketEvent
from storage.database import Database

Result = TypeVar("Result")

TRIES: Final = 4
"""Two transactions that met are tried again; so often one of them cannot lose."""
ONE_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """What an agent should know of a caller before saying a word."""

    open: Sequence[Ticket]
    """Newest first."""
    earlier: Sequence[Ticket]
    repeated: int
    """So many tickets in the last week: somebody who was not helped calls again."""


class Tickets:
    """All tickets of this hotline. Every method raises SQLAlchemyError or OSError when the database cannot."""

    def __init__(
        self, database: Database, register: Register, calendar: Calendar, *, lines: Collection[str] | None = None
    ) -> None:
        """`lines` are the keys of the service lines a ticket may be said to have come by; None: any."""
        self._database, self._register, self._calendar, self._lines = database, register, calendar, lines

    async def open(
        self, intake: Intake, *, who: str, why: str = "", request: Request | None = None
    ) -> tuple[Ticket, bool]:
        """Open a ticket or keep a draft; False when this request was carried out before.

        Raises StepIncomplete, NotConfirmed, LineUnknown, TicketUnknown (its emergency), ExternalIdTaken, KeyReused.
        """
        check_line(intake.line, self._lines)

        def work(transaction: Connection) -> tuple[Ticket, bool]:
            do = partial(self._register.open, transaction, intake, who=who, why=why)
            return once(transaction, request, do, at=self._register.now())

        return await self._written(work)

    async def step(
        self, code: str, step: Step, *, who: str, expected: int | None = None, request: Request | None = None
    ) -> Ticket:
        """Take a step and return the ticket after it.

        Raises TicketUnknown, TicketCannot, TicketChanged, StepIncomplete, LineUnknown, SlotTaken, KeyReused.
        """
        if step.facts is not None:
            check_line(step.facts.line, self._lines)

        def work(transaction: Connection) -> Ticket:
            do = partial(self._register.step, transaction, code, step, who=who, expected=expected)
            return once(transaction, request, do, at=self._register.now())[0]

        return await self._written(work)

    async def concern(self, intake: Intake, *, who: str, why: str = "") -> Ticket:
        """Attach somebody to the intake's emergency by a ticket of his own; once, by the number of `phone`.

        Returns the ticket, also one that was attached before. Raises TicketUnknown, and StepIncomplete if it is over.
        """
        assert intake.emergency is not None, "somebody is concerned by an emergency"
        emergency = intake.emergency

        def work(transaction: Connection) -> Ticket:
            book.get_locked(transaction, emergency)  # who asks twice at one moment waits here for himself
            known = searching.attached(transaction, emergency, intake.phone)
            return known or self._register.open(transaction, intake, who=who, why=why)

        return await self._written(work)

    async def raise_emergency(self, code: str, *, who: str, why: str = "") -> Ticket:
        """Open an emergency out of this ticket and attach it; raises as `step`."""
        return await self._written(
            lambda transaction: self._register.raise_emergency(transaction, code, who=who, why=why)
        )

    async def reveal(self, code: str, *, who: str) -> Ticket:
        """Return the ticket for somebody who may see all of it; that it was looked at is written down first."""
        return await self.step(code, Step(move="reveal"), who=who)

    async def get(self, code: str) -> Ticket:
        """Return the ticket as it stands; raises TicketUnknown."""
        return await self._database.read(lambda connection: book.get(connection, code))

    async def story(self, code: str) -> tuple[Ticket, Sequence[TicketEvent], Sequence[Ticket]]:
        """Return the ticket, everything that happened to it, and what is attached to it; raises TicketUnknown."""
        return await self._database.read(
            lambda connection: (
                book.get(connection, code),
                book.events_of(connection, code),
                book.children(connection, code),
            )
        )

    async def search(self, asked: Search) -> Sequence[Ticket]:
        """Return the tickets this is true of, newest first."""
        return await self._database.read(lambda connection: searching.search(connection, asked))

    async def of_caller(self, number: str) -> Caller:
        """Return what is known of whoever calls from this number."""
        found = await self._database.read(lambda connection: searching.of_number(connection, number, ONE_PAGE))
        last_week = self._register.now() - timedelta(days=7)
        return Caller(
            open=[ticket for ticket in found if ticket.is_open],
            earlier=[ticket for ticket in found if not ticket.is_open],
            repeated=sum(ticket.created >= last_week for ticket in found),
        )

    async def free_slots(self, *, days: int = 7) -> Sequence[FreeSlot]:
        """Return the appointment slots of the next days that have room."""
        now = self._register.now()
        return await self._database.read(lambda connection: self._calendar.free(connection, after=now, days=days))

    async def figures(self, since: datetime, until: datetime) -> Mapping[Kind, Figures]:
        """Return what became of the tickets that were opened in this period."""
        now = self._register.now()
        return await self._database.read(lambda connection: searching.figures(connection, since, until, now=now))

    async def look_at_clocks(self) -> int:
        """Write down what was not acknowledged or not done in time; return how many clocks have run out.

        A complaint that nobody acknowledged goes up a level. Each is a change of its own, so that its consequences are
        written with it.
        """
        now = self._register.now()
        late = await self._database.read(
            lambda connection: (
                [(ticket, _when_unanswered(ticket)) for ticket in searching.unanswered(connection, now, limit=ONE_PAGE)]
                + [(ticket, OVERDUE) for ticket in searching.overdue(connection, now, limit=ONE_PAGE)]
            )
        )
        written = 0
        for ticket, step in late:
            with suppress(TicketChanged):  # somebody was just in time, or it has two clocks: then next time
                await self.step(ticket.code, step, who=MACHINE, expected=ticket.version)
                written += 1
        return written

    async def _written(self, work: Callable[[Connection], Result]) -> Result:
        """Write it; a transaction that lost against another of the same moment is tried again."""
        for attempt in range(TRIES):
            try:
                return await self._database.write(work)
            except (IntegrityError, DBAPIError) as problem:
                if attempt == TRIES - 1 or not _met_another(problem):
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("the last try returns or raises")


OVERDUE: Final = Step(move="overdue", why="not done in time")


def _when_unanswered(ticket: Ticket) -> Step:
    why = "nobody acknowledged it in time"
    if ticket.kind is Kind.COMPLAINT and ticket.level is not Level.SUPERVISOR:
        return Step(move="escalate", why=why)
    return Step(move="unanswered", why=why)


def _met_another(problem: DBAPIError) -> bool:
    """Whether two transactions wrote the same key, or waited for each other (PostgreSQL's 40001, 40P01)."""
    return isinstance(problem, IntegrityError) or getattr(problem.orig, "sqlstate", None) in ("40001", "40P01")
