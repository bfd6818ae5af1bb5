"""Opening tickets and moving them on: each step is written down once, with who, when and why, and with what follows.

The functions take a transaction first (`storage/database.py`), so that whoever else has something to write, a notice
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
from casework.errors import ExternalIdTaken, StepIncomplete, TicketChanged
from casework.intake import ON_THE_PHONE, Intake
from casework.moves import Fields, changes, check_complete, on_opening
from casework.steps import Limits, Step
from casework.ticket import Facts, Kind, State, Ticket, TicketEvent

MACHINE: Final = "hotline"
"""Who did it, when nobody in particular did."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one ticket, as it is being written: `before` is None when it was opened."""

    before: Ticket | None
    after: Ticket
    event: TicketEvent

    def came_to(self, *states: State) -> bool:
        """Whether the ticket is in one of these states from now on and was in none of them before."""
        return self.after.state in states and (self.before is None or self.before.state not in states)


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
        """Open a ticket, or keep a draft. The same external id again gives the ticket that is already there.

        Raises StepIncomplete, NotConfirmed, ExternalIdTaken, TicketUnknown (its emergency), and what a consequence
        raises.
        """
        if (known := self._known(transaction, intake)) is not None:
            return known
        fields = self._first(intake)
        if intake.emergency is not None:
            fields["parent"] = self._emergency(transaction, intake.emergency).code
        (number,) = book.take_numbers(transaction)
        change = self.opened(number, fields, who=who, why=why)
        book.add(transaction, [(number, change.after)], [change.event])
        self.follow(transaction, change)
        return change.after

    def opened(self, number: int, fields: Fields, *, who: str, why: str) -> Change:
        """Return the opening of a ticket, for somebody who writes many at once and tells the consequences."""
        ticket = Ticket(**fields, code=code_of(number), version=1)
        step = "draft" if ticket.state is State.DRAFT else "open"
        return Change(None, ticket, _event(ticket, fields, at=ticket.created, who=who, step=step, why=why))

    def step(self, transaction: Connection, code: str, step: Step, *, who: str, expected: int | None = None) -> Ticket:
        """Take one step and return the ticket after it.

        With `expected` the ticket must still be that version, else TicketChanged is raised. Raises TicketUnknown,
        TicketCannot, StepIncomplete, and what a consequence raises.
        """
        # An emergency is locked before its tickets, everywhere: two who go the other way would wait for each other.
        if (parent := book.get(transaction, code).parent) or step.emergency:
            self._lock_in_order(transaction, {parent, step.emergency or ""} - {""})
        number, ticket = book.get_locked(transaction, code)
        if expected is not None and ticket.version != expected:
            raise TicketChanged(ticket, expected)
        if step.move == "attach" and step.emergency is not None:
            self._emergency(transaction, step.emergency)
        after = self._write(transaction, number, ticket, step, who)
        # What its tickets did may have moved an emergency on.
        return book.get(transaction, code) if after.kind is Kind.EMERGENCY else after

    def raise_emergency(self, transaction: Connection, code: str, *, who: str, why: str = "") -> Ticket:
        """Open an emergency with the facts of this ticket, attach the ticket to it, and return the emergency."""
        _, ticket = book.get_locked(transaction, code)
        facts = {name: getattr(ticket, name) for name in ("problem", "address", "area", "line", "call", "recording")}
        intake = Intake(kind=Kind.EMERGENCY, source=ticket.source, urgent=True, **facts)
        emergency = self.open(transaction, intake, who=who, why=why)
        self.step(transaction, code, Step(move="attach", why=why, emergency=emergency.code), who=who)
        return emergency

    def follow(self, transaction: Connection, change: Change) -> None:
        """Let everything happen that follows from this change."""
        for consequence in self._consequences:
            consequence(transaction, change)
        if change.after.kind is Kind.EMERGENCY and change.came_to(State.DONE, State.CANCELLED):
            self._release(transaction, change)
        elif change.after.parent and change.came_to(State.VISITED, State.CLOSED):
            self._visited(transaction, change.after.parent)

    def _first(self, intake: Intake) -> Fields:
        """What a new ticket consists of."""
        at = self.now()
        fields = {name: getattr(intake, name) for name in intake.model_fields_set - {"draft", "emergency"}}
        fields |= {"kind": intake.kind, "source": intake.source, "created": at}
        if intake.draft:
            return fields | {"state": State.DRAFT}
        check_complete(intake.kind, intake, on_the_phone=intake.source == ON_THE_PHONE)
        return fields | {"state": State.OPENED} | on_opening(intake.kind, at=at, limits=self.limits)

    def _write(self, transaction: Connection, number: int, ticket: Ticket, step: Step, who: str) -> Ticket:
        at = self.now()
        changed = changes(ticket, step, at=at, limits=self.limits)
        after = ticket.model_copy(update=changed | {"version": ticket.version + 1})
        event = _event(after, changed, at=at, who=who, step=step.move, why=step.why)
        book.put(transaction, number, after, event)
        self.follow(transaction, Change(ticket, after, event))
        return after

    def _release(self, transaction: Connection, change: Change) -> None:
        """An emergency is over: so is it for all who are attached, and each of them is to be asked whether it is.

        One that was called off lets them go: they go on by themselves.
        """
        emergency, why = change.after, f"emergency {change.after.code}: {change.after.state}"
        helped = emergency.state is State.DONE
        moves = (
            (Step(move="finish", why=why, outcome=emergency.outcome or why), Step(move="order-visit", why=why))
            if helped
            else (Step(move="detach", why=why),)
        )
        concerned = [child for child in book.children(transaction, emergency.code) if child.is_open]
        for child in concerned:
            for step in moves:
                number, ticket = book.get_locked(transaction, child.code)
                self._write(transaction, number, ticket, step, change.event.who)
        if helped and concerned:
            self._write(transaction, *book.get_locked(transaction, emergency.code), moves[-1], change.event.who)

    def _visited(self, transaction: Connection, code: str) -> None:
        """Once all who were concerned have been asked, the emergency can be closed."""
        number, emergency = book.get_locked(transaction, code)
        children = book.children(transaction, code)
        if emergency.state is State.VISIT_DUE and not any(
            child.is_open or child.state in (State.DONE, State.VISIT_DUE) for child in children
        ):
            step = Step(move="visit", why=f"all {len(children)} callers concerned were asked")
            self._write(transaction, number, emergency, step, MACHINE)

    @staticmethod
    def _known(transaction: Connection, intake: Intake) -> Ticket | None:
        """Return the ticket with this external id; raises ExternalIdTaken if it was opened with other facts."""
        if not intake.external_id:
            return None
        known = book.by_external_id(transaction, intake.source, intake.external_id)
        if known is None:
            return None
        first = book.events_of(transaction, known.code)[0].changes
        given = _jsonable({name: getattr(intake, name) for name in ("kind", *Facts.model_fields)})
        empty = Facts().model_dump(mode="json")
        del given["line"]  # found by us as often as said, and tickets of before lines were kept have none
        if any(first.get(name, empty.get(name)) != value for name, value in given.items()):
            raise ExternalIdTaken(known)
        return known

    @staticmethod
    def _emergency(transaction: Connection, code: str) -> Ticket:
        """Return the emergency, which cannot end before this transaction has; raises StepIncomplete if it is over."""
        _, emergency = book.get_locked(transaction, code)
        if emergency.kind is not Kind.EMERGENCY or not emergency.is_open:
            raise StepIncomplete(f"{code} is no emergency that is open: it is a {emergency.kind}, {emergency.state}")
        return emergency

    @staticmethod
    def _lock_in_order(transaction: Connection, codes: set[str]) -> None:
        for code in sorted(codes):
            book.get_locked(transaction, code)


def _jsonable(fields: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = to_jsonable_python(dict(fields))
    return made


def _event(ticket: Ticket, changed: Mapping[str, Any], *, at: datetime, who: str, step: str, why: str) -> TicketEvent:
    return TicketEvent(
        code=ticket.code, version=ticket.version, at=at, who=who, step=step, why=why, changes=_jsonable(changed)
    )
