"""The tables of tickets, the same on SQLite and PostgreSQL.

`ticket_events` is what happened, never changed; a ticket's versions have no gaps, and nobody can write the same version
twice. `tickets` is each ticket as it stands now, and can be made again from its events; the columns beside `body` are
for looking up only. Each database has a word index of its own over `words`, made by the migration. Bodies are JSON with
control characters escaped, so hostile text is harmless to both databases.
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    String,
    Table,
    Text,
    text,
)

from casework.schema import ID, KEY, METADATA

TICKETS: Final = Table(
    "tickets",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("level", String(20)),
    Column("phone", KEY),
    Column("caller", KEY),
    Column("handler", KEY),
    Column("parent", ID),
    Column("call", KEY),
    Column("source", KEY, nullable=False),
    Column("external_id", KEY),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("opened", DateTime(timezone=True)),
    Column("due", DateTime(timezone=True)),
    Column("answer_due", DateTime(timezone=True)),
    Column("done", DateTime(timezone=True)),
    Column("overdue", Boolean, nullable=False),
    Column("words", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_tickets_state", "state", "id"),
    Index("ix_tickets_kind", "kind", "id"),
    Index("ix_tickets_phone", "phone", "id"),
    Index("ix_tickets_caller", "caller", "id"),
    Index("ix_tickets_handler", "handler", "id"),
    Index(
        "ix_tickets_parent",
        "parent",
        "id",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
    Index("ix_tickets_call", "call", sqlite_where=text("call IS NOT NULL"), postgresql_where=text("call IS NOT NULL")),
    Index(
        "ix_tickets_external",
        "source",
        "external_id",
        unique=True,
        sqlite_where=text("external_id IS NOT NULL"),
        postgresql_where=text("external_id IS NOT NULL"),
    ),
    Index(
        "ix_tickets_due",
        "due",
        sqlite_where=text("done IS NULL AND NOT overdue AND due IS NOT NULL"),
        postgresql_where=text("done IS NULL AND NOT overdue AND due IS NOT NULL"),
    ),
    Index(
        "ix_tickets_answer_due",
        "answer_due",
        sqlite_where=text("answer_due IS NOT NULL"),
        postgresql_where=text("answer_due IS NOT NULL"),
    ),
    Index("ix_tickets_opened", "kind", "opened"),
)

EVENTS: Final = Table(
    "ticket_events",
    METADATA,
    Column("ticket", ID, ForeignKey("tickets.id", name="fk_ticket_events_ticket"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

REQUESTS: Final = Table(
    "ticket_requests",
    METADATA,
    # Who asked, and the idempotency key they gave.
    Column("asker", KEY, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("ticket", ID, ForeignKey("tickets.id", name="fk_ticket_requests_ticket"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_ticket_requests_at", "at"),
)

SLOTS: Final = Table(
    "ticket_slots",
    METADATA,
    Column("begins", DateTime(timezone=True), primary_key=True),
    Column("taken", Integer, nullable=False),
)

LOG_READ: Final = Table(
    "ticket_log_read",
    METADATA,
    # How far the event log has been looked through for calls that left something behind: one row.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", ID, nullable=False),
)

CALLS_OVER: Final = Table(
    "ticket_calls_over",
    METADATA,
    # Talks that need a ticket and may not have one yet.
    Column("call", KEY, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_ticket_calls_over_at", "at"),
)

IMPORTS: Final = Table(
    "ticket_imports",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    # The last line that was looked at; it is written with what came of it.
    Column("line", Integer, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)

IMPORT_ERRORS: Final = Table(
    "ticket_import_errors",
    METADATA,
    Column("key", KEY, ForeignKey("ticket_imports.key", name="fk_ticket_import_errors_import"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("reason", String(500), nullable=False),
)

NUMBERS: Final = Sequence("ticket_numbers", metadata=METADATA)
"""PostgreSQL's source of ticket numbers; on SQLite, where one writes at a time, it is the greatest number and one."""

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def lookup(value: str) -> str | None:
    """Return text as a column holds it: at most 200 characters, what no database takes replaced; None for nothing."""
    return _UNPRINTABLE.sub("\ufffd", value[:200]) or None
