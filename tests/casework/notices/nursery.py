"""Brings up one sender after another, each to be killed: python -m tests.casework.notices.nursery URL PORT HOW.

For each line on standard input a sender is forked off and its process id printed; everything is imported only once. The
provider is the test itself, at a port: a line with a notice's id is a message it takes, a line `? ID` asks for one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

import structlog

from casework.notices.channel import Accepted, AfterACrash, ChannelDown, Letter
from casework.notices.pace import Caps
from casework.notices.sender import Lane, Sender
from casework.notices.texts import Texts
from storage.database import open_database

LEASE = timedelta(seconds=0.4)


class Wire:
    """A channel to the provider in the test."""

    gives_receipts = False
    limit = 5.0

    def __init__(self, port: int, after_a_crash: AfterACrash) -> None:
        self.after_a_crash = after_a_crash
        self._port = port

    async def send(self, letter: Letter) -> Accepted:
        return Accepted(await self._say(letter.id))

    async def ask(self, letter: Letter) -> Accepted | None:
        known = await self._say(f"? {letter.id}")
        return Accepted(known) if known else None

    async def _say(self, line: str) -> str:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as problem:
            raise ChannelDown("the test is over") from problem
        writer.write(f"{line}\n".encode())
        answer = (await reader.readline()).decode().strip()
        writer.close()
        return answer


async def send(url: str, port: int, how: str) -> None:
    lane = Lane(Wire(port, AfterACrash(how)), at_once=1)
    caps = Caps(number=100_000, ticket=100_000, total=100_000)
    sender = Sender(open_database(url), {"sms": lane}, Texts.read(), caps=caps, lease=LEASE)
    sender.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(send(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
        print(child, flush=True)  # noqa: T201 - the test reads it
        os.waitpid(child, 0)
