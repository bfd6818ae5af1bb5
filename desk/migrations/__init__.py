"""The history of the desk's tables: `versions/` holds one step for each change, Alembic applies them."""

from __future__ import annotations

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from routing.database import Database

VERSION_TABLE: Final = "desk_version"

ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(746865688)")
"""Servers that start together on PostgreSQL upgrade one after the other; SQLite's write lock does the same."""


async def upgrade(database: Database) -> None:
    """Bring the tables up to date, all or nothing; does nothing if they are. Killed half-way, it can be run again.

    Raises SQLAlchemyError or OSError if the database is out of reach, alembic's CommandError if it is too new for us.
    """
    await database.write(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(ONE_AT_A_TIME)
    command.upgrade(config(connection), "head")


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for this connection, whose transaction stays the caller's."""
    made = Config()
    made.set_main_option("script_location", "desk:migrations")
    made.attributes["connection"] = connection
    return made
