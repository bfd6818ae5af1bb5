"""Finding tickets: by code, number, words, state, and by what is due."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, Select, case, column, func, or_, select, table, text

from casework import book
from casework.codes import number_of, read_code
from casework.phone_numbers import plain
from casework.tables import TICKETS, lookup
from casework.ticket import OPEN, Code, Kind, Level, Phone, Short, State, Ticket
from casework.words import wanted

TICKET_WORDS: Final = table("ticket_words", column("rowid"))
"""SQLite's index of words (FTS5); its rows are the tickets'."""
NEWEST: Final = 3000
"""So many tickets are looked at one by one, before the index is asked for all (PostgreSQL)."""
FEWEST_DIGITS: Final = 5
"""Digits that so many stand together are taken for a telephone number."""


class Search(BaseModel):
    """What is looked for; everything that is said must be true of a ticket."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Short = Field("", description="a code, a telephone number, or words", repr=False)
    kinds: tuple[Kind, ...] = ()
    states: tuple[State, ...] = ()
    is_open: bool | None = None
    number: Phone = Field("", description="the caller's, either as given or as the call came", repr=False)
    handler: Short = ""
    level: Level | None = None
    source: Short = ""
    external_id: Short = ""
    call: Short = ""
    emergency: Code | None = None
    overdue: bool | None = None
    before: Code | None = Field(None, description="for the next page: the last code of this one")
    limit: int = Field(20, ge=1, le=500)


def search(connection: Connection, asked: Search) -> Sequence[Ticket]:
    """Return the tickets this is true of, newest first."""
    chosen = _filtered(asked)
    words = wanted(asked.text)
    digits = plain(asked.text)
    if read_code(asked.text) is not None:
        return _found(connection, chosen.where(TICKETS.c.id == number_of(asked.text)), asked.limit)
    if len(digits) >= FEWEST_DIGITS and not re.search(r"[^0-9+ ()/.-]", asked.text):
        return of_number(connection, digits, asked.limit, chosen)
    if words:
        return _with_words(connection, chosen, words, asked.limit)
    return _found(connection, chosen, asked.limit)


def of_number(
    connection: Connection, number: str, limit: int = 20, chosen: Select[Any] | None = None
) -> Sequence[Ticket]:
    """Return the tickets of whoever has this number or called from it, newest first."""
    some = select(TICKETS.c.id, TICKETS.c.body) if chosen is None else chosen
    # Two look-ups by their own index; asked for with OR, neither database would use both in this order.
    both = [
        _rows(connection, some.where(column == plain(number)), limit) for column in (TICKETS.c.phone, TICKETS.c.caller)
    ]
    newest = sorted({row.id: row for rows in both for row in rows}.values(), key=lambda row: -row.id)
    return [book.ticket_of(row) for row in newest[:limit]]


def attached(connection: Connection, emergency: str, number: str) -> Ticket | None:
    """Return the newest ticket of whoever has this number that is attached to this emergency."""
    chosen = select(TICKETS.c.id, TICKETS.c.body).where(TICKETS.c.parent == number_of(emergency))
    return next(iter(of_number(connection, number, 1, chosen)), None)


def unanswered(connection: Connection, at: datetime, *, limit: int) -> Sequence[Ticket]:
    """Return tickets that were dispatched and not acknowledged in time, the most belated first."""
    chosen = select(TICKETS.c.body).where(TICKETS.c.answer_due <= at).order_by(TICKETS.c.answer_due).limit(limit)
    return [book.ticket_of(row) for row in connection.execute(chosen)]


def overdue(connection: Connection, at: datetime, *, limit: int) -> Sequence[Ticket]:
    """Return tickets that are not done in time and not yet marked so, the most belated first."""
    late = (TICKETS.c.due <= at, TICKETS.c.done.is_(None), ~TICKETS.c.overdue)
    chosen = select(TICKETS.c.body).where(*late).order_by(TICKETS.c.due).limit(limit)
    return [book.ticket_of(row) for row in connection.execute(chosen)]


class Figures(BaseModel):
    """What became of the tickets of one kind that were opened in a period."""

    opened: int = 0
    done: int = 0
    in_time: int = 0
    cancelled: int = 0
    late: int = 0
    """Not done in time, whether or not they are done now."""

    @property
    def handled(self) -> float | None:
        """The share that was done, 1.0 is all; None when there were none. Cancelled ones do not count."""
        counted = self.opened - self.cancelled
        return self.done / counted if counted else None


def figures(connection: Connection, since: datetime, until: datetime, *, now: datetime) -> dict[Kind, Figures]:
    """Return the figures of each kind for the tickets opened in this period; `until` is already outside."""
    done, cancelled = TICKETS.c.done.is_not(None), TICKETS.c.state == State.CANCELLED.value
    late = or_(TICKETS.c.done > TICKETS.c.due, (TICKETS.c.done.is_(None)) & (TICKETS.c.due < now))
    chosen = (
        select(
            TICKETS.c.kind,
            func.count().label("opened"),
            _count(done & ~cancelled).label("done"),
            _count(done & ~cancelled & (TICKETS.c.done <= TICKETS.c.due)).label("in_time"),
            _count(cancelled).label("cancelled"),
            _count(late & ~cancelled).label("late"),
        )
        .where(TICKETS.c.opened >= since, TICKETS.c.opened < until)
        .group_by(TICKETS.c.kind)
    )
    found = {Kind(row.kind): Figures.model_validate(dict(row._mapping)) for row in connection.execute(chosen)}
    return {kind: found.get(kind, Figures()) for kind in Kind}


def _filtered(asked: Search) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = []
    if asked.kinds:
        conditions.append(TICKETS.c.kind.in_([kind.value for kind in asked.kinds]))
    if asked.states:
        conditions.append(TICKETS.c.state.in_([state.value for state in asked.states]))
    if asked.is_open is not None:
        is_open = TICKETS.c.state.in_(sorted(state.value for state in OPEN))
        conditions.append(is_open if asked.is_open else ~is_open)
    if asked.number:
        conditions.append(or_(TICKETS.c.phone == plain(asked.number), TICKETS.c.caller == plain(asked.number)))
    for name in ("handler", "source", "external_id", "call"):
        if value := getattr(asked, name):
            conditions.append(TICKETS.c[name] == lookup(value))
    if asked.level is not None:
        conditions.append(TICKETS.c.level == asked.level.value)
    if asked.emergency is not None:
        conditions.append(TICKETS.c.parent == number_of(asked.emergency))
    if asked.overdue is not None:
        conditions.append(TICKETS.c.overdue == asked.overdue)
    if asked.before is not None:
        # What cannot be a code comes before nothing.
        conditions.append(TICKETS.c.id < (number_of(asked.before) or 0))
    return select(TICKETS.c.id, TICKETS.c.body).where(*conditions)


def _with_words(connection: Connection, chosen: Select[Any], words: Sequence[str], limit: int) -> Sequence[Ticket]:
    """Return the tickets that have all of these words, the last of them perhaps not yet whole, newest first."""
    if connection.dialect.name == "postgresql":
        query = " & ".join([*(f"'{word}'" for word in words[:-1]), f"'{words[-1]}':*"])
        match = text("array_to_tsvector(string_to_array(words, ' ')) @@ CAST(:wanted AS tsquery)")
        matching = chosen.where(match.bindparams(wanted=query))
        # Its index has no order: a word that many tickets have would be fetched from all of them, to show the newest.
        newest = connection.execute(chosen.with_only_columns(func.max(TICKETS.c.id))).scalar() or 0
        among_the_newest = _found(connection, matching.where(TICKETS.c.id > newest - NEWEST), limit)
        return among_the_newest if len(among_the_newest) == limit else _found(connection, matching, limit)
    query = " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    # The index gives the newest first by itself, so it is left as soon as there are enough of them.
    matching = chosen.join(TICKET_WORDS, TICKET_WORDS.c.rowid == TICKETS.c.id).where(text("ticket_words MATCH :wanted"))
    newest = matching.order_by(TICKET_WORDS.c.rowid.desc()).limit(limit)
    return [book.ticket_of(row) for row in connection.execute(newest, {"wanted": query})]


def _rows(connection: Connection, chosen: Select[Any], limit: int) -> Sequence[Any]:
    return connection.execute(chosen.order_by(TICKETS.c.id.desc()).limit(limit)).all()


def _found(connection: Connection, chosen: Select[Any], limit: int) -> Sequence[Ticket]:
    return [book.ticket_of(row) for row in _rows(connection, chosen, limit)]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
