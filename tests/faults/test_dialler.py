"""While people are called, the manager link is cut, the server is killed, and a storm of callers breaks out.

Who picked up how often is counted by the carrier, which knows nothing of our log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from casework.visits.states import OVER
from tests.asterisk.callees import BUSY, LEAVES, NOT_SOLVED, REFUSES, UNKNOWN, Callee, picked_up, visit
from tests.asterisk.world import World
from tests.faults.helpers import A_WHILE, a_storm, all_well

ALL_SORTS = LEAVES + NOT_SOLVED + BUSY + REFUSES + UNKNOWN


async def are_over(callees: list[Callee], *, within: float = 150) -> Counter[str]:
    """Wait until every visit has come to an end; return how many came to each."""
    async with asyncio.timeout(within):
        while True:
            states = Counter([(await callee.shown())["state"] for callee in callees])
            if set(states) <= {state.value for state in OVER}:
                return states
            await asyncio.sleep(1)


async def called_once(world: World, callees: list[Callee]) -> None:
    """Check that nobody picked up twice, and that our log and the carrier agree on who did."""
    counted = await asyncio.to_thread(picked_up, world)
    for callee in callees:
        calls: list[dict[str, Any]] = (await callee.shown())["calls"]
        answered = [call for call in calls if call["outcome"] is not None]
        assert len(answered) == counted.get(callee.number, 0) <= 1, (callee.number, calls)


def cut_dialling(world: World) -> None:
    """Have Asterisk close the links of the dialler."""
    for line in world.cli("manager show connected").splitlines():
        words = line.split()
        if words[:1] in (["dial"], ["watch"]):
            world.cli(f"manager kick session {words[4]}")


@pytest.mark.timeout(300)
async def test_the_link_is_cut_again_and_again_and_nobody_is_called_twice(world: World) -> None:
    callees = [await visit(world, manner) for manner in ALL_SORTS * 4]
    for _ in range(10):
        await asyncio.to_thread(cut_dialling, world)
        await asyncio.sleep(0.7)
    states = await are_over(callees)
    assert states.total() == len(callees)
    await called_once(world, callees)


@pytest.mark.timeout(400)
async def test_the_server_is_killed_again_and_again_and_nobody_is_called_twice(world: World) -> None:
    callees = [await visit(world, manner) for manner in ALL_SORTS * 4]
    for _ in range(3):
        await asyncio.sleep(1)
        await asyncio.to_thread(world.container, "kill", "hotline", "-s", "KILL")
        await asyncio.to_thread(world.container, "start", "hotline")
        async with asyncio.timeout(A_WHILE):
            while not await answers(world):
                await asyncio.sleep(0.3)
    await all_well(world)
    states = await are_over(callees)
    assert states.total() == len(callees)
    await called_once(world, callees)


async def answers(world: World) -> bool:
    """Whether the server is there."""
    try:
        await world.server.get("/api/health")
    except Exception:
        return False
    return True


@pytest.mark.timeout(200)
async def test_a_storm_of_callers_holds_the_dialler_back_until_it_is_over(world: World) -> None:
    await world.server.post("/api/visits/pause", {"script": "*"})
    callees = [await visit(world, LEAVES) for _ in range(5)]
    async with a_storm(world) as call:
        for nth in range(32):
            call(f"storm-{nth}", f"1391111{nth:04}")
        async with asyncio.timeout(A_WHILE):
            while (await world.server.get("/api/health"))["live_calls"] < 30:
                await asyncio.sleep(0.2)
        await world.server.post("/api/visits/resume", {"script": "*"})
        await asyncio.sleep(5)  # the time in which a dialler that did not look would have called
        states = {(await callee.shown())["state"] for callee in callees}
        still = (await world.server.get("/api/health"))["live_calls"]
    assert (states, still >= 28) == ({"due"}, True)
    for channel in world.channels("telco"):
        await world.telco.ask("Hangup", Channel=channel["channel"])
    assert set(await are_over(callees)) == {"hung-up"}
