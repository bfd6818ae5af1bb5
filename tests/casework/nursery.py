"""Brings up one writer of tickets after another, each to be killed: python -m tests.casework.nursery URL.

For each line on standard input (the name of a life) a writer is forked off; everything is imported only once. Printed
are `alive PID`, a line for each acknowledged ticket (external id, code and version), and `dead` at the end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from zoneinfo import ZoneInfo

from casework.register import Register
from casework.slots import Calendar
from casework.steps import Step
from casework.tickets import Tickets
from storage.database import open_database
from tests.casework.cases import burst_pipe


async def live(url: str, life: str) -> None:
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
    """Say it at once and whole: a line is less than what a pipe takes in one piece."""
    os.write(1, f"{line}\n".encode())


def main(url: str) -> None:
    """Let one live after the other."""
    for life in sys.stdin:
        child = os.fork()
        if not child:
            tell(f"alive {os.getpid()}")
            asyncio.run(live(url, life.strip()))
        os.waitpid(child, 0)
        tell("dead")


if __name__ == "__main__":
    main(*sys.argv[1:])
