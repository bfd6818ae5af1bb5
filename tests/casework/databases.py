"""The three databases casework must behave alike on: in memory, an SQLite file, a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from casework import migrations
from storage.database import Database, MemoryDatabase, open_database
from tests.routing.databases import DATABASES, NewDatabase

EVERYWHERE = ["memory", *DATABASES]


@asynccontextmanager
async def a_database(kind: str | NewDatabase, folder: Path) -> AsyncGenerator[Database]:
    """Give a database with all tables of casework, for one of EVERYWHERE."""
    if isinstance(kind, str):
        memory = MemoryDatabase()
        await migrations.HISTORY.upgrade(memory)
        yield memory
        await memory.close()
        return
    async with kind(folder) as url:
        database = open_database(url)
        await migrations.HISTORY.upgrade(database)
        yield database
        await database.close()
