"""The server is killed, restarted, stopped or hangs while people are on the line: nobody is dropped.

Who is on the line is asked of the carrier, who waits and who talks of Asterisk, what was heard of recordings; the
server that was killed is asked only whether it agrees.
"""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

import pytest

from routing.events import (
    AgentAnswered,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRequeued,
    CallRouted,
    GreetingStarted,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.world import Caller, World
from tests.faults.helpers import (
    A_WHILE,
    CONSULT,
    a_storm,
    all_is_over,
    all_well,
    arrives,
    back,
    health,
    in_queues,
    on_the_line,
    starts,
    talks,
    waits,
)

IN_THE_MENU, IN_QUEUES, A_SECOND = 20, 5, 8000


async def agent(world: World, number: str) -> dict[str, Any]:
    """An agent as the list shows."""
    found: list[dict[str, Any]] = (await world.server.get("/api/agents"))["agents"]
    return next(each for each in found if each["agent"] == number)


async def goes_on(world: World, caller: Caller) -> None:
    """From now on the caller hears the agent, who says the same five seconds again and again, with one of silence."""
    begin = len(caller.heard())
    agent_says = world.prompt("tryout/agent")
    once = len(agent_says) + 2 * A_SECOND
    await world.until(lambda: len(caller.heard()) >= begin + once, "the talk goes on")
    heard = caller.heard()[begin : begin + once]
    assert sound.fraction_heard(agent_says, heard) > 0.3, "at least its longer part is in one round"
    assert longest_silence(heard) <= 2


def longest_silence(heard: sound.Sound) -> float:
    """The longest stretch without sound, in seconds."""
    longest = so_far = 0.0
    for begin in range(0, len(heard), A_SECOND // 2):
        so_far = so_far + 0.5 if sound.level(heard[begin : begin + A_SECOND // 2]) < 50 else 0.0
        longest = max(longest, so_far)
    return longest


async def asked_again(world: World, caller: Caller) -> None:
    """The caller is greeted once more by the new server, and chooses again; or was already taken to a person."""
    async with asyncio.timeout(A_WHILE):
        while not world.of(caller, CallQueued) and len(world.of(caller, CallAnswered)) < 2:
            await asyncio.sleep(0.1)
    if not world.of(caller, CallQueued):
        await caller.press(*CONSULT)
    await world.hears(caller, CallQueued, within=A_WHILE)


@pytest.mark.timeout(400)
async def test_after_kill_9_callers_in_the_menu_are_asked_again_and_all_others_notice_nothing(world: World) -> None:
    await world.sign_in("1026")
    talker = await talks(world, CONSULT)
    waiting = [await waits(world, CONSULT) for _ in range(IN_QUEUES)]
    choosing = [await arrives(world) for _ in range(IN_THE_MENU)]
    everybody = {caller.channel for caller in (talker, *waiting, *choosing)}
    assert (await health(world))["agi"]["now"] == IN_THE_MENU
    before = starts(world)

    await asyncio.to_thread(world.container, "kill", "hotline", "-s", "KILL")
    await goes_on(world, talker)
    await asyncio.to_thread(world.container, "start", "hotline")
    await back(world, starts_before=before)
    assert on_the_line(world) == everybody
    await asyncio.gather(*(asked_again(world, caller) for caller in choosing))

    hold = world.prompt("zh/please_hold")
    told = [sound.fraction_heard(hold, caller.heard()) for caller in choosing]
    assert median(told) >= 0.8, "while the server was gone callers were told to hold"
    assert not sound.heard_whole(hold, waiting[0].heard())
    await goes_on(world, talker)
    assert on_the_line(world) == everybody
    assert in_queues(world) == IN_QUEUES + IN_THE_MENU
    assert [len(world.of(caller, CallQueued)) for caller in waiting] == [1] * IN_QUEUES
    assert [caller for caller in (talker, *waiting) if world.of(caller, CallRequeued)] == []

    # The log, the board and Asterisk agree.
    assert (await health(world))["live_calls"] == len(everybody)
    shown = await agent(world, "1026")
    assert (shown["state"], shown["call"]) == ("talking", talker.call)
    await talker.hang_up()
    ended = await world.hears(talker, TalkEnded)
    assert (ended.agent, ended.by) == ("1026", "caller")
    # Who waited first is first, over the kill.
    await world.hears(waiting[0], TalkStarted)
    await all_is_over(world, *waiting, *choosing)
    assert len(world.of(talker, CallEnded)) == 1


@pytest.mark.timeout(300)
async def test_an_agent_who_answers_while_the_server_is_gone_talks_and_it_is_known_afterwards(world: World) -> None:
    await world.sign_in("1026")
    talker, waiting = await talks(world), await waits(world)
    before = starts(world)
    await asyncio.to_thread(world.container, "kill", "hotline", "-s", "KILL")
    await talker.hang_up()
    agent_says = world.prompt("tryout/agent")
    await world.until(lambda: sound.fraction_heard(agent_says, waiting.heard()) > 0.5, "the next caller talks")
    await asyncio.to_thread(world.container, "start", "hotline")
    await back(world, starts_before=before)

    assert (await world.hears(talker, CallEnded)).by is None, "nobody saw who ended it"
    assert (await world.hears(waiting, TalkStarted)).agent == "1026"
    shown = await agent(world, "1026")
    assert (shown["state"], shown["call"]) == ("talking", waiting.call)
    await goes_on(world, waiting)
    await waiting.hang_up()
    assert (await world.hears(waiting, TalkEnded)).by == "caller"
    await all_is_over(world)


@pytest.mark.timeout(300)
async def test_a_stop_lets_flows_end_and_hands_over_the_rest(world: World) -> None:
    await world.sign_in("1026")
    talker = await talks(world)
    quick, slow = [await arrives(world) for _ in range(3)], [await arrives(world) for _ in range(3)]
    everybody = {caller.channel for caller in (talker, *quick, *slow)}
    before = starts(world)

    stopping = asyncio.create_task(asyncio.to_thread(world.container, "stop", "hotline"))
    await world.until(lambda: not _reachable(world), "the doors are closed")
    for caller in quick:
        await caller.press("2", "2")
    await stopping
    assert on_the_line(world) == everybody
    assert in_queues(world) >= len(quick), "who chose in time waits already, with the server gone"
    await asyncio.to_thread(world.container, "start", "hotline")
    await back(world, starts_before=before)

    for caller in quick:
        routed = await world.hears(caller, CallRouted)
        assert (routed.to, len(world.of(caller, CallAnswered))) == ("repair", 1), "not asked again"
    await asyncio.gather(*(asked_again(world, caller) for caller in slow))
    await goes_on(world, talker)
    assert on_the_line(world) == everybody
    assert in_queues(world) == len(quick) + len(slow)
    await all_is_over(world, talker, *quick, *slow)


def _reachable(world: World) -> bool:
    """Whether Asterisk's machine gets a connection at the callers' door."""
    script = f"( exec 3<>/dev/tcp/{world.stack.server}/4573 ) 2>/dev/null && echo yes || true"
    return world.inside("asterisk", "bash", "-c", script) != ""


@pytest.mark.timeout(400)
async def test_a_restart_under_twelve_calls_a_second_drops_none(world: World) -> None:
    await world.sign_in("1024", "1025", "1026")
    before = starts(world)
    restart: asyncio.Task[None] | None = None
    calls: list[str] = []
    clock = asyncio.get_running_loop().time
    async with a_storm(world) as storm:
        began = clock()
        for number in range(120):
            if number == 24:
                restart = asyncio.create_task(asyncio.to_thread(world.container, "restart", "hotline"))
            await asyncio.sleep(max(began + number / 12 - clock(), 0))
            calls.append(f"storm-{before}-{number}")
            storm(calls[-1], f"1370000{number:04}")
        assert clock() - began < 12
    assert restart is not None
    await restart
    await back(world, starts_before=before)
    assert on_the_line(world) == set(calls)
    async with asyncio.timeout(2 * A_WHILE):
        while (await health(world))["live_calls"] != len(calls):
            await asyncio.sleep(0.5)
    await world.until(lambda: in_queues(world) + _talking(world) == len(calls), "all wait or talk", within=2 * A_WHILE)
    assert on_the_line(world) == set(calls)
    await world.fresh()
    assert (await health(world))["live_calls"] == 0


def _talking(world: World) -> int:
    """How many agents are in a talk, as Asterisk sees it."""
    return sum(
        channel["channel"].startswith(("PJSIP/chen", "PJSIP/li", "PJSIP/wang"))
        for channel in world.channels("asterisk")
    )


@pytest.mark.timeout(300)
async def test_a_server_that_hangs_is_left_by_its_callers(world: World) -> None:
    await world.sign_in("1026")
    talker, choosing = await talks(world), [await arrives(world) for _ in range(3)]
    await asyncio.to_thread(world.container, "pause", "hotline")
    try:
        await world.until(lambda: in_queues(world) == 3, "all wait for a person", within=2 * A_WHILE)
        await goes_on(world, talker)
    finally:
        await asyncio.to_thread(world.container, "unpause", "hotline")
    await all_well(world)
    for caller in choosing:
        assert (await world.hears(caller, CallQueued)).queue == "consult"
        assert longest_silence(caller.heard()) < 20, "after a prompt the server has ten seconds to go on"
    await all_is_over(world, talker, *choosing)
    assert not any(world.of(caller, AgentAnswered) for caller in choosing)


STAND_STILL = """
import os, signal
for each in os.listdir("/proc"):
    if each.isdigit() and open(f"/proc/{each}/cmdline").read().split("\\0")[1:4] == ["-m", "hotline", "serve"]:
        os.kill(int(each), signal.SIGSTOP)
"""


@pytest.mark.timeout(400)
async def test_a_server_that_stands_still_in_the_greeting_is_ended_and_caller_and_agent_talk(world: World) -> None:
    await world.sign_in("1024")
    caller = await waits(world, CONSULT)
    await world.hears(caller, GreetingStarted)
    before = starts(world)
    world.inside("hotline", "python3", "-c", STAND_STILL)
    agent_says = world.prompt("tryout/agent")
    await world.until(
        lambda: sound.fraction_heard(agent_says, caller.heard()) > 0.3, "the caller hears the agent", within=A_WHILE
    )
    await back(world, starts_before=before)
    await all_is_over(world, caller)
