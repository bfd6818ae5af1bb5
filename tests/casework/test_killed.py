"""A process that writes tickets is killed at random moments: none that was acknowledged is lost, none is doubled."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from casework import book, migrations
from casework.database import Database
from casework.tables import EVENTS, TICKETS
from casework.ticket import Ticket, replayed
from routing.database import open_database
from tests.routing.databases import DATABASES, NewDatabase

LIVES = int(os.environ.get("HOTLINE_TEST_LIVES", "5"))
"""More of them when the machine is quiet: each costs a start."""


async def live_and_be_killed(url: str, life: str, fate: random.Random) -> dict[str, tuple[str, int]]:
    """Let a writer live for a while; return what it acknowledged: by external id the code and the last version."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.casework.nursery", url, life, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    said = b""
    async with asyncio.timeout(60):
        for _ in range(fate.randint(1, 40)):
            said += await writer.stdout.readline()
        await asyncio.sleep(fate.uniform(0, 0.02))
        writer.kill()
        said += await writer.stdout.read()
        await writer.wait()
    whole = said[: said.rindex(b"\n")].decode().split("\n")
    return {external: (code, int(version)) for external, code, version in (line.split() for line in whole)}


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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("new", DATABASES)
async def test_no_ticket_is_lost_and_none_doubled_when_the_writer_is_killed(new: NewDatabase, tmp_path: Path) -> None:
    fate = random.Random(20251121)
    acknowledged: dict[str, tuple[str, int]] = {}
    async with new(tmp_path) as url:
        database = open_database(url)
        await migrations.upgrade(database)
        for life in range(LIVES):
            acknowledged |= await live_and_be_killed(url, f"life-{life}", fate)
        tickets = await everything(database)
        kept = {ticket.external_id: (ticket.code, ticket.version) for ticket in tickets}
        lost = {
            external: told
            for external, told in acknowledged.items()
            if kept.get(external, ("", 0))[0] != told[0] or kept[external][1] < told[1]
        }
        assert lost == {}
        assert [external for external, times in Counter(t.external_id for t in tickets).items() if times > 1] == []
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
