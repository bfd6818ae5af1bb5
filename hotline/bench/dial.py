"""`hotline bench dial`: visits a minute and our CPU a visit, against a bare loop of panoramisk Originates.

Every number is busy, so that nothing but dialling is measured: ours leases each visit in the database, places the call,
learns its fate from the end of the line and writes it down. They take turns, on one Asterisk, from one container.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final

from hotline.asterisk_files import PRETEND, visits_by
from hotline.bench import stage
from hotline.bench.call import cpu_of, idle_of
from hotline.bench.report import Machine, Report, Row
from hotline.client import Client, find
from hotline.stack import Stack

WITHIN: Final = 300.0
LOOK_EVERY: Final = 0.5
SITE: Final = f"""{stage.SITE}
[visits]
windows = [{{ open = 00:00:00, close = 23:59:59 }}]
on_holidays = true
trunk_lines = 400
kept_free = 0
most_calls = 50
calls_per_free_agent = 0
a_second = 100
again.busy = {{ pause = "PT1S", tries = 1 }}
"""


def run(*, quick: bool = False) -> Report:
    """Start a fresh stack, let both take turns, take it down."""
    calls, rounds = (40, 1) if quick else (300, 3)
    with stage.fresh_stack(SITE) as stack:
        return asyncio.run(_measure(stack, calls, rounds))


async def _measure(stack: Stack, calls: int, rounds: int) -> Report:
    rows: list[Row] = []
    async with Client(find(stack)) as server:
        idle = (await idle_of(stack))["hotline"]
        for nth in range(rounds):
            rows.append(await _ours(stack, server, calls, nth, idle))
            rows.append(await asyncio.to_thread(_bare, stack, calls, nth))
    ours, bare = rows[0::2], rows[1::2]
    mean = {name: (_mean(ours, name), _mean(bare, name)) for name in ("visits a minute", "cpu ms a visit")}
    return Report(
        name="dial",
        machine=Machine.this(),
        rows=rows,
        ratios={f"{name} ours/bare": mine / theirs for name, (mine, theirs) in mean.items()},
        notes=("Ours is paced (a_second = 100) and writes two transactions a visit; the bare loop writes nothing.",),
    )


async def _ours(stack: Stack, server: Client, calls: int, round_: int, idle: float) -> Row:
    numbers = [{"number": f"1701{round_:02}{nth:05}"} for nth in range(calls)]
    await server.post("/api/visits/pause", {"script": "*"})
    await server.ask("POST", "/api/visits/several", json={"visits": numbers})
    before, began = cpu_of(stack)["hotline"], time.monotonic()
    await server.post("/api/visits/resume", {"script": "*"})
    for _ in range(int(WITHIN / LOOK_EVERY)):
        await asyncio.sleep(LOOK_EVERY)
        if (await server.get("/api/visits/progress"))["states"].get("no-contact", 0) >= calls * (round_ + 1):
            break
    seconds = time.monotonic() - began
    spent = cpu_of(stack)["hotline"] - before - idle * seconds
    return _row("ours", calls, seconds, spent)


def _bare(stack: Stack, calls: int, round_: int) -> Row:
    words = ("python", "-m", "hotline.bench.bare_dial", str(calls), visits_by(PRETEND), str(round_))
    said = json.loads(stack.compose("exec", "-T", "hotline", *words, within=WITHIN).strip().splitlines()[-1])
    return _row("bare panoramisk", calls, said["seconds"], said["cpu"])


def _row(who: str, calls: int, seconds: float, cpu: float) -> Row:
    return {"who": who, "visits": calls, "visits a minute": 60 * calls / seconds, "cpu ms a visit": 1000 * cpu / calls}


def _mean(rows: list[Row], name: str) -> float:
    return sum(float(row[name]) for row in rows) / len(rows)
