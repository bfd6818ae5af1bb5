"""A server that is killed loses nothing it has acknowledged."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from routing.events import CallQueued
from routing.log_sql import read_log
from tests.routing.databases import DATABASES, NewDatabase

LIVES = 20


async def live_and_be_killed(url: str, life: str, fate: random.Random) -> tuple[int, int]:
    """Let a recorder live for a while; return the last number it acknowledged, and how many events that were."""
    recorder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.routing.recorder", url, life, stdout=asyncio.subprocess.PIPE
    )
    assert recorder.stdout is not None
    last = ""
    async with asyncio.timeout(60):
        for _ in range(fate.randint(1, 15)):
            last = (await recorder.stdout.readline()).decode()
        await asyncio.sleep(fate.uniform(0, 0.02))
        recorder.kill()
        rest = (await recorder.stdout.read()).decode()
        await recorder.wait()
    whole_lines = (last + rest)[: (last + rest).rindex("\n")].split("\n")
    seq, count = whole_lines[-1].split()
    return int(seq), int(count)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("new", DATABASES)
async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(new: NewDatabase, tmp_path: Path) -> None:
    fate = random.Random(20251121)
    async with new(tmp_path) as url:
        for life in range(LIVES):
            acknowledged, count = await live_and_be_killed(url, f"life-{life}", fate)
            async with read_log(url) as log:
                numbers = [each.seq for each in await log.after(0, limit=100_000)]
                events = [event for event in await log.of_call(f"life-{life}") if isinstance(event, CallQueued)]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= acknowledged
            assert [event.position for event in events] == list(range(len(events)))
            assert len(events) >= count
