"""The servers that `hotline bench agi` compares, all with the same nine commands for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network
from itertools import count
from typing import Any, Final

from hotline.bench.children import Offer
from hotline.bench.report import Row
from ivr.errors import CommandRefused
from ivr.server import AgiServer, Session

COMMANDS: Final = (
    ("ANSWER",),
    ("SET VARIABLE", "TIMEOUT(absolute)", "60"),
    ("STREAM FILE", "hotline/zh/greeting", "12340*"),
    ("SET VARIABLE", "TIMEOUT(absolute)", "60"),
    ("GET DATA", "hotline/zh/main_menu", "5000", "1"),
    ("SET VARIABLE", "HOTLINE_BRAND", "暖 阳"),
    ("SET VARIABLE", "HOTLINE_QUEUE", "repair"),
    ("SET VARIABLE", "HOTLINE_PRIORITY", "0"),
)
"""One call: answer, greet, ask for a key, and leave the decision with the dialplan. The ninth leaves the call's id."""
NINE: Final = len(COMMANDS) + 1


async def serve_ours() -> Offer:
    """Ours, with everything switched on."""

    async def flow(session: Session) -> None:
        for words in COMMANDS:
            await session.send(*words, within=30)
        await session.send("SET VARIABLE", "HOTLINE_CALL", session.call, within=30)

    server = AgiServer({0: flow}, host="127.0.0.1", peers=[ip_network("127.0.0.0/8")])
    await server.start()
    return Offer(server.ports[0])


async def serve_panoramisk() -> Offer:
    """Its routes must be coroutines on Python 3.11 and later, and one bare connect would make it spin for ever."""
    from panoramisk.fast_agi import Application

    async def flow(request: Any) -> None:
        for line in lines:
            await request.send_command(line)
        await request.send_command(f"SET VARIABLE HOTLINE_CALL {request.headers['agi_uniqueid']}")

    lines = [_line(words) for words in COMMANDS]
    application = Application()
    application.add_route("call", flow)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=512)
    return Offer(server.sockets[0].getsockname()[1], server)


def _line(words: Sequence[str]) -> str:
    """A command as one writes it by hand for a server that does not encode."""
    command, *arguments = words
    return " ".join([command, *(f'"{argument}"' if " " in argument else argument for argument in arguments)])


async def serve_floor() -> Offer:
    """The least any Python server can do: it looks for line ends and for nothing else; no limits, no coroutine."""
    lines = [(_line(words) + "\n").encode() for words in (*COMMANDS, ("SET VARIABLE", "HOTLINE_CALL", "none"))]

    class Floor(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            self.lines = iter(lines)
            self.headers = b""

        def data_received(self, data: bytes) -> None:
            if not self.headers.endswith(b"\n\n"):
                self.headers += data
                if not self.headers.endswith(b"\n\n"):
                    return
            if line := next(self.lines, None):
                self.transport.write(line)
            else:
                self.transport.close()

    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", 0, backlog=512)
    return Offer(server.sockets[0].getsockname()[1], server)


async def serve_checking() -> Offer:
    """Ours, with a flow that asks for its own words back and counts every reply that is not the right one."""
    wrong = 0
    marks = count()
    tasks_before = len(asyncio.all_tasks())

    async def flow(session: Session) -> None:
        nonlocal wrong
        for _ in range(NINE):
            mark = f"mark {next(marks)}"
            try:
                reply = await session.send("GET VARIABLE", mark, within=30)
            except CommandRefused as refused:
                wrong += refused.reply.data.count(mark) != 1
            else:
                wrong += reply.value != mark

    async def settle() -> Row:
        """Let the last flows notice that their callers are gone, then count."""
        late = await server.drain(10)
        counters = server.counters
        turned_away = sum(counters.refused.values())
        hung_up = counters.ended["caller-hung-up"]
        return {
            "sessions": counters.total,
            "wrong replies": wrong,
            "leaked tasks": late + len(asyncio.all_tasks()) - tasks_before - 1,  # this coroutine is one
            "whole": counters.ended["done"],
            "hung up": hung_up,
            "in the headers": turned_away,
            "other ends": sum(counters.ended.values()) - counters.ended["done"] - hung_up,
        }

    server = AgiServer({0: flow}, host="127.0.0.1", peers=[ip_network("127.0.0.0/8")])
    await server.start()
    return Offer(server.ports[0], settle=settle)
