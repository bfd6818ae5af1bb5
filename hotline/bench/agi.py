"""`hotline bench agi`: what one call's conversation over FastAGI costs our process.

Four servers answer the same calls, each in a process of its own: ours with everything switched on, panoramisk's
FastAGI (on asyncio's loop, with which it comes, and on uvloop, on which all the others run), and a bare floor that
does just enough to get through nine commands. One more process plays Asterisk: it describes the call, answers each
command, and waits to be let go. Rounds are interleaved, so that whatever else the machine does hits all alike.

Then 1,000 callers hang up on ours at random points and in every way Asterisk has, and each reply is checked to
belong to the command that was sent.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from statistics import median, quantiles
from typing import Any, Final

import uvloop

from hotline.bench.report import Machine, Report, Row
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

NOTES: Final = (
    "cpu: user and system time of the server's process, by the kernel's clock of that process; median of the rounds.",
    "latency: from connect to the server's hang-up, over loopback. The caller's side is Python as well and shares the "
    "cores: with many calls at a time it is mostly waiting in line.",
    "panoramisk runs on asyncio's own loop, with which it comes; all other servers run on uvloop.",
    "headers: Asterisk writes them line by line, and they arrive in as many pieces as chance will have it. That costs "
    "every server about the same, so it is kept out of all figures but those that say so.",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    ways: Sequence[tuple[int, str]]
    """How many calls at a time, and whether their headers come in one piece or line by line."""
    rounds: int
    sessions: int
    """In each round, for each server, in each way."""
    hang_ups: int


FULL: Final = Size(
    ways=((1, WHOLE), (10, WHOLE), (50, WHOLE), (200, WHOLE), (10, BY_LINE)), rounds=5, sessions=400, hang_ups=1_000
)
QUICK: Final = Size(ways=((10, WHOLE),), rounds=3, sessions=60, hang_ups=200)


def run(*, quick: bool = False) -> Report:
    """Measure, in less than a minute (`quick`: a few seconds). Raises RuntimeError if a server miscounts."""
    size = QUICK if quick else FULL
    with _process(_play_asterisk) as asterisk:
        figures = _measure(size, asterisk)
        checked = _check_hang_ups(size, asterisk)
    return Report(
        name=f"agi: sessions of {NINE} commands",
        machine=Machine.this(),
        rows=[*(row for rows in figures.values() for row in rows.values()), checked],
        ratios=_ratios(figures),
        notes=NOTES,
    )


# Cost


Figures = dict[tuple[int, str], dict[str, Row]]
"""By way and server."""


def _measure(size: Size, asterisk: _Process) -> Figures:
    with ExitStack() as stack:
        servers = {
            "ours": stack.enter_context(_process(_serve_ours)),
            "panoramisk": stack.enter_context(_process(_serve_panoramisk, new_loop=asyncio.new_event_loop)),
            "panoramisk on uvloop": stack.enter_context(_process(_serve_panoramisk)),
            "floor": stack.enter_context(_process(_serve_floor)),
        }
        for server in servers.values():
            asterisk.ask("calls", server.port, 10, size.sessions, WHOLE)  # warm up
        return {way: _compare(size, way, servers, asterisk) for way in size.ways}


def _compare(size: Size, way: tuple[int, str], servers: dict[str, _Process], asterisk: _Process) -> dict[str, Row]:
    concurrent, headers = way
    costs: dict[str, list[float]] = {name: [] for name in servers}
    waits: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(size.rounds):
        for name in _rotated(list(servers), number):
            before = servers[name].cpu_seconds()
            waits[name] += asterisk.ask("calls", servers[name].port, concurrent, size.sessions, headers)
            costs[name].append((servers[name].cpu_seconds() - before) / size.sessions)
    return {
        name: {
            "server": name,
            "at a time": concurrent,
            "headers": headers,
            "sessions": len(waits[name]),
            _CPU: 1e3 * median(costs[name]),
            "p50 ms": 1e3 * median(waits[name]),
            "p99 ms": 1e3 * quantiles(waits[name], n=100)[98],
            "memory MB": servers[name].memory_mb(),
        }
        for name in servers
    }


def _rotated(names: list[str], by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]


def _ratios(figures: Figures) -> dict[str, float]:
    """Server CPU for each session, ours to the others'; the plain name is over all ways with whole headers."""
    ratios = {}
    for other in ("panoramisk", "panoramisk on uvloop", "floor"):
        cpu = {way: (float(rows["ours"][_CPU]), float(rows[other][_CPU])) for way, rows in figures.items()}
        usual = [pair for (_, headers), pair in cpu.items() if headers == WHOLE]
        ratios[f"cpu ours/{other}"] = sum(ours for ours, _ in usual) / sum(its for _, its in usual)
        for (concurrent, headers), (ours, its) in cpu.items():
            ratios[f"cpu ours/{other} at {concurrent}" + (", " + headers) * (headers != WHOLE)] = ours / its
    return ratios


_CPU: Final = "cpu ms/session"
STARTS_WITHIN: Final = 60
"""Seconds in which a child must have imported everything, on a machine that has other work too."""


# Correctness


def _check_hang_ups(size: Size, asterisk: _Process) -> Row:
    with _process(_serve_checking) as checking:
        asterisk.ask("hang_ups", checking.port, 50, size.hang_ups)
        found: Row = checking.ask("settle")
    if found["sessions"] != size.hang_ups:
        raise RuntimeError(f"{size.hang_ups} callers came and {found['sessions']} were served")
    return {"server": "ours, callers hang up", "at a time": 50, **found}


# The servers


async def _serve_ours() -> _Service:
    async def flow(session: Session) -> None:
        for words in COMMANDS:
            await session.send(*words, within=30)
        await session.send("SET VARIABLE", "HOTLINE_CALL", session.call, within=30)

    server = AgiServer({0: flow}, host="127.0.0.1", peers=[ip_network("127.0.0.0/8")])
    await server.start()
    return _Service(server.ports[0])


async def _serve_panoramisk() -> _Service:
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
    return _Service(server.sockets[0].getsockname()[1], server)


def _line(words: Sequence[str]) -> str:
    """A command as one writes it by hand for a server that does not encode."""
    command, *arguments = words
    return " ".join([command, *(f'"{argument}"' if " " in argument else argument for argument in arguments)])


async def _serve_floor() -> _Service:
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
    return _Service(server.sockets[0].getsockname()[1], server)


async def _serve_checking() -> _Service:
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
    return _Service(server.ports[0], settle=settle)


# Asterisk's side


async def _play_asterisk() -> _Service:
    return _Service(0, calls=_calls, hang_ups=_hang_ups)


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


# Processes


@dataclass
class _Service:
    """What a child process offers: a port, and coroutines that may be asked for by name."""

    port: int
    keep: object = None
    """A server that must not be collected while the process lives."""
    calls: Callable[..., Awaitable[Any]] | None = None
    hang_ups: Callable[..., Awaitable[Any]] | None = None
    settle: Callable[..., Awaitable[Any]] | None = None


@dataclass
class _Process:
    """A child process, seen from here."""

    pid: int
    pipe: Connection
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = self._reply(STARTS_WITHIN)

    def ask(self, name: str, *arguments: int | str) -> Any:
        """Have the child run one of its coroutines, at most a minute."""
        self.pipe.send((name, arguments))
        return self._reply(60)

    def _reply(self, within: float) -> Any:
        if not self.pipe.poll(within):
            raise RuntimeError(f"a bench process did not answer within {within:g} s")
        reply = self.pipe.recv()
        if isinstance(reply, Exception):
            raise RuntimeError("a bench process failed") from reply
        return reply

    def cpu_seconds(self) -> float:
        """User and system time since it started, to the nanosecond (clock_getcpuclockid, for a process)."""
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _process(
    service: Callable[[], Awaitable[_Service]],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
) -> Iterator[_Process]:
    """Start a child; it ends with this block, or by itself when this process is gone."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=_live, args=(service, theirs, new_loop), daemon=True)
    child.start()
    theirs.close()
    try:
        yield _Process(child.pid or 0, ours)
    finally:
        ours.close()
        child.join(5)
        if child.is_alive():
            child.kill()
            child.join()


def _live(
    service: Callable[[], Awaitable[_Service]], pipe: Connection, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A child's whole life."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        offered = await service()
        threading.Thread(target=_obey, args=(pipe, offered, loop), daemon=True).start()
        await loop.create_future()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve())


def _obey(pipe: Connection, offered: _Service, loop: asyncio.AbstractEventLoop) -> None:
    """Runs in a thread of its own, so that even a process whose event loop spins can be ended."""
    pipe.send(offered.port)
    try:
        while True:
            name, arguments = pipe.recv()
            try:
                wanted = getattr(offered, name)(*arguments)
                pipe.send(asyncio.run_coroutine_threadsafe(wanted, loop).result())
            except Exception as failure:
                pipe.send(failure)
    finally:
        os._exit(0)
