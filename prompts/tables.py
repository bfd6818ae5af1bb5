"""The tables of what operators have said: announcements, and changes of the calendar. The same on both databases."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

METADATA: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

SAID: Final = Table(
    "operator_words",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    # JSON with every character outside ASCII escaped: hostile text is harmless to both databases.
    Column("body", Text, nullable=False),
    Column("said_by", String(80), nullable=False),
    # Seconds since 1970. A row is never deleted: what callers heard last year can still be told.
    Column("said_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    sqlite_autoincrement=True,
)
"""One row for each announcement ("news") and each change of the calendar ("calendar")."""
