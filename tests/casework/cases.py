"""Tickets of a test's own: what somebody asks for, and a register whose clock stands where the test wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from casework.database import Database
from casework.intake import Intake
from casework.register import Consequence, Register
from casework.steps import Move, Step
from casework.ticket import Kind, Ticket

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


class Office:
    """A register and its database, with a clock that the test turns."""

    def __init__(self, database: Database, *consequences: Consequence) -> None:
        self.database = database
        self.clock = MORNING
        self.register = Register(consequences=consequences, now=lambda: self.clock)

    async def open(self, intake: Intake | None = None, *, who: str = "1024", why: str = "") -> Ticket:
        """Open a ticket."""
        asked = intake or burst_pipe()
        return await self.database.write(lambda transaction: self.register.open(transaction, asked, who=who, why=why))

    async def step(
        self, ticket: Ticket | str, move: Move, *, who: str = "1024", expected: int | None = None, **details: Any
    ) -> Ticket:
        """Take a step."""
        code = ticket if isinstance(ticket, str) else ticket.code
        step = Step(move=move, **details)
        return await self.database.write(
            lambda transaction: self.register.step(transaction, code, step, who=who, expected=expected)
        )

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
