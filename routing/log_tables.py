"""The tables of the event log, the same on SQLite and PostgreSQL.

`events` is the log. `calls` has a row for each call, so that calls are listed and found without reading the log; it can
be made again from `events`. `log_head` has one row, the newest sequence number.

Columns beside `body` are for looking up only: `lookup_key` says how they are written.
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

METADATA: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

# On SQLite only an INTEGER key is the row's own place in the table. Keys compare by bytes, so prefixes are ranges.
_SEQ: Final = BigInteger().with_variant(Integer(), "sqlite")
_KEY: Final = String(200).with_variant(String(200, collation="C"), "postgresql")

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("seq", _SEQ, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("call", _KEY),
    Column("agent", _KEY),
    # JSON with every character outside ASCII escaped: hostile text (a NUL, half a surrogate) is harmless to both.
    Column("body", Text, nullable=False),
    Index("ix_events_call", "call", "seq"),
    # Agents' steps and gaps: few among many.
    Index(
        "ix_events_no_call",
        "kind",
        "agent",
        "seq",
        sqlite_where=text("call IS NULL"),
        postgresql_where=text("call IS NULL"),
    ),
)

CALLS: Final = Table(
    "calls",
    METADATA,
    Column("call", _KEY, primary_key=True),
    Column("first_seq", _SEQ, nullable=False),
    Column("began", DateTime(timezone=True), nullable=False),
    Column("caller", _KEY),
    Index("ix_calls_first_seq", "first_seq", unique=True),
    Index("ix_calls_began", "began"),
    Index("ix_calls_caller", "caller", "first_seq"),
)

HEAD: Final = Table(
    "log_head",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("last_seq", _SEQ, nullable=False),
    CheckConstraint("id = 1", name="ck_log_head_one_row"),
)

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def lookup_key(value: str) -> str:
    """Return text as a column can hold it: at most 200 characters, what no database takes replaced by U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", value[:200])
