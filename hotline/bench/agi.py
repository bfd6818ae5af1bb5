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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

from hotline.bench.agi_callers import BY_LINE, WHOLE, play_asterisk
from hotline.bench.agi_servers import NINE, serve_checking, serve_floor, serve_ours, serve_panoramisk
from hotline.bench.children import Child, child
from hotline.bench.report import Machine, Report, Row

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
    with child(play_asterisk) as asterisk:
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


def _measure(size: Size, asterisk: Child) -> Figures:
    with ExitStack() as stack:
        servers = {
            "ours": stack.enter_context(child(serve_ours)),
            "panoramisk": stack.enter_context(child(serve_panoramisk, new_loop=asyncio.new_event_loop)),
            "panoramisk on uvloop": stack.enter_context(child(serve_panoramisk)),
            "floor": stack.enter_context(child(serve_floor)),
        }
        for server in servers.values():
            asterisk.ask("calls", server.port, 10, size.sessions, WHOLE)  # warm up
        return {way: _compare(size, way, servers, asterisk) for way in size.ways}


def _compare(size: Size, way: tuple[int, str], servers: dict[str, Child], asterisk: Child) -> dict[str, Row]:
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


# Correctness


def _check_hang_ups(size: Size, asterisk: Child) -> Row:
    with child(serve_checking) as checking:
        asterisk.ask("hang_ups", checking.port, 50, size.hang_ups)
        found: Row = checking.ask("settle")
    if found["sessions"] != size.hang_ups:
        raise RuntimeError(f"{size.hang_ups} callers came and {found['sessions']} were served")
    return {"server": "ours, callers hang up", "at a time": 50, **found}
