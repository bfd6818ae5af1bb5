"""Senders are killed with -9 again and again: every notice is sent, doubles stay within the bound and are marked."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casework import migrations
from casework.notices import lookup
from casework.notices.channel import AfterACrash
from casework.notices.notice import Notice, State, Way
from storage.database import Database, open_database
from tests.casework.notices.pretend import a_notice, post
from tests.routing.databases import DATABASES, NewDatabase

LIVES = int(os.environ.get("HOTLINE_TEST_LIVES", "30"))
"""So many senders are killed."""
NOTICES = 5 * LIVES


class Provider:
    """Takes messages, and remembers how often it took each."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode().strip()
        if not line:  # killed before it said anything
            writer.close()
            return
        if line.startswith("? "):
            answer = line[2:] if self.taken[line[2:]] else ""
        else:
            self.taken[line] += 1
            answer = line
        writer.write(f"{answer}\n".encode())
        writer.close()

    async def takes(self, count: int) -> None:
        """Wait until so many different messages have come."""
        while len(+self.taken) < count:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def a_provider() -> AsyncGenerator[Provider]:
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    async with server:
        yield provider


async def kill_again_and_again(url: str, provider: Provider, how: AfterACrash, fate: random.Random) -> None:
    """Let senders live, each for some messages more, and kill them; the last one lives on."""
    nursery = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.casework.notices.nursery", url, str(provider.port), how),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    try:
        for _ in range(LIVES):
            nursery.stdin.write(b"live\n")
            child = int(await nursery.stdout.readline())
            seen = len(+provider.taken)
            await provider.takes(min(seen + fate.randint(0, 9), NOTICES))
            await asyncio.sleep(fate.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
        nursery.stdin.write(b"live\n")
        child = int(await nursery.stdout.readline())
        await provider.takes(NOTICES)
        await all_settled(url)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        nursery.kill()
        await nursery.wait()


async def all_settled(url: str) -> None:
    """Wait until the outbox knows of every notice that it is sent."""
    database = open_database(url)
    while (await database.read(lookup.counts))[State.SENT] < NOTICES:
        await asyncio.sleep(0.1)
    await database.close()


async def notices_of(database: Database) -> list[Notice]:
    return list(await database.read(lambda connection: lookup.listed(connection, limit=NOTICES)))


@pytest.mark.timeout(600 + 5 * LIVES)
@pytest.mark.parametrize("how", [AfterACrash.SEND_AGAIN, AfterACrash.ASK])
@pytest.mark.parametrize("new", DATABASES)
async def test_nothing_is_lost_and_doubles_are_few_and_marked(
    new: NewDatabase, how: AfterACrash, tmp_path: Path
) -> None:
    fate = random.Random(20261121)
    async with new(tmp_path) as url, a_provider() as provider:
        database = open_database(url)
        await migrations.HISTORY.upgrade(database)
        some = [a_notice(f"n{each}", ways=(Way("sms", f"+861380000{each:04}"),)) for each in range(NOTICES)]
        await post(database, *some, now=datetime.now(UTC))
        await kill_again_and_again(url, provider, how, fate)
        told = await notices_of(database)
        await database.close()
    doubles = {notice for notice, times in provider.taken.items() if times > 1}
    marked = {notice.id for notice in told if notice.maybe_double}
    print(  # noqa: T201 - the long run's result
        f"{how}: {LIVES} senders killed, {len(told)} notices, {len(told) - len(provider.taken)} not sent, "
        f"{sum(provider.taken.values()) - NOTICES} sent once more, {len(marked)} marked as possible doubles"
    )
    assert len(told) == NOTICES
    assert {notice.id for notice in told} == set(provider.taken), "each was sent"
    assert sum(provider.taken.values()) - NOTICES <= LIVES, "at most one double per crash"
    assert doubles <= marked
    assert len(marked) <= LIVES
    if how is AfterACrash.ASK:
        assert not doubles
        assert not marked
