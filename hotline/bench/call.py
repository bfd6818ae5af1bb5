"""`hotline bench call`: what a full call costs, on a real Asterisk, from ring to hang-up.

A stack of its own is started fresh (Asterisk does not give memory back after a load). Pretend callers dial through the
pretend carrier at a steady rate, press 1 while they are greeted, wait, hear the agent's work number, talk a second and
hang up. CPU is what the kernel charged each service's process; what it uses when nobody calls is taken off, and shown
beside it.

Five calls a second is what sixty agents can take: at eight they are all busy, callers wait longer and longer, give up,
and a call that was given up costs less than one that was talked.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.progress import track

from hotline import stack as stacks
from hotline import tryout
from hotline.bench import stage
from hotline.bench.report import Machine, Report, Row
from hotline.client import Client, find
from hotline.stack import Stack
from routing.events import CallAbandoned, CallEnded, RecordingKept, TalkStarted

AGENTS: Final = 60
WORK_NUMBERS: Final = [str(number) for number in range(2000, 2000 + AGENTS)]
IDLE_SECONDS: Final = 20.0
"""So long nobody calls: the kernel counts in steps of 10 ms, and some of our work comes every five seconds."""
SETTLE_WITHIN: Final = 60
MEASURED: Final = {"hotline": "-m hotline", "asterisk": "asterisk -f", "redis": "redis-server"}
TICKS: Final = 100
"""The kernel's clock ticks a second in /proc (USER_HZ, the same on every Linux we run on)."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many calls, and how many of them a second."""

    calls: int
    a_second: float


def measure(load: Load) -> Report:
    """Start the stack, make the calls, take the stack down."""
    with stage.fresh_stack(stage.SITE + stage.agents(WORK_NUMBERS)) as stack:
        return asyncio.run(_measure(stack, load))


def run(*, quick: bool = False) -> Report:
    """The measurement as `hotline bench call` runs it."""
    return measure(Load(calls=20, a_second=2.0) if quick else Load(calls=300, a_second=5.0))


async def _measure(stack: Stack, load: Load) -> Report:
    async with Client(find(stack)) as server, tryout.carrier(stack) as carrier:
        await _phones_ready(stack)
        for number in track(WORK_NUMBERS, description="signing agents in", transient=True):
            await server.post(f"/api/agents/{number}/sign-in")
        idle = await idle_of(stack)
        after, before, began = await server.newest(), cpu_of(stack), time.monotonic()
        for nth in track(range(load.calls), description="calling"):
            await _place(carrier, load, nth, began)
        await _all_over(server)
        seconds, spent = time.monotonic() - began, cpu_of(stack)
        used = {name: spent[name] - before[name] - idle[name] * seconds for name in MEASURED}
        return _report(load, used, idle, await _outcome(server, after, load.calls), seconds, _memory(stack))


async def _place(carrier: tryout.Carrier, load: Load, nth: int, began: float) -> None:
    await asyncio.sleep(max(0.0, began + nth / load.a_second - time.monotonic()))
    await carrier.call(stage.NUMBER, script="bench")


async def _all_over(server: Client) -> None:
    """Wait until no call is up and the recordings are kept; asked seldom, so that asking costs nothing."""
    for _ in range(SETTLE_WITHIN):
        await asyncio.sleep(1)
        if not (await server.get("/api/health"))["live_calls"]:
            break
    await asyncio.sleep(2)


async def _outcome(server: Client, after: int, calls: int) -> Counter[str]:
    """What became of the calls, by the event log."""
    outcome: Counter[str] = Counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            async for event in server.events(after=after):
                outcome[type(event).__name__] += 1
                if outcome["CallEnded"] >= calls and outcome["RecordingKept"] >= outcome["TalkStarted"]:
                    break
    return outcome


def _report(
    load: Load,
    used: Mapping[str, float],
    idle: Mapping[str, float],
    outcome: Counter[str],
    seconds: float,
    memory: dict[str, int],
) -> Report:
    rows: list[Row] = [
        {
            "container": name,
            "cpu ms a call": 1000 * used[name] / load.calls,
            "idle cpu ms a second": 1000 * idle[name],
            "memory MB": memory[name],
        }
        for name in MEASURED
    ]
    ours, theirs = used["hotline"], used["asterisk"]
    return Report(
        name="call",
        machine=Machine.this(),
        rows=[*rows, {"calls": load.calls, "a second": load.calls / seconds, **_counts(outcome)}],
        ratios={"our cpu/Asterisk's cpu": ours / theirs, "our cpu ms a call": 1000 * ours / load.calls},
        notes=(
            "CPU as the kernel charged each service's process; recordings are included.",
            "What a process uses when nobody calls (idle) is taken off the cost of the calls.",
            "Asterisk's share includes sound both ways, the recording, and our commands.",
        ),
    )


def _counts(outcome: Counter[str]) -> dict[str, int]:
    kinds = {"talked": TalkStarted, "abandoned": CallAbandoned, "recorded": RecordingKept, "ended": CallEnded}
    return {name: outcome[kind.__name__] for name, kind in kinds.items()}


async def idle_of(stack: Stack) -> dict[str, float]:
    """CPU seconds a second when nobody calls."""
    before, began = cpu_of(stack), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return {name: (used - before[name]) / (time.monotonic() - began) for name, used in cpu_of(stack).items()}


def cpu_of(stack: Stack) -> dict[str, float]:
    """CPU seconds that each service has used so far."""
    return {name: sum(_ticks(pid) for pid in _processes(stack, name)) / TICKS for name in MEASURED}


def _memory(stack: Stack) -> dict[str, int]:
    return {name: sum(_resident(pid) for pid in _processes(stack, name)) // 1024 for name in MEASURED}


def _processes(stack: Stack, service: str) -> Iterator[int]:
    """The service's own processes, without the health checks that come and go."""
    command = ["docker", "top", f"{stack.name}-{service}-1", "-eo", "pid,args"]
    for line in stacks.run(command, doing="docker top", within=20).splitlines():
        pid, _, words = line.strip().partition(" ")
        if MEASURED[service] in words and "docker-init" not in words:
            yield int(pid)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14))


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


async def _phones_ready(stack: Stack) -> None:
    give_up = time.monotonic() + SETTLE_WITHIN
    while time.monotonic() < give_up:
        contacts = stack.compose("exec", "-T", "asterisk", "asterisk", "-rx", "pjsip show contacts", within=20)
        if all(f"desk-{number}/" in contacts for number in WORK_NUMBERS):
            return
        await asyncio.sleep(0.5)
    raise TimeoutError("the pretend phones have not registered")
