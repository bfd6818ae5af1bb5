"""The peer of `hotline bench dial`: a bare loop of panoramisk Originates, run where our server runs.

It knows no visits, no fates and no database; it only has each number called and waits for Asterisk's word that it was.
Prints one line of JSON: seconds, CPU seconds, calls.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from typing import Any, Final

from panoramisk import Manager

IN_FLIGHT: Final = 50


async def dial(calls: int, endpoint: str, round_: str) -> dict[str, float]:
    """Call so many numbers that are busy, at most IN_FLIGHT at one time."""
    manager = Manager(
        host=os.environ["HOTLINE_AMI__HOST"],
        port=5038,
        username="dial",
        secret=os.environ["HOTLINE_AMI__DIAL_SECRET"],
    )
    over: dict[str, asyncio.Event] = {}

    def down(_: Any, event: Any) -> None:
        if event.uniqueid in over:
            over[event.uniqueid].set()

    manager.register_event("Hangup", down)
    await manager.connect()
    room = asyncio.Semaphore(IN_FLIGHT)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)

    async def call(nth: int) -> None:
        async with room:
            channel = f"visit-9{round_}{nth:05}-1"
            over[channel] = asyncio.Event()
            action = {
                "Action": "Originate",
                "Channel": f"PJSIP/1701{nth:07}@{endpoint}",
                "ChannelId": channel,
                "Context": "visit",
                "Exten": "talk",
                "Priority": "1",
                "Async": "true",
                "Timeout": "10000",
            }
            manager.send_action(action, as_list=False)
            async with asyncio.timeout(20):
                await over[channel].wait()

    await asyncio.gather(*(call(nth) for nth in range(calls)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = time.monotonic() - began
    manager.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "calls": calls}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(dial(int(sys.argv[1]), sys.argv[2], sys.argv[3]))))  # noqa: T201
