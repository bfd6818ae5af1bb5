"""`hotline bench board`: what an event of Asterisk costs on its way to the live picture, beside panoramisk alone.

A player in a process of its own speaks the manager interface and plays the events of full calls. They are heard twice:
by panoramisk, which parses each and calls one function that does nothing; and by our house: parsed, understood, told
as facts, and taken by picture, figures, alarms and wrap-ups, with the board painted all the while. What the log would
write is left out: it has a bench of its own (`hotline bench call`).
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from panoramisk.manager import Manager
from pydantic import SecretStr

from hotline.bench.report import Machine, Report, Row
from hotline.metrics import Counted
from routing.ami import AmiAddress, Link
from routing.board import MemoryBoard
from routing.events import AgentSignedIn, Event
from routing.ledger import Ledger
from routing.live import Live
from routing.mirror import Mirror
from routing.painter import Painter
from routing.picture import Canvas
from routing.staff import Agent, Queue
from routing.stream import Stream
from routing.watch import Watch
from routing.wrap_up import WrapUps

AGENTS: Final = [
    Agent(work_number=str(number), name="Bench", phone=f"phone-{number}", queues={f"queue-{number % 5}": 0})
    for number in range(2000, 2500)
]
QUEUES: Final = [Queue(name=f"queue-{n}", transfer_code=str(700 + n), wrap_up="PT0S") for n in range(5)]
AT_ONCE: Final = 200
"""So many calls are up at a time."""
PER_CALL: Final = 5
SECRET: Final = "no secret: nobody but this process listens"  # noqa: S105


def run(*, quick: bool) -> Report:
    """Measure."""
    events = 10_000 if quick else 100_000
    rounds = 1 if quick else 3
    plain = [asyncio.run(_heard_by_panoramisk(events)) for _ in range(rounds)]
    ours = [asyncio.run(_heard_by_the_house(events)) for _ in range(rounds)]
    rows: list[Row] = [
        {"who": "panoramisk, one function that does nothing", "CPU us/event": min(plain)},
        {"who": "the house, up to the painted board", "CPU us/event": min(cpu for cpu, _, _ in ours)},
    ]
    _, early, late = ours[0]
    return Report(
        name="board",
        machine=Machine.this(),
        rows=rows,
        ratios={
            "cpu house/panoramisk": min(cpu for cpu, _, _ in ours) / min(plain),
            "memory at the end/after a fifth": late / early,
        },
        notes=(
            f"{events} events of {events // PER_CALL} calls, {AT_ONCE} up at a time, {len(AGENTS)} agents on duty.",
            "The best of the rounds; CPU of the process that hears, not of the one that plays.",
        ),
    )


async def _heard_by_panoramisk(events: int) -> float:
    """CPU per event, in microseconds."""
    heard = 0
    over = asyncio.Event()

    def hear(*_: Any) -> None:
        nonlocal heard
        heard += 1
        if heard >= events:
            over.set()

    with _player(events) as port:
        manager = Manager(host="127.0.0.1", port=port, username="bench", secret=SECRET, ping_delay=3600)
        manager.register_event("*", hear)
        await manager.connect()
        await manager.send_action({"Action": "Ping"}, as_list=False)
        began = time.process_time()
        playing = asyncio.ensure_future(manager.send_action({"Action": "Play"}, as_list=False))
        await over.wait()
        cpu = time.process_time() - began
        await playing
        manager.close()
    return cpu / events * 1e6


async def _heard_by_the_house(events: int) -> tuple[float, int, int]:
    """CPU per event in microseconds; memory (kB) after a fifth of them and at the end."""
    heard, early = 0, 0
    over = asyncio.Event()

    async with _house() as hear:

        def count(event: Mapping[str, str]) -> None:
            nonlocal heard, early
            if event["Event"] == "FullyBooted":
                return
            hear(event)
            heard += 1
            if heard == events // 5:
                early = _memory()
            if heard >= events:
                over.set()

        with _player(events) as port:
            link = Link(AmiAddress("127.0.0.1", port, "bench", SecretStr(SECRET)), on_event=count)
            await link.start()
            await link.ready(within=30)
            began = time.process_time()
            playing = asyncio.ensure_future(link.act("Play", within=600))
            await over.wait()
            cpu = time.process_time() - began
            await playing
            await link.stop()
        gc.collect()
        return cpu / events * 1e6, early, _memory()


class _Nowhere:
    """A log that keeps nothing."""

    def record(self, event: Event) -> None:
        """Forget it."""


@asynccontextmanager
async def _house() -> AsyncGenerator[Callable[[Mapping[str, str]], None]]:
    """The parts that keep the picture, as `hotline/service.py` puts them together; gives what hears events."""
    nowhere: Any = _Nowhere()
    stream = Stream(nowhere)
    live, ledger, counted = Live(QUEUES, AGENTS), Ledger(stream, QUEUES, ZoneInfo("Asia/Shanghai")), Counted()
    watch = Watch(stream.record, ended=lambda _: None)

    async def settle(_: str) -> None:
        return

    wrap_ups = WrapUps(
        AGENTS, QUEUES, states=live.states, unwrapped=live.unwrapped, record=stream.record, settle=settle
    )

    def show(canvas: Canvas) -> None:
        live.show(canvas)
        ledger.show(canvas)

    board = MemoryBoard()
    painter, mirror = Painter(board, show), Mirror(board)
    for taker in (live.take, wrap_ups.take, ledger.take, counted.take, lambda _: painter.change()):
        stream.taken_by(taker)
    for agent in AGENTS:
        stream.record(AgentSignedIn(at=painter.now(), agent=agent.work_number))
    painter.start()
    mirror.start()
    try:
        yield watch.hear
    finally:
        await mirror.stop()
        await painter.stop()


# The player


class _player:  # noqa: N801 - reads as a block
    """A process that plays events of calls to whoever logs in; gives its port."""

    def __init__(self, events: int) -> None:
        self._events = events

    def __enter__(self) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        self._process = multiprocessing.get_context("fork").Process(
            target=_play, args=(listening, self._events), daemon=True
        )
        self._process.start()
        port = int(listening.getsockname()[1])
        listening.close()
        return port

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _play(listening: socket.socket, events: int) -> None:
    line, _ = listening.accept()
    line.sendall(b"Asterisk Call Manager/11.0.0\r\n")
    stream, fields = line.makefile("rb"), dict[str, str]()
    for raw in stream:
        text = raw.decode().strip()
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
            continue
        line.sendall(f"Response: Success\r\nActionID: {fields.get('ActionID', '')}\r\nPing: Pong\r\n\r\n".encode())
        if fields.get("Action") == "Login":
            line.sendall(b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n")
        if fields.get("Action") == "Play":
            for block in _blocks(events):
                line.sendall(block)
        fields = {}


def _blocks(events: int) -> Iterator[bytes]:
    """All events, some calls at a time: each joins, is offered, talks and ends, side by side with the others."""
    steps = (_joins, _rings, _talks, _hangs_up, _is_down)
    for first in range(0, events // PER_CALL, AT_ONCE):
        calls = range(first, min(first + AT_ONCE, events // PER_CALL))
        for step in steps:
            yield b"".join(_event(step(call), call) for call in calls)


def _event(fields: Mapping[str, str], call: int) -> bytes:
    own = {
        "Privilege": "agent,all",
        "Timestamp": "1763716800.000000",
        "Channel": f"PJSIP/carrier-bench-{call:08x}",
        "ChannelState": "6",
        "ChannelStateDesc": "Up",
        "CallerIDNum": f"139{call:08}",
        "CallerIDName": "<unknown>",
        "ConnectedLineNum": str(2000 + call % 500),
        "Language": "zh",
        "Context": "queue",
        "Exten": "s",
        "Priority": "9",
        "Uniqueid": f"bench-1763716800.{call}",
        "Linkedid": f"bench-1763716800.{call}",
    }
    return "".join(f"{name}: {value}\r\n" for name, value in {**fields, **own}.items()).encode() + b"\r\n"


def _joins(call: int) -> dict[str, str]:
    return {"Event": "QueueCallerJoin", "Queue": f"queue-{call % 5}", "Position": "1", "Count": "1"}


def _rings(call: int) -> dict[str, str]:
    agent = str(2000 + call % 500)
    return {"Event": "AgentCalled", "Queue": f"queue-{call % 5}", "MemberName": agent, "Interface": f"PJSIP/{agent}"}


def _talks(_: int) -> dict[str, str]:
    return {"Event": "BridgeEnter", "BridgeUniqueid": "b", "BridgeType": "basic", "BridgeNumChannels": "2"}


def _hangs_up(_: int) -> dict[str, str]:
    return {"Event": "HangupRequest", "Cause": "16"}


def _is_down(_: int) -> dict[str, str]:
    return {"Event": "Hangup", "Cause": "16", "Cause-txt": "Normal Clearing"}


def _memory() -> int:
    """What this process holds, in kB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise OSError("/proc/self/status has no VmRSS")
