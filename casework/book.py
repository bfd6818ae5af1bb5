"""The book of tickets: reading and writing them in a transaction. What may be written is `casework/register.py`'s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select, text, update

from casework.codes import number_of
from casework.errors import TicketUnknown
from casework.phone_numbers import plain
from casework.tables import EVENTS, TICKETS, lookup
from casework.ticket import State, Ticket, TicketEvent
from casework.words import words_of

TAKE_NUMBERS: Final = text("SELECT nextval('ticket_numbers') FROM generate_series(1, :count)")
"""Take so many ticket numbers; PostgreSQL never gives them out again, so an undone transaction leaves a gap."""


def take_numbers(transaction: Connection, count: int = 1) -> Sequence[int]:
    """Return so many numbers for new tickets."""
    if transaction.dialect.name == "postgresql":
        return [number for (number,) in transaction.execute(TAKE_NUMBERS, {"count": count})]
    last = transaction.execute(select(func.max(TICKETS.c.id))).scalar() or 0
    return range(last + 1, last + 1 + count)


def add(transaction: Connection, tickets: Sequence[tuple[int, Ticket]], events: Sequence[TicketEvent]) -> None:
    """Write new tickets, each with its number, and the first event of each."""
    transaction.execute(insert(TICKETS), [_row(ticket) | {"id": number} for number, ticket in tickets])
    transaction.execute(
        insert(EVENTS), [_event_row(number, event) for (number, _), event in zip(tickets, events, strict=True)]
    )


def put(transaction: Connection, number: int, ticket: Ticket, event: TicketEvent) -> None:
    """Write a ticket's next version; who holds the lock of `get_locked` is the only one to do so."""
    transaction.execute(insert(EVENTS), _event_row(number, event))
    transaction.execute(update(TICKETS).where(TICKETS.c.id == number).values(_row(ticket)))


def get(transaction: Connection, code: str) -> Ticket:
    """Return the ticket as it stands; raises TicketUnknown."""
    return _one(transaction, _by_code(code), code)[1]


def get_locked(transaction: Connection, code: str) -> tuple[int, Ticket]:
    """Return the ticket and its number; nobody else writes it until this transaction ends. Raises TicketUnknown."""
    return _one(transaction, _by_code(code).with_for_update(), code)


def by_external_id(transaction: Connection, source: str, external_id: str) -> Ticket | None:
    """Return the ticket that another system calls so."""
    same = (TICKETS.c.source == lookup(source), TICKETS.c.external_id == lookup(external_id))
    row = transaction.execute(select(TICKETS.c.body).where(*same)).one_or_none()
    return None if row is None else ticket_of(row)


def children(transaction: Connection, code: str) -> Sequence[Ticket]:
    """Return the tickets attached to this emergency, oldest first."""
    chosen = select(TICKETS.c.body).where(TICKETS.c.parent == number_of(code)).order_by(TICKETS.c.id)
    return [ticket_of(row) for row in transaction.execute(chosen)]


def events_of(transaction: Connection, code: str) -> Sequence[TicketEvent]:
    """Return everything that happened to a ticket, oldest first; raises TicketUnknown."""
    found = select(EVENTS.c.body).where(EVENTS.c.ticket == _number(code)).order_by(EVENTS.c.version)
    rows = transaction.execute(found).all()
    if not rows:
        raise TicketUnknown(code)
    return [TicketEvent.model_validate_json(body) for (body,) in rows]


def ticket_of(row: Row[Any]) -> Ticket:
    """Return the ticket of a row that has its body."""
    return Ticket.model_validate_json(row.body)


def _by_code(code: str) -> Select[Any]:
    return select(TICKETS.c.id, TICKETS.c.body).where(TICKETS.c.id == _number(code))


def _number(code: str) -> int:
    number = number_of(code)
    if number is None:
        raise TicketUnknown(code)
    return number


def _one(transaction: Connection, chosen: Select[Any], asked: str) -> tuple[int, Ticket]:
    row = transaction.execute(chosen).one_or_none()
    if row is None:
        raise TicketUnknown(asked)
    return row.id, ticket_of(row)


def _row(ticket: Ticket) -> dict[str, Any]:
    return {
        "version": ticket.version,
        "kind": ticket.kind.value,
        "state": ticket.state.value,
        "urgent": ticket.urgent,
        "level": ticket.level.value if ticket.level else None,
        "phone": plain(ticket.phone) or None,
        "caller": plain(ticket.caller) or None,
        "handler": lookup(ticket.handler),
        "parent": number_of(ticket.parent),
        "call": lookup(ticket.call),
        "source": lookup(ticket.source),
        "external_id": lookup(ticket.external_id),
        "created": ticket.created,
        "opened": ticket.opened,
        # What is cancelled is never late.
        "due": None if ticket.state is State.CANCELLED else ticket.due,
        "answer_due": ticket.answer_due,
        "done": ticket.done,
        "overdue": ticket.overdue,
        "words": words_of(ticket),
        "body": ticket.model_dump_json(),
    }


def _event_row(number: int, event: TicketEvent) -> dict[str, Any]:
    return {"ticket": number, "version": event.version, "body": event.model_dump_json()}
