"""The history of a room's tables: its `migrations/versions/` holds one step for each change, Alembic applies them.

    HISTORY = History("casework", tables=METADATA, lock=746865687)
    await HISTORY.upgrade(database)

A step is never changed once somebody may have taken it. A new one is drafted from what changed in the tables, to be
read and corrected: `python -m storage.draft casework "add a column" --name tickets_0005`.
"""

from __future__ import annotations

from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text

from storage.database import Database


@dataclass(frozen=True, slots=True)
class History:
    """The history of one room's tables, in a database that it may share with other rooms."""

    room: str
    """The room's package; its `migrations/versions/` has the steps."""
    tables: MetaData
    """All tables of the room as they are now."""
    lock: int
    """The room's own number: servers that start together on PostgreSQL upgrade one after the other by it. SQLite's
    write lock does the same.
    """

    @property
    def version_table(self) -> str:
        """The table in which it is written how far the steps were taken."""
        return f"{self.room}_version"

    async def upgrade(self, database: Database) -> None:
        """Bring the tables up to date, all or nothing; does nothing if they are. Killed half-way, it can be run again.

        Raises SQLAlchemyError or OSError if the database is out of reach, alembic's CommandError if it is too new
        for us.
        """
        await database.write(self._upgrade)

    async def draft(self, database: Database, title: str, *, name: str | None = None) -> None:
        """Write the step from the newest version to today's tables; `database` is an empty one.

        `name` is the step's own where a room has several lines of steps (tickets_0005); what stands before the line's
        number says which line it continues.
        """
        await self.upgrade(database)
        head = "head" if name is None else f"{name.partition('_')[0]}@head"
        await database.write(
            lambda connection: command.revision(
                self._config(connection), title, rev_id=name, head=head, autogenerate=True
            )
        )

    def _upgrade(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": self.lock})
        command.upgrade(self._config(connection), "heads")

    def _config(self, connection: Connection) -> Config:
        """Alembic's configuration for this connection, whose transaction stays the caller's."""
        made = Config()
        made.set_main_option("script_location", "storage:alembic")
        made.set_main_option("version_locations", f"{self.room}:migrations/versions")
        made.set_main_option("path_separator", "newline")
        made.attributes |= {"connection": connection, "tables": self.tables, "version_table": self.version_table}
        return made
