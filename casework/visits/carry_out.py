"""What follows from a call is done: a ticket is reopened or closed, a complaint opened. Each once, whatever crashes.

The wish was written with the end of the talk; here it is fulfilled and struck off in one transaction. What a ticket's
present state does not allow is struck off too, with the reason, for a lead to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from casework import book as tickets
from casework.errors import CaseworkError
from casework.intake import Intake
from casework.register import Register
from casework.steps import Step
from casework.ticket import Kind, State
from casework.visits import book
from casework.visits.answers import Answer
from casework.visits.office import Office
from casework.visits.tables import CALLS, CONSEQUENCES, VISITS

WHO: Final = "return-visit"
EVERY: Final = 10.0
"""Seconds between two looks at what is to be done though no talk of ours has ended: another server may have died."""
AT_ONCE: Final = 100

log = structlog.get_logger()


class CarryOut:
    """Does what follows from calls, for as long as it runs."""

    def __init__(self, office: Office, register: Register) -> None:
        self._office, self._register = office, register
        self._woken = asyncio.Event()
        office.promised = self._woken.set
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._runner = asyncio.get_running_loop().create_task(self._run(), name="consequences")

    async def stop(self) -> None:
        """End; what is not done stays written down."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self.once() == AT_ONCE:
                    pass
            except (SQLAlchemyError, OSError) as problem:
                log.error("what follows from a visit waits", problem=type(problem).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._woken.wait()

    async def once(self) -> int:
        """Do all that waits; return how much it was."""
        waiting = await self._office.read(_waiting)
        for row in waiting:
            await self._office.write(lambda transaction, row=row: self._do(transaction, row))  # type: ignore[misc]
        return len(waiting)

    def _do(self, transaction: Connection, row: Any) -> None:
        strike = update(CONSEQUENCES).where(CONSEQUENCES.c.id == row.id, CONSEQUENCES.c.done.is_(None))
        if not transaction.execute(strike.values(done=self._office.now())).rowcount:
            return  # another server was faster
        try:
            with transaction.begin_nested():
                what = self._follow(transaction, row)
        except CaseworkError as cannot:
            what = f"{cannot.code}: {cannot}"
            log.warning("what follows from a visit cannot be done", call=row.call, do=row.do, problem=cannot.code)
        transaction.execute(update(CONSEQUENCES).where(CONSEQUENCES.c.id == row.id).values(what=what))

    def _follow(self, transaction: Connection, row: Any) -> str:
        """Do one thing; return what was done, in a few words."""
        answers = book.answers(transaction, row.call)
        if row.do == "complain":
            return self._complain(transaction, row, answers)
        if not row.ticket:
            return "there is no ticket"
        why = f"{row.call}: {_in_words(answers)}"
        match row.do:
            case "reopen":
                return self._reopen(transaction, row.ticket, why)
            case "close":
                return self._close(transaction, row.ticket, why)
        self._step(transaction, row.ticket, "note", why)
        return "noted"

    def _reopen(self, transaction: Connection, code: str, why: str) -> str:
        """The clock runs again, and the same crew goes again."""
        crew = tickets.get(transaction, code).handler
        self._step(transaction, code, "reopen", why)
        if crew:
            self._register.step(transaction, code, Step(move="dispatch", to=crew, why=why), who=WHO)
        return f"reopened, {crew or 'not dispatched: nobody had it'}"

    def _close(self, transaction: Connection, code: str, why: str) -> str:
        state = tickets.get(transaction, code).state
        if state is State.DONE:
            self._step(transaction, code, "order-visit", why)
        if state in (State.DONE, State.VISIT_DUE):
            self._step(transaction, code, "visit", why)
        self._step(transaction, code, "close", why)
        return "closed"

    def _complain(self, transaction: Connection, row: Any, answers: Sequence[Answer]) -> str:
        line = book.get(transaction, row.visit).line if row.visit is not None else ""
        about = f"return visit after ticket {row.ticket}" if row.ticket else "return visit"
        intake = Intake(
            kind=Kind.COMPLAINT,
            source=WHO,
            external_id=row.call,
            problem=f"{about}: {_in_words(answers)}",
            phone=row.number or "",
            area=row.area or "",
            line=line,
            responsible=row.crew or "",
            call=row.call,
            recording=f"{row.call}.0.wav",
        )
        return f"complaint {self._register.open(transaction, intake, who=WHO).code}"

    def _step(self, transaction: Connection, code: str, move: Any, why: str) -> None:
        self._register.step(transaction, code, Step(move=move, why=why), who=WHO)


def _waiting(transaction: Connection) -> Sequence[Any]:
    """What is still to be done, oldest first, with what is known of the visit."""
    facts = CONSEQUENCES.c.id, CONSEQUENCES.c.call, CONSEQUENCES.c.do, CALLS.c.visit, VISITS.c.ticket, VISITS.c.number
    chosen = (
        select(*facts, VISITS.c.crew, VISITS.c.area)
        .join(CALLS, CALLS.c.call == CONSEQUENCES.c.call)
        .outerjoin(VISITS, VISITS.c.id == CALLS.c.visit)
        .where(CONSEQUENCES.c.done.is_(None))
        .order_by(CONSEQUENCES.c.id)
        .limit(AT_ONCE)
    )
    return transaction.execute(chosen).all()


def _in_words(answers: Sequence[Answer]) -> str:
    return ", ".join(f"{answer.step} {answer.value}" for answer in answers) or "nothing was answered"
