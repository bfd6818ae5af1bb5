"""Tickets of a test's own: what somebody asks for, and a register whose clock stands where the test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from casework.intake import Intake
from casework.register import Consequence, Register
from casework.slots import Calendar, Window
from casework.steps import Move, Step
from casework.ticket import Kind, Ticket
from casework.tickets import Tickets
from storage.database import Database

MORNING = datetime(2025, 11, 21, 1, 30, tzinfo=UTC)
ALICE = "13912345678"
BOB = "13800001111"


def at(minutes: float) -> datetime:
    """So many minutes after the morning began."""
    return MORNING + timedelta(minutes=minutes)


def burst_pipe(kind: Kind = Kind.REPAIR, **facts: Any) -> Intake:
    """Somebody has water in the kitchen."""
    usual = {"problem": "厨房水管漏水", "address": "幸福路12号3单元402", "name": "王芳", "phone": ALICE}
    return Intake(kind=kind, **(usual | facts))


MORNINGS = Window(begin=time(9), end=time(12), room=2)
AFTERNOONS = Window(begin=time(14), end=time(17), room=1, days=("mon", "tue", "wed", "thu", "fri"))


class Office:
    """A register and its database, with a clock that the test turns."""

    def __init__(self, database: Database, *consequences: Consequence, windows: Sequence[Window] = ()) -> None:
        self.database = database
        self.clock = MORNING
        calendar = Calendar(windows, zone=ZoneInfo("Asia/Shanghai"))
        self.register = Register(consequences=(calendar.follow, *consequences), now=lambda: self.clock)
        self.tickets = Tickets(database, self.register, calendar)

    async def open(self, intake: Intake | None = None, *, who: str = "1024", why: str = "") -> Ticket:
        """Open a ticket."""
        return (await self.tickets.open(intake or burst_pipe(), who=who, why=why))[0]

    async def step(
        self, ticket: Ticket | str, move: Move, *, who: str = "1024", expected: int | None = None, **details: Any
    ) -> Ticket:
        """Take a step."""
        code = ticket if isinstance(ticket, str) else ticket.code
        return await self.tickets.step(code, Step(move=move, **details), who=who, expected=expected)

    async def walk(self, ticket: Ticket, *moves: Move) -> Ticket:
        """Take several steps, each with what it needs."""
        needs: dict[str, dict[str, Any]] = {
            "appoint": {"slot": {"begin": at(60), "end": at(180)}},
            "dispatch": {"to": "crew-3"},
            "bounce": {"why": "wrong house"},
            "reopen": {"why": "still leaks"},
            "cancel": {"why": "called twice"},
            "note": {"why": "rang, nobody home"},
            "finish": {"outcome": "new seal"},
        }
        for move in moves:
            ticket = await self.step(ticket, move, **needs.get(move, {}))
        return ticket
