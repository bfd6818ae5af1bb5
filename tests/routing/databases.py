"""Databases of a test's own: an SQLite file, and PostgreSQL where HOTLINE_TEST_POSTGRES gives a server's URL."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

POSTGRES = os.environ.get("HOTLINE_TEST_POSTGRES", "")
"""For example postgresql://postgres@127.0.0.1:5432/postgres; the user must be allowed to make databases."""


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncGenerator[str]:
    """Give the address of a file that is not there yet."""
    yield f"sqlite:///{folder / 'log.db'}"


@asynccontextmanager
async def postgresql(_: Path) -> AsyncGenerator[str]:
    """Give the address of a new, empty database, and drop it afterwards."""
    name = f"hotline_test_{uuid.uuid4().hex}"
    server = create_async_engine(make_url(POSTGRES).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
    async with server.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await server.dispose()


NewDatabase = Callable[[Path], AbstractAsyncContextManager[str]]

on_postgresql = pytest.param(
    postgresql,
    id="postgresql",
    marks=pytest.mark.skipif(not POSTGRES, reason="HOTLINE_TEST_POSTGRES is not set"),
)
DATABASES = [pytest.param(sqlite, id="sqlite"), on_postgresql]
