"""What a call leaves behind when nobody opened a ticket for it: a draft with the recording, never nothing.

A message becomes a draft at once. A talk about something that needs a ticket gets a while, for the agent may still be
writing; if then no ticket names the call, it was cut in the middle, or forgotten.

How far the event log has been read is written in the same transaction as what was found there: whatever is killed when,
each call is looked at once, and each message becomes one draft.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from casework.intake import Intake
from casework.register import MACHINE, Register
from casework.tables import CALLS_OVER, LOG_READ, TICKETS, lookup
from casework.ticket import Kind
from storage.database import Database

MESSAGE: Final = "message"
CUT_CALL: Final = "cut-call"
TIME_TO_WRITE: Final = timedelta(minutes=10)
"""After the end of a talk; then somebody must look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is known of a call that left something behind."""

    call: str
    kind: Kind
    caller: str = ""
    line: str = ""
    recording: str = ""
    urgent: bool = False


class Drafts:
    """Drafts out of calls; how the event log tells of them is `hotline/drafts.py`'s."""

    def __init__(self, database: Database, register: Register, *, time_to_write: timedelta = TIME_TO_WRITE) -> None:
        self._database, self._register, self._time_to_write = database, register, time_to_write

    async def read_up_to(self) -> int | None:
        """Return the number of the last event that was looked at; None before the first."""
        return await self._database.read(
            lambda connection: connection.execute(select(LOG_READ.c.seq)).scalar_one_or_none()
        )

    async def take(
        self, seq: int, *, messages: Sequence[Left] = (), talks_over: Sequence[tuple[str, datetime]] = ()
    ) -> None:
        """Write down what the log tells up to this event."""

        def work(transaction: Connection) -> None:
            for left in messages:
                self._draft(transaction, left, MESSAGE, "a message was left")
            for call, at in talks_over:
                _once_more(transaction, call, at)
            if not transaction.execute(update(LOG_READ).values(seq=seq)).rowcount:
                transaction.execute(insert(LOG_READ).values(id=1, seq=seq))

        await self._database.write(work)

    async def waiting(self) -> Sequence[str]:
        """Return the calls whose talk was over long enough ago that their ticket should be there."""
        long_ago = self._register.now() - self._time_to_write
        due = select(CALLS_OVER.c.call).where(CALLS_OVER.c.at <= long_ago.astimezone(UTC)).order_by(CALLS_OVER.c.at)
        return await self._database.read(lambda connection: [call for (call,) in connection.execute(due.limit(100))])

    async def settle(self, left: Left) -> None:
        """Keep a draft of this call, unless there is a ticket for it."""

        def work(transaction: Connection) -> None:
            known = select(TICKETS.c.id).where(TICKETS.c.call == lookup(left.call)).limit(1)
            if transaction.execute(known).first() is None:
                self._draft(transaction, left, CUT_CALL, "the talk was over and nobody opened a ticket")
            transaction.execute(delete(CALLS_OVER).where(CALLS_OVER.c.call == lookup(left.call)))

        await self._database.write(work)

    def _draft(self, transaction: Connection, left: Left, source: str, why: str) -> None:
        """The call's id is the draft's external id, so that the same call never leaves two."""
        intake = Intake(
            kind=left.kind,
            source=source,
            external_id=left.call,
            call=left.call,
            recording=left.recording,
            caller=left.caller,
            line=left.line,
            urgent=left.urgent,
            draft=True,
        )
        self._register.open(transaction, intake, who=MACHINE, why=why)


def _once_more(transaction: Connection, call: str, at: datetime) -> None:
    """Note a talk's end; of a call with several talks the last counts."""
    transaction.execute(delete(CALLS_OVER).where(CALLS_OVER.c.call == lookup(call)))
    transaction.execute(insert(CALLS_OVER).values(call=lookup(call), at=at))
