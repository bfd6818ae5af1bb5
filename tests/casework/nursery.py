"""Opens and moves tickets until it is killed, and prints each that was acknowledged (see test_killed.py)."""

from __future__ import annotations

import asyncio
import sys
from zoneinfo import ZoneInfo

from casework.register import Register
from casework.slots import Calendar
from casework.steps import Step
from casework.tickets import Tickets
from routing.database import open_database
from tests.casework.cases import burst_pipe


async def main(url: str, life: str) -> None:
    """Open one ticket after the other, four at a time; each is known to its asker by an id of its own."""
    database = open_database(url, patience=30)
    tickets = Tickets(database, Register(), Calendar(zone=ZoneInfo("Asia/Shanghai")))

    async def work(hand: int) -> None:
        for nth in range(10**6):
            asked = burst_pipe(source="boss", external_id=f"{life}-{hand}-{nth}")
            ticket, _ = await tickets.open(asked, who="1024")
            tell(f"{asked.external_id} {ticket.code} 1")
            moved = await tickets.step(ticket.code, Step(move="dispatch", to="crew-3"), who="1024", expected=1)
            tell(f"{asked.external_id} {ticket.code} {moved.version}")

    await asyncio.gather(*(work(hand) for hand in range(4)))


def tell(line: str) -> None:
    """Acknowledge."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
