"""What a room asks of a database, to read and to write in transactions, and the databases there are.

    async def promise(ticket: Ticket, notice: Notice) -> None:
        def both(transaction: Connection) -> None:
            tickets.put(transaction, ticket)
            outbox.put(transaction, notice)

        await database.write(both)

Everything that stands in one function is committed together or not at all, so what must not come apart (a ticket and
its notices) is written by plain functions that take the transaction first.

By URL: an SQLite file (sqlite:////srv/hotline/log.db) or PostgreSQL (postgresql://...). `MemoryDatabase` lasts as long
as the process.

What SQLite has acknowledged outlives kill -9 and a power cut (WAL, synchronous FULL). A statement that waits for
another process's lock, or for PostgreSQL's answer, gives up after `patience` seconds.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

Result = TypeVar("Result")

READERS: Final = 4
"""So many may read an SQLite file at a time; one that takes long keeps nobody else waiting."""


class Database(Protocol):
    """A database that is read through `read` and written by `write`."""

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work`, which only reads and sees one state of the database. Raises SQLAlchemyError or OSError."""

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction, committed when it returns, undone when it raises.

        On SQLite other writers wait from its beginning on; it may run in another thread, so it touches nothing but
        the connection and what it was given. Raises SQLAlchemyError or OSError, and what `work` raises.
        """

    async def close(self) -> None:
        """Close all connections."""


def open_database(url: str, *, make: bool = True, patience: float = 5.0) -> Database:
    """Return the database at this address; nothing is connected yet.

    An SQLite file that is not there is made, readable to us alone; without `make`, FileNotFoundError is raised instead.
    Raises ValueError for an address we cannot use.
    """
    address = make_url(url)
    match address.get_backend_name():
        case "postgresql":
            return PostgresqlDatabase(address, patience)
        case "sqlite" if address.database and address.database != ":memory:":
            file = Path(address.database)
            if make:
                file.touch(mode=0o600)
            elif not file.is_file():
                raise FileNotFoundError(f"there is no database at {file}: nothing was written there yet")
            return SqliteDatabase(file, patience)
        case _:
            raise ValueError("the database must be sqlite:////folder/file.db or postgresql://user:password@host/name")


class SqliteDatabase:
    """An SQLite file.

    Whoever reads or writes does so in another thread in one go: through aiosqlite each statement changes threads
    several times, which costs 2.5 times the CPU.
    """

    def __init__(self, file: Path, patience: float) -> None:
        # Left to itself, Python's sqlite3 begins transactions before INSERT, but never before CREATE TABLE.
        how = {"timeout": patience, "isolation_level": None}
        address = URL.create("sqlite", database=str(file))
        self._writing = create_engine(address, hide_parameters=True, connect_args=how)
        self._reading = create_engine(address, hide_parameters=True, connect_args=how, pool_size=READERS)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._patience = patience
        event.listen(self._writing, "connect", self._make_durable)
        event.listen(self._writing, "begin", _begin_with("BEGIN IMMEDIATE"))
        event.listen(self._reading, "begin", _begin_with("BEGIN"))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """See Database."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """See Database."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, work)

    async def close(self) -> None:
        """See Database."""
        for threads, engine in ((self._writer, self._writing), (self._readers, self._reading)):
            await asyncio.to_thread(threads.shutdown)
            engine.dispose()

    def _look(self, work: Callable[[Connection], Result]) -> Result:
        with self._reading.connect() as connection:
            return work(connection)

    def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        with self._writing.begin() as connection:
            return work(connection)

    def _make_durable(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        until = time.monotonic() + self._patience
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                # Two servers begin the same file: SQLite does not wait here of itself.
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


class PostgresqlDatabase:
    """A PostgreSQL database."""

    def __init__(self, address: URL, patience: float) -> None:
        self._engine = create_async_engine(
            address.set(drivername="postgresql+asyncpg"),
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"timeout": patience, "command_timeout": patience},
        )
        self._one_state = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """See Database."""
        async with self._one_state.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """See Database."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """See Database."""
        await self._engine.dispose()


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


def _begin_with(statement: str) -> Callable[[Connection], None]:
    """Begin by the driver itself, for each transaction begins so: through SQLAlchemy it costs five times as much."""

    def begin(connection: Connection) -> None:
        try:
            connection.connection.cursor().execute(statement)
        except sqlite3.Error as problem:
            raise OperationalError(statement, None, problem) from problem

    return begin
