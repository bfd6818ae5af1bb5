"""Opening tickets and moving them on: each step is written down once, with who, when and why, and with what follows.

The functions take a transaction first (`casework/database.py`), so that whoever else has something to write, a notice
or a visit, writes it in the same one: as a consequence, which is told of every change and may refuse it by raising.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_jsonable_python
from sqlalchemy import Connection

from casework import book
from casework.codes import code_of
from casework.errors import StepIncomplete, TicketChanged
from casework.intake import ON_THE_PHONE, Intake
from casework.moves import changes, check_complete, on_opening
from casework.steps import Limits, Step
from casework.ticket import Kind, State, Ticket, TicketEvent

MACHINE: Final = "hotline"
"""Who did it, when nobody in particular did."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one ticket, as it is being written: `before` is None when it was opened."""

    before: Ticket | None
    after: Ticket
    event: TicketEvent

    def came_to(self, state: State) -> bool:
        """Whether the ticket is in this state from now on and was not before."""
        return self.after.state is state and (self.before is None or self.before.state is not state)


Consequence = Callable[[Connection, Change], None]
"""What must be written together with a change. It runs in the change's transaction, so it must be quick."""


class Register:
    """The rules of the book: what may be written, and what follows from it."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        consequences: Sequence[Consequence] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits, self.now = limits or Limits(), now
        self._consequences = tuple(consequences)

    def open(self, transaction: Connection, intake: Intake, *, who: str, why: str = "") -> Ticket:
        """Open a ticket, or keep a draft. Raises StepIncomplete, NotConfirmed, and TicketUnknown for its emergency."""
        at = self.now()
        fields = {name: getattr(intake, name) for name in intake.model_fields_set - {"draft", "emergency"}}
        if intake.draft:
            fields |= {"state": State.DRAFT}
        else:
            check_complete(intake.kind, intake.facts(), on_the_phone=intake.source == ON_THE_PHONE)
            fields |= {"state": State.OPENED, **on_opening(intake.kind, at=at, limits=self.limits)}
        if intake.emergency is not None:
            fields |= {"parent": self._emergency(transaction, intake.emergency).code}
        (number,) = book.take_numbers(transaction)
        known = {"kind": intake.kind, "source": intake.source, "created": at}
        ticket = Ticket(**(fields | known), code=code_of(number), version=1)
        event = _event(ticket, fields | known, at=at, who=who, step="draft" if intake.draft else "open", why=why)
        book.add(transaction, [(number, ticket)], [event])
        self._follow(transaction, Change(None, ticket, event))
        return ticket

    def step(self, transaction: Connection, code: str, step: Step, *, who: str, expected: int | None = None) -> Ticket:
        """Take one step and return the ticket after it.

        With `expected` the ticket must still be that version, else TicketChanged is raised. Raises TicketUnknown,
        TicketCannot, StepIncomplete, and what a consequence raises.
        """
        if step.move == "attach" and step.emergency is not None:
            # Before the ticket, as everywhere: two who lock in different order would wait for each other.
            self._emergency(transaction, step.emergency)
        number, ticket = book.get_locked(transaction, code)
        if expected is not None and ticket.version != expected:
            raise TicketChanged(ticket, expected)
        return self._write(transaction, number, ticket, step, who)

    def _write(self, transaction: Connection, number: int, ticket: Ticket, step: Step, who: str) -> Ticket:
        at = self.now()
        changed = changes(ticket, step, at=at, limits=self.limits)
        after = ticket.model_copy(update=changed | {"version": ticket.version + 1})
        event = _event(after, changed, at=at, who=who, step=step.move, why=step.why)
        book.put(transaction, number, after, event)
        self._follow(transaction, Change(ticket, after, event))
        return after

    def _follow(self, transaction: Connection, change: Change) -> None:
        for consequence in self._consequences:
            consequence(transaction, change)

    @staticmethod
    def _emergency(transaction: Connection, code: str) -> Ticket:
        """Return the emergency, which cannot end before this transaction has; raises StepIncomplete if it is over."""
        _, emergency = book.get_locked(transaction, code)
        if emergency.kind is not Kind.EMERGENCY or not emergency.is_open:
            raise StepIncomplete(f"{code} is no emergency that is open: it is a {emergency.kind}, {emergency.state}")
        return emergency


def _event(ticket: Ticket, changed: Mapping[str, Any], *, at: datetime, who: str, step: str, why: str) -> TicketEvent:
    return TicketEvent(
        code=ticket.code,
        version=ticket.version,
        at=at,
        who=who,
        step=step,
        why=why,
        changes=to_jsonable_python(dict(changed)),
    )
