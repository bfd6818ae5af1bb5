"""Records events and prints the number of each that is acknowledged, until it is killed (see test_log_killed.py)."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from routing.events import CallQueued
from routing.log_sql import open_log
from routing.log_writer import Pace


async def main(url: str, life: str) -> None:
    """Record in uneven bursts; the events of each life count from 0."""
    async with open_log(url, pace=Pace(linger=0.002, group=7)) as log:
        position = 0
        while True:
            for _ in range(position % 11 + 1):
                log.record(CallQueued(at=datetime.now(UTC), call=life, queue="repair", position=position))
                position += 1
            sys.stdout.write(f"{await log.flushed()} {position}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
