"""Asterisk's side of `hotline bench agi`: calls that are patient, that come line by line, or that hang up anywhere."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any, Final

from hotline.bench.agi_servers import NINE
from hotline.bench.children import Offer

HEADERS: Final = b"""\
agi_network: yes
agi_network_script: call
agi_request: agi://172.30.0.3:4573/call
agi_channel: PJSIP/carrier-%08x
agi_language: zh
agi_type: PJSIP
agi_uniqueid: pbx-1763744923.%d
agi_version: 22.10.1
agi_callerid: unknown
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 100
agi_rdnis: unknown
agi_context: from-carrier
agi_extension: 100
agi_priority: 7
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 140203302377152

"""
"""A call as Asterisk 22 describes it; each call has its own number."""

WHOLE: Final = "in one piece"
BY_LINE: Final = "line by line"


async def play_asterisk() -> Offer:
    """The process that places the calls."""
    return Offer(0, calls=_calls, hang_ups=_hang_ups)


async def _calls(port: int, concurrent: int, sessions: int, headers: str) -> list[float]:
    """Place calls, so many at a time; returns how many seconds each took."""
    took = []
    kind = _ByLine if headers == BY_LINE else _Patient

    async def one(number: int) -> None:
        started = time.perf_counter()
        heard = await _call(kind(number), port)
        took.append(time.perf_counter() - started)
        if heard != NINE:
            raise RuntimeError(f"a server sent {heard} commands instead of {NINE}")

    await _in_lanes(concurrent, sessions, one)
    return took


async def _hang_ups(port: int, concurrent: int, sessions: int) -> int:
    """Place calls that hang up at random points; the same ones every time."""

    async def one(number: int) -> None:
        await _call(_Impatient(number), port)

    await _in_lanes(concurrent, sessions, one)
    return sessions


async def _call(caller: _Patient, port: int) -> int:
    await asyncio.get_running_loop().create_connection(lambda: caller, "127.0.0.1", port)
    async with asyncio.timeout(30):
        await caller.over
    return caller.heard


async def _in_lanes(lanes: int, total: int, one: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(total))

    async def lane() -> None:
        for number in numbers:
            await one(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(lanes, total)):
            group.create_task(lane())


class _Patient(asyncio.Protocol):
    """A call on Asterisk's side that answers every command until the server lets it go."""

    def __init__(self, number: int) -> None:
        self.headers = HEADERS % (number, number)
        self.heard = 0
        """Commands so far."""
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.begin()

    def begin(self) -> None:
        self.transport.write(self.headers)

    def data_received(self, data: bytes) -> None:
        """A command is one line in one piece, as nothing is sent before its reply."""
        self.heard += 1
        self.answer(data)

    def answer(self, _: bytes) -> None:
        self.transport.write(b"200 result=0\n")

    def connection_lost(self, _: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


class _ByLine(_Patient):
    """Describes the call as Asterisk does: one system call for each line, with Nagle's algorithm on."""

    def begin(self) -> None:
        socket = self.transport.get_extra_info("socket")
        socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 0)
        for line in self.headers.splitlines(keepends=True):
            os.write(socket.fileno(), line)


class _Impatient(_Patient):
    """Answers each command with its own last word, and hangs up somewhere in one of Asterisk's ways."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.chance = random.Random(number)  # noqa: S311
        self.leaves_at = self.chance.randrange(NINE + 2)  # 0: during the headers; 10: not at all

    def begin(self) -> None:
        if self.leaves_at == 0:
            self.leave(self.headers[: self.chance.randrange(len(self.headers))])
        else:
            self.in_pieces(self.headers)

    def answer(self, line: bytes) -> None:
        mark = line.split(b'"')[1]
        reply = b"200 result=1 (%s)\n" % mark
        if self.chance.random() < 0.1:
            reply = b"520-Invalid command syntax.  Proper usage follows:\n%s\n520 End of proper usage.\n" % mark
        if self.heard != self.leaves_at:
            self.in_pieces(reply)
            return
        farewell = self.chance.choice(
            [
                b"",  # the connection breaks
                reply[: self.chance.randrange(len(reply))],
                b"HANGUP\n",
                b"HANGUP\nHANGUP\n",
                b"HANGUP\n511 Command Not Permitted on a dead channel or intercept routine\n",
                b"HANGUP\n" + reply,
                reply + b"HANGUP\n",
                b"200 result=-1\nHANGUP\n",
                b"511 Command Not Permitted on a dead channel or intercept routine\n",
            ]
        )
        self.leave(farewell)

    def in_pieces(self, data: bytes) -> None:
        """Send it as two segments; the second follows when the first is on its way."""
        cut = self.chance.randrange(len(data))
        self.transport.write(data[:cut])
        asyncio.get_running_loop().call_soon(self.transport.write, data[cut:])

    def leave(self, last: bytes) -> None:
        self.transport.write(last)
        if self.chance.random() < 0.5:
            self.transport.close()
        else:
            asyncio.get_running_loop().call_soon(self.transport.abort)
