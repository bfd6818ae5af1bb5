"""The disk takes no more: calls go on as ever, and the log is complete once it can be written again.

The cause is the kernel's own: the server may not make any file longer (`prlimit --fsize`), so each write of the event
log and of a recording fails, as on a full disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hotline.client import ServerError
from routing.events import (
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    Event,
    EventsLost,
    RecordingKept,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.sound import RATE
from tests.asterisk.world import Caller, World
from tests.faults.helpers import A_WHILE, all_well, cut, health

OUR_PROCESS = """
for each in /proc/[0-9]*; do
  tr '\\0' ' ' <$each/cmdline 2>/dev/null | grep -q '^python -m hotline serve' && echo ${each#/proc/}
done; true
"""
STORY = [CallRang, CallAnswered, CallQueued, TalkStarted, TalkEnded, CallEnded]


@asynccontextmanager
async def a_full_disk(world: World) -> AsyncIterator[None]:
    """For as long as the block lasts the server cannot write to a file."""
    process = world.inside("hotline", "sh", "-c", OUR_PROCESS).split()
    assert len(process) == 1, process
    try:
        world.inside("hotline", "prlimit", "--pid", process[0], "--fsize=1:")
        yield
    finally:
        world.inside("hotline", "prlimit", "--pid", process[0], "--fsize=unlimited:")


async def calls_unseen(world: World, number: str) -> Caller:
    """Somebody calls, though the log cannot say so: the greeting is heard."""
    caller = Caller(world, number, f"unseen-{number}")
    await world.telco.do(
        "Originate",
        Channel="PJSIP/4001234567@pbx",
        ChannelId=caller.channel,
        Context="caller",
        Exten="listen",
        Priority="1",
        CallerID=number,
        Variable=f"HEARD={caller.channel}",
        Async="true",
    )
    greeting = world.prompt("zh/brand/heating/greeting")[:RATE]
    await world.until(lambda: has_heard(world, caller, greeting), "the caller is greeted")
    return caller


def has_heard(world: World, caller: Caller, prompt: sound.Sound) -> bool:
    """Whether the caller has heard this; before the first sound there is no recording."""
    file = f"/srv/tryout/{caller.channel}.wav"
    if not world.inside("telco", "sh", "-c", f"ls {file} 2>/dev/null || true"):
        return False
    return sound.fraction_heard(prompt, caller.heard()) > 0.5


@pytest.mark.timeout(300)
async def test_calls_go_on_with_a_full_disk_and_are_told_whole_afterwards(world: World) -> None:
    await world.sign_in("1026")
    seen, number = len(world.events), f"136{len(world.events):08}"
    async with a_full_disk(world):
        caller = await calls_unseen(world, number)
        await caller.press("2", "2")
        agent_says = world.prompt("tryout/agent")
        await world.until(lambda: has_heard(world, caller, agent_says), "the caller talks", within=A_WHILE)
        assert sound.heard_whole(world.prompt("zh/agents/heating/1026"), caller.heard())
        state = await health(world)
        assert "the event log cannot be written" in state["wrong"]["event-log"]
        assert state["events_waiting"] > 5
        with pytest.raises(ServerError):
            await world.server.get("/readyz")
        await caller.hang_up()
        await world.until(lambda: world.channels("asterisk") == [], "the line is down")
        assert [event for event in world.events[seen:] if event.call] == [], "nothing of it was written"

    await all_well(world)
    rang = await world.sees(
        CallRang, lambda event: event.caller is not None and event.caller.digits == number, "the ring"
    )
    caller.call = rang.call
    await world.hears(caller, CallEnded)
    told: list[type[Event]] = [type(event) for event in world.events[seen:] if event.call == rang.call]
    assert [kind for kind in told if kind in STORY] == STORY
    assert not any(isinstance(event, EventsLost) for event in world.events[seen:])
    # The recording could not be finished either; it is, at the next look.
    await asyncio.to_thread(cut, world)
    await world.hears(caller, RecordingKept, within=A_WHILE)
    await all_well(world)
