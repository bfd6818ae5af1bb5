"""What casework asks of a database: to read, and to write in transactions.

    async def promise(ticket: Ticket, notice: Notice) -> None:
        def both(transaction: Connection) -> None:
            tickets.put(transaction, ticket)
            outbox.put(transaction, notice)

        await database.write(both)

Everything that stands in one function is committed together or not at all, so what must not come apart (a ticket and
its notices) is written by plain functions that take the transaction first. The databases are opened by hotline/ (an
SQLite file or PostgreSQL, both in `routing/database.py`); `MemoryDatabase` lasts as long as the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from sqlalchemy import BigInteger, Connection, Integer, MetaData, String, create_engine, event
from sqlalchemy.pool import StaticPool

Result = TypeVar("Result")

METADATA: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})
"""All tables of casework. Whoever adds some imports them in `casework/migrations/env.py` and adds a step there."""

ID: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A row's own number; on SQLite only an INTEGER key is the row's own place in the table."""

KEY: Final = String(200).with_variant(String(200, collation="C"), "postgresql")
"""A text for looking up: compared by bytes, so that prefixes are ranges."""


class Database(Protocol):
    """A database that both SQLite and PostgreSQL satisfy."""

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work`, which only reads, and sees one state of the database. Raises SQLAlchemyError or OSError."""

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction, committed when it returns, undone when it raises.

        On SQLite other writers wait from its beginning on; it may run in another thread, so it touches nothing but
        the connection and what it was given. Raises SQLAlchemyError or OSError, and what `work` raises.
        """


class MemoryDatabase:
    """A database without a file, for tests and rehearsals: the same tables, gone with the process."""

    def __init__(self) -> None:
        self._engine = create_engine(
            "sqlite://",
            poolclass=StaticPool,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "isolation_level": None},
        )
        event.listen(self._engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
        event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory-database")

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """See Database."""
        return await self.write(work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """See Database."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)

    async def close(self) -> None:
        """Forget everything."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.begin() as connection:
            return work(connection)
