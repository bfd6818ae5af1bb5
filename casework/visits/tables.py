"""The tables of visits, the same on SQLite and PostgreSQL.

`visits` is where each stands now; `visit_steps` is how it came there, never changed. `visit_calls` has a row for every
call that was placed, and for every survey after a call; `visit_answers` what was answered in it. What follows from a
call waits in `visit_consequences` until it is done. Columns hold what was checked before; free text (facts) is JSON.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from casework.schema import ID, KEY, METADATA

_AT: Final = DateTime(timezone=True)
_LIVE: Final = text("state IN ('calling', 'talking')")

VISITS: Final = Table(
    "visits",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("key", KEY),
    Column("script", String(40), nullable=False),
    Column("number", KEY, nullable=False),
    Column("state", String(20), nullable=False),
    Column("due", _AT, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("lease", _AT),
    Column("ticket", KEY),
    Column("crew", KEY),
    Column("area", KEY),
    Column("about", Text, nullable=False),
    Column("created", _AT, nullable=False),
    Column("changed", _AT, nullable=False),
    Index("ix_visits_key", "key", unique=True),
    Index("ix_visits_state", "state", "due"),
    Index("ix_visits_ticket", "ticket"),
    # At most one live call to a customer, whoever places it.
    Index("ix_visits_live", "number", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

STEPS: Final = Table(
    "visit_steps",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("visit", ID, ForeignKey("visits.id", name="fk_visit_steps_visit"), nullable=False),
    Column("at", _AT, nullable=False),
    Column("step", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("who", KEY, nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_visit_steps_visit", "visit", "id"),
)

CALLS: Final = Table(
    "visit_calls",
    METADATA,
    Column("call", KEY, primary_key=True),
    Column("visit", ID, ForeignKey("visits.id", name="fk_visit_calls_visit")),
    Column("script", String(40), nullable=False),
    Column("began", _AT, nullable=False),
    Column("answered", _AT),
    Column("ended", _AT),
    Column("fate", String(20)),
    Column("cause", Integer),
    Column("tech_cause", String(80)),
    Column("hint", String(20)),
    Column("outcome", String(20)),
    Index("ix_visit_calls_visit", "visit", "began"),
    Index("ix_visit_calls_began", "began"),
)

ANSWERS: Final = Table(
    "visit_answers",
    METADATA,
    Column("call", KEY, ForeignKey("visit_calls.call", name="fk_visit_answers_call"), nullable=False),
    Column("step", String(40), nullable=False),
    Column("place", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("value", KEY, nullable=False),
    Column("length_ms", Integer),
    Column("at", _AT, nullable=False),
    UniqueConstraint("call", "step", name="uq_visit_answers"),
)

CONSEQUENCES: Final = Table(
    "visit_consequences",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("call", KEY, ForeignKey("visit_calls.call", name="fk_visit_consequences_call"), nullable=False),
    Column("do", String(20), nullable=False),
    Column("made", _AT, nullable=False),
    Column("done", _AT),
    Column("what", Text, nullable=False),
    UniqueConstraint("call", "do", name="uq_visit_consequences"),
    Index("ix_visit_consequences_done", "done"),
)

DO_NOT_CALL: Final = Table(
    "do_not_call",
    METADATA,
    Column("number", KEY, primary_key=True),
    Column("since", _AT, nullable=False),
    Column("why", Text, nullable=False),
)

PAUSES: Final = Table(
    "visit_pauses",
    METADATA,
    Column("script", String(40), primary_key=True),
    Column("since", _AT, nullable=False),
    Column("who", KEY, nullable=False),
)
"""Scripts that are not dialled for now; `*` is all of them."""
