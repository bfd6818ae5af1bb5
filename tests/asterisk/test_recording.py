"""Each talk is recorded with both voices, whole, and whatever crashes; where nobody talked, nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from routing.events import (
    CallAnswered,
    CallEnded,
    CallRequeued,
    GreetingStarted,
    HotlineStarted,
    LinkBack,
    RecordingKept,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.sound import RATE
from tests.asterisk.voices import are_recorded, kept
from tests.asterisk.world import Caller, World
from tests.faults.helpers import all_well

CONSULT, REPAIR = "1", "22"
A_WHILE = 90.0
"""Seconds that it may take on a loaded machine until a container has started anew."""


async def calls(world: World, keys: str) -> Caller:
    """Somebody calls and chooses, without listening to the menu."""
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press(*keys)
    return caller


async def talks(world: World, keys: str = REPAIR, *, seconds: float = 3) -> Caller:
    """Somebody reaches an agent, and both speak for some seconds."""
    caller = await calls(world, keys)
    await world.hears(caller, TalkStarted)
    await caller.speak()
    said = world.prompt("tryout/agent")
    begin = len(caller.heard())
    await world.until(lambda: len(caller.heard()) > begin + seconds * RATE, "they talk")
    assert sound.level(caller.heard()[begin:]) > sound.level(said) / 4, "the caller hears the agent"
    return caller


def files_of(world: World, caller: Caller) -> list[str]:
    """Every file that has the call's id in its name, of whatever kind."""
    found = world.inside("asterisk", "find", "/srv/recordings", "-name", f"*{caller.call}*")
    return sorted(path.removeprefix("/srv/recordings/") for path in found.split())


@asynccontextmanager
async def killed(world: World, service: str) -> AsyncIterator[None]:
    """Kill a container with -9; at the end of the block start it again, and wait until all is well."""
    returns = HotlineStarted if service == "hotline" else LinkBack
    before = sum(isinstance(event, returns) for event in world.events)
    world.container("kill", service, "--signal", "KILL")
    try:
        yield
    finally:
        world.container("start", service)
    await world.sees(returns, lambda _: True, f"{service} is back", nth=before + 1, within=A_WHILE)
    await all_well(world)


@pytest.mark.timeout(400)
async def test_both_directions_of_nine_recordings_are_right_and_as_long_as_the_talks(world: World) -> None:
    await world.sign_in("1024", "1025", "1026")
    for _ in range(3):
        callers = await asyncio.gather(*(talks(world) for _ in range(3)))
        for caller in callers:
            await caller.hang_up()
        for caller in callers:
            recording = await world.hears(caller, RecordingKept)
            are_recorded(world, caller, "agent")
            assert files_of(world, caller) == [recording.file], "named by the call's id, and nothing is left over"
            assert abs((recording.length - world.of(caller, TalkEnded)[0].talked).total_seconds()) < 1
            left, right = kept(world, recording)
            assert len(left) == len(right) == round(recording.length.total_seconds() * RATE)


async def test_where_nobody_talked_nothing_is_kept(world: World) -> None:
    await world.manner("chen-desk", "answer", pause=2)
    await world.sign_in("1024", "1026")
    caller = await calls(world, CONSULT)
    await world.hears(caller, GreetingStarted, agent="1024")
    await world.manner("chen-desk", "busy")
    await world.hang_up_phone("chen-desk")
    await world.hears(caller, CallRequeued)
    await world.hears(caller, GreetingStarted, agent="1026")
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    await world.until(lambda: files_of(world, caller) == [], "the empty recordings are gone")
    assert world.of(caller, RecordingKept) == []


@pytest.mark.timeout(300)
async def test_over_a_kill_of_our_server_a_talk_is_one_recording_and_one_that_ends_meanwhile_is_kept(
    world: World,
) -> None:
    await world.sign_in("1024", "1025")
    stays, leaves = await asyncio.gather(talks(world), talks(world))
    async with killed(world, "hotline"):
        await leaves.hang_up()
        await world.until(lambda: len(world.channels("asterisk")) == 2, "that line is down")
        assert len(files_of(world, leaves)) == 1
    await world.hears(leaves, RecordingKept, within=A_WHILE)
    ended = await world.hears(leaves, CallEnded)
    begin = len(stays.heard())
    await world.until(lambda: len(stays.heard()) > begin + 2 * RATE, "the others talk on")
    assert world.of(stays, RecordingKept) == []
    await stays.hang_up()
    talk = await world.hears(stays, TalkEnded)
    recording = await world.hears(stays, RecordingKept)

    assert ended.by is None, "nobody saw it"
    assert talk.by == "caller"
    assert abs((recording.length - talk.talked).total_seconds()) < 1, "known from the log"
    for caller in (stays, leaves):
        are_recorded(world, caller, "agent")
        assert len(world.of(caller, CallEnded)) == len(world.of(caller, RecordingKept)) == 1


async def test_of_a_talk_in_which_asterisk_is_killed_what_was_recorded_is_kept(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks(world, CONSULT, seconds=6)
    async with killed(world, "asterisk"):
        pass
    ended = await world.hears(caller, CallEnded, within=A_WHILE)
    recording = await world.hears(caller, RecordingKept, within=A_WHILE)

    assert ended.by is None
    assert recording.length.total_seconds() > 4, "at most the last second is lost"
    are_recorded(world, caller, "agent")
