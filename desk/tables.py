"""The desk's tables, the same on SQLite and PostgreSQL, beside the event log's but with a history of their own."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, DateTime, Index, MetaData, String, Table

METADATA: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

USERS: Final = Table(
    "desk_users",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("role", String(32), nullable=False),
    Column("number", String(8)),
    Column("password", String(200), nullable=False),
)

KEYS: Final = Table(
    "desk_keys",
    METADATA,
    Column("name", String(32), primary_key=True),
    # The key itself is never kept.
    Column("key_hash", String(64), nullable=False),
    Column("made", DateTime(timezone=True), nullable=False),
    Index("ix_desk_keys_key_hash", "key_hash", unique=True),
)

SESSIONS: Final = Table(
    "desk_sessions",
    METADATA,
    # What the browser holds is never kept: who reads this table cannot sign in with it.
    Column("token_hash", String(64), primary_key=True),
    Column("name", String(32), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Index("ix_desk_sessions_name", "name"),
)
