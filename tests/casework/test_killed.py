"""A process that writes tickets is killed at random moments: none that was acknowledged is lost, none is doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from casework import book, migrations
from casework.tables import EVENTS, TICKETS
from casework.ticket import Ticket, replayed
from storage.database import Database, open_database
from tests.routing.databases import DATABASES, NewDatabase

LIVES = int(os.environ.get("HOTLINE_TEST_LIVES", "5"))
"""So many writers are killed."""
AT_LEAST = 20 * LIVES
"""So many tickets are acknowledged."""

Acknowledged = dict[str, tuple[str, int]]
"""What a writer was told: by external id the code and the last version."""


class Nursery:
    """Lets writers live and kills them; keeps all that was acknowledged to them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.acknowledged: Acknowledged = {}

    async def live_and_be_killed(self, life: str, enough: Callable[[int], bool], fate: random.Random) -> None:
        """Let one live until it has had `enough` answers, and some milliseconds more."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{life}\n".encode())
        pid = int((await self._line()).removeprefix("alive "))
        answers = 0
        while not enough(answers):
            self._take(await self._line())
            answers += 1
        await asyncio.sleep(fate.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        while (line := await self._line()) != "dead":
            self._take(line)

    async def _line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            return (await self._process.stdout.readline()).decode().strip()

    def _take(self, line: str) -> None:
        assert line != "dead", "it died by itself"
        external, code, version = line.split()
        self.acknowledged[external] = (code, int(version))


@asynccontextmanager
async def a_nursery(url: str) -> AsyncGenerator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.casework.nursery", url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Nursery(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def everything(database: Database) -> list[Ticket]:
    """Every ticket, each the same as its events tell it."""
    rows = await database.read(
        lambda connection: connection.execute(select(TICKETS.c.id, TICKETS.c.body).order_by(TICKETS.c.id)).all()
    )
    tickets = [Ticket.model_validate_json(row.body) for row in rows]
    for ticket in tickets:
        events = await database.read(lambda connection, code=ticket.code: book.events_of(connection, code))  # type: ignore[misc]
        assert replayed(list(events)) == ticket
    return tickets


@pytest.mark.timeout(600 + 5 * LIVES)
@pytest.mark.parametrize("new", DATABASES)
async def test_no_ticket_is_lost_and_none_doubled_when_the_writer_is_killed(new: NewDatabase, tmp_path: Path) -> None:
    fate = random.Random(20251121)
    async with new(tmp_path) as url:
        database = open_database(url)
        await migrations.HISTORY.upgrade(database)
        async with a_nursery(url) as nursery:
            acknowledged = nursery.acknowledged
            for life in range(LIVES - 1):
                most = fate.randint(1, 80)
                await nursery.live_and_be_killed(f"life-{life}", lambda answers, most=most: answers >= most, fate)  # type: ignore[misc]
            await nursery.live_and_be_killed("the-last", lambda _answers: len(acknowledged) >= AT_LEAST, fate)
        tickets = await everything(database)
        kept = {ticket.external_id: (ticket.code, ticket.version) for ticket in tickets}
        lost = {
            external: told
            for external, told in acknowledged.items()
            if kept.get(external, ("", 0))[0] != told[0] or kept[external][1] < told[1]
        }
        doubled = [external for external, times in Counter(t.external_id for t in tickets).items() if times > 1]
        print(  # noqa: T201 - the long run's result
            f"{LIVES} writers killed, {len(acknowledged)} tickets acknowledged, {len(tickets)} there, "
            f"{len(lost)} lost, {len(doubled)} doubled"
        )
        assert lost == {}
        assert doubled == []
        assert len({ticket.code for ticket in tickets}) == len(tickets)
        # What was under way when it was killed is whole or not there at all.
        assert len(tickets) <= len(acknowledged) + 4 * LIVES
        orphans = await database.read(
            lambda connection: connection.execute(
                select(EVENTS.c.ticket).where(EVENTS.c.ticket.not_in(select(TICKETS.c.id)))
            ).all()
        )
        assert orphans == []
        await database.close()
