"""What all tables of casework have in common: the book they stand in, and the types of their keys."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData, String

METADATA: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})
"""All tables of casework. `casework/migrations/__init__.py` imports the modules that add some."""

ID: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A row's own number; on SQLite only an INTEGER key is the row's own place in the table."""

KEY: Final = String(200).with_variant(String(200, collation="C"), "postgresql")
"""A text for looking up: compared by bytes, so that prefixes are ranges."""
