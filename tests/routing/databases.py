"""Databases of a test's own: an SQLite file, and one on a real PostgreSQL."""

from __future__ import annotations

import atexit
import os
import subprocess
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from hotline.prepare import DEMO_SITE, forget, prepare
from hotline.stack import Stack
from tests.stacks import own_stack


@cache
def postgres() -> str:
    """The address of a PostgreSQL server: HOTLINE_TEST_POSTGRES, or else a container that is made for this run."""
    if url := os.environ.get("HOTLINE_TEST_POSTGRES"):
        return url
    stack = own_stack()
    password = prepare(stack, DEMO_SITE).services["test-postgres"]
    stack.compose("up", "-d", "--build", "postgres")
    atexit.register(_clear_away, stack)
    _wait_for(stack)
    return f"postgresql://hotline:{password}@127.0.0.1:{stack.ports.postgres}/postgres"


def _clear_away(stack: Stack) -> None:
    """Take the container away, unless the telephone world has already taken all of its stack away."""
    if (stack.folder / "stack.env").exists() and "HOTLINE_TEST_KEEP" not in os.environ:
        stack.compose("down", "--volumes")
        forget(stack)


def _wait_for(stack: Stack) -> None:
    for _ in range(120):
        ready = [
            "docker",
            "exec",
            f"{stack.name}-postgres-1",
            "/usr/lib/postgresql/bin/pg_isready",
            "-q",
            "-h",
            "127.0.0.1",
        ]
        if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.5)
    raise AssertionError("PostgreSQL does not come up:\n" + stack.log("postgres", lines=20))


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncGenerator[str]:
    """Give the address of a file that is not there yet."""
    yield f"sqlite:///{folder / 'log.db'}"


@asynccontextmanager
async def postgresql(_: Path) -> AsyncGenerator[str]:
    """Give the address of a new, empty database, and drop it afterwards."""
    name = f"hotline_test_{uuid.uuid4().hex}"
    server = create_async_engine(
        make_url(postgres()).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT"
    )
    async with server.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(postgres()).set(database=name).render_as_string(hide_password=False)
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await server.dispose()


NewDatabase = Callable[[Path], AbstractAsyncContextManager[str]]

on_postgresql = pytest.param(postgresql, id="postgresql")
DATABASES = [pytest.param(sqlite, id="sqlite"), on_postgresql]
