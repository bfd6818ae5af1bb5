"""The board shows what is so: at every quiet moment it is Asterisk's own picture, whatever has happened before."""

from __future__ import annotations

import asyncio
import os
import random
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from hotline.client import ServerError
from routing.events import CallEnded, DriftFound, LinkBack, LinkLost, PhoneBack, PhoneLost
from tests.asterisk.world import Caller, World
from tests.faults.helpers import A_WHILE, all_is_over, cut, talks, waits

FRESH_WITHIN, NOTICED_WITHIN = 3.0, 6.0
"""Seconds: from a cut to a true picture again, and from the beginning of a silence to 'stale since'."""
SCRIPTS = int(os.environ.get("HOTLINE_TEST_SCRIPTS", "2"))
"""How many random scripts are played; each takes half a minute."""


def asterisks_own(world: World) -> dict[str, Any]:
    """Who waits where in which order, and whose phones are busy, as Asterisk tells at its command line."""
    waiting: dict[str, list[str]] = {}
    paused: dict[str, bool] = {}
    here: list[str] = []
    ids = {row["channel"]: row["id"] for row in world.channels("asterisk")}
    for line in world.cli("queue show").splitlines():
        if queue := re.match(r"([a-z-]+) has \d+ calls", line):
            here = waiting[queue[1]] = []
        elif member := re.match(r" +(\d+) \(PJSIP/", line):
            paused[member[1]] = "(paused" in line
        elif entry := re.match(r" +\d+\. (PJSIP/carrier-\S+) \(", line):
            here.append(ids.get(entry[1], entry[1]))
    bridged = {row["id"] for row in world.channels("asterisk") if row["application"] in ("Queue", "Dial")}
    talking = sorted(bridged - {call for calls in waiting.values() for call in calls})
    return {"waiting": waiting, "members": paused, "talking": talking}


async def boards(world: World) -> dict[str, Any]:
    """The same, as the board shows it."""
    picture = await world.server.get("/api/board")
    on_duty = {number: each for number, each in picture["agents"].items() if each["duty"] != "signed-out"}
    assert {source["stale_since"] for source in picture["sources"].values()} == {None}, picture["sources"]
    return {
        "waiting": {name: queue["waiting"] for name, queue in picture["queues"].items()},
        "members": {number: each["duty"] == "paused" for number, each in on_duty.items()},
        "talking": sorted(call for call, each in picture["calls"].items() if each["state"] in ("talk", "hold")),
    }


async def they_agree(world: World) -> None:
    """Wait until board and Asterisk agree; at a quiet moment that is at once, or a little later."""
    shown: Any = None
    try:
        async with asyncio.timeout(A_WHILE):
            while True:
                try:
                    before = await asyncio.to_thread(asterisks_own, world)
                    shown = await boards(world)
                except (AssertionError, ServerError) as not_now:
                    before, shown = None, not_now
                if before == shown:
                    return
                await asyncio.sleep(0.3)
    except TimeoutError:
        assert shown == await asyncio.to_thread(asterisks_own, world)


def mistakes(world: World) -> list[DriftFound]:
    """Where the picture was wrong though nothing was missed."""
    return [event for event in world.events if isinstance(event, DriftFound) and not event.after_gap]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(1, SCRIPTS + 1))
async def test_whatever_people_do_board_and_asterisk_agree_at_every_quiet_moment(world: World, seed: int) -> None:
    chance = random.Random(seed)
    callers: list[Caller] = []
    wrong_before = len(mistakes(world))
    await world.sign_in("1025")
    await they_agree(world)
    for _ in range(9):
        await one_step(world, chance, callers)
        await they_agree(world)
    await all_is_over(world, *callers)
    await they_agree(world)
    assert mistakes(world)[wrong_before:] == []


async def one_step(world: World, chance: random.Random, callers: list[Caller]) -> None:
    """Somebody does something: a caller, an agent or a supervisor."""
    what = chance.choice(
        ["call", "call", "call", "hang up", "agent", "pause", "sign out", "manner", "move", "take out"]
    )
    agent = chance.choice(["1024", "1026"])  # Li is always there: somebody must be, or nobody may wait
    duty = (await world.server.get("/api/board"))["agents"][agent]["duty"]
    if what == "call" and len(callers) < 5:
        callers.append(await waits(world))
    elif what == "hang up" and callers:
        caller = callers.pop(chance.randrange(len(callers)))
        await caller.hang_up()
        await world.hears(caller, CallEnded)
    elif what == "manner":
        await world.manner(world.phone_of(agent), chance.choice(["answer", "answer", "ignore", "busy", "reject"]))
    elif what == "move" and callers:
        with suppress(ServerError):  # this one no longer waits
            call = chance.choice(callers).call
            await world.server.post(f"/api/calls/{call}/move", {"to": chance.choice(["consult", "repair"])})
    elif what == "take out" and callers:
        caller = callers.pop(chance.randrange(len(callers)))
        with suppress(ServerError):
            await world.server.post(f"/api/calls/{caller.call}/move", {"to": "message"})
        with suppress(AssertionError):  # who leaves no message is hung up on
            await caller.hang_up()
        await world.hears(caller, CallEnded)
    elif what == "pause" and duty == "ready":
        await world.server.post(f"/api/agents/{agent}/pause", {"reason": "meal"})
    elif what == "sign out" and duty != "signed-out":
        await world.server.post(f"/api/agents/{agent}/sign-out")
    elif duty == "signed-out":
        await world.sign_in(agent)
    elif duty == "paused":
        await world.server.post(f"/api/agents/{agent}/unpause")


async def test_a_phone_that_goes_away_is_not_ready_and_is_again_when_it_is_back(world: World) -> None:
    await world.sign_in("1024")
    before = len(world.events)
    world.cli("pjsip send unregister chen-desk", "agents")
    try:
        await world.sees(PhoneLost, lambda event: event in world.events[before:], "the phone is lost")
        await shows(world, lambda picture: picture["agents"]["1024"]["state"] == "no-phone")
    finally:
        world.cli("pjsip send register chen-desk", "agents")
    await world.sees(PhoneBack, lambda event: event in world.events[before:], "the phone is back", within=A_WHILE)
    await shows(world, lambda picture: picture["agents"]["1024"]["state"] == "ready")


async def test_after_a_cut_the_board_is_old_for_a_moment_and_then_true(world: World) -> None:
    await world.sign_in("1024")
    talking, waiting = await talks(world), await waits(world)
    gone = await waits(world)
    before = len(world.events)
    assert cut(world) == 2
    await gone.hang_up()
    back = await world.sees(LinkBack, lambda event: event in world.events[before:], "the link is back")
    assert back.away.total_seconds() < FRESH_WITHIN
    await they_agree(world)
    assert (await boards(world))["talking"] == [talking.call]
    await all_is_over(world, talking, waiting)


async def test_a_silent_asterisk_is_noticed_and_the_board_says_since_when(world: World) -> None:
    await world.sign_in("1024")
    talking = await talks(world)
    before, began = len(world.events), datetime.now(UTC)
    world.container("pause", "asterisk")
    try:
        await shows(world, lambda picture: picture["sources"]["asterisk"]["stale_since"] is not None)
        picture = await world.server.get("/api/board")
        assert talking.call in picture["calls"], "what was seen last stays, and is said to be old"
    finally:
        world.container("unpause", "asterisk")
    lost = await world.sees(LinkLost, lambda event: event in world.events[before:], "the link is lost")
    assert (lost.at - began).total_seconds() < NOTICED_WITHIN
    await world.sees(LinkBack, lambda event: event in world.events[before:], "the link is back", within=A_WHILE)
    await they_agree(world)


async def test_the_board_is_true_again_after_asterisk_and_redis_and_our_server_were_killed(world: World) -> None:
    await world.sign_in("1024", "1025")
    talking, waiting = await talks(world), await waits(world)
    world.container("restart", "redis")
    await they_agree(world)
    world.container("kill", "hotline", "-s", "KILL")
    await waiting.hang_up()
    world.container("start", "hotline")
    await they_agree(world)
    assert (await boards(world))["talking"] == [talking.call]
    world.container("kill", "asterisk", "-s", "KILL")
    world.container("start", "asterisk")
    await they_agree(world)
    picture = await world.server.get("/api/board")
    assert picture["calls"] == {}
    assert {each["call"] for each in picture["agents"].values()} == {None}
    assert {picture["agents"][number]["duty"] for number in ("1024", "1025")} == {"ready"}


async def shows(world: World, good: Any) -> None:
    """Wait until the board is so."""
    picture: Any = None
    try:
        async with asyncio.timeout(A_WHILE):
            while not good(picture := await world.server.get("/api/board")):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"the board does not show it: {picture}") from None
