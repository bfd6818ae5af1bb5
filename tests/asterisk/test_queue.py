"""Waiting for an agent: who is offered the call, what the caller hears meanwhile, and what comes when nobody does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRouted,
    GreetingStarted,
    KeyPressed,
    OfferMissed,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.sound import RATE
from tests.asterisk.world import Caller, World

CHEN, LI, WANG = "chen-desk", "li-desk", "wang-desk"
CONSULT, COMPLAINT, REPAIR = "1", "3", "22"


async def calls(world: World, keys: str, dialled: str = "4001234567") -> Caller:
    """Somebody calls and chooses, without listening to the menu."""
    caller = await world.call(dialled)
    await world.hears(caller, CallAnswered)
    await caller.press(*keys)
    return caller


async def talks(world: World, keys: str = CONSULT) -> Caller:
    """Somebody calls and reaches an agent."""
    caller = await calls(world, keys)
    await world.hears(caller, TalkStarted)
    return caller


async def agent(world: World, number: str) -> dict[str, Any]:
    """An agent as the list shows."""
    found: list[dict[str, Any]] = (await world.server.get("/api/agents"))["agents"]
    return next(each for each in found if each["agent"] == number)


async def becomes(world: World, number: str, state: str) -> None:
    """Wait until the list shows this agent in this state."""
    async with asyncio.timeout(30):
        while (await agent(world, number))["state"] != state:
            await asyncio.sleep(0.1)


async def phone_hears_the_caller(world: World, phone: str, caller: Caller) -> None:
    """The caller speaks, and the beginning of it is heard in this phone's only call."""
    await caller.speak()
    said = world.prompt("tryout/caller")[: 2 * RATE]

    def heard() -> bool:
        recordings = world.heard_by(phone)
        assert len(recordings) == 1, f"{phone} took {len(recordings)} calls"
        return sound.fraction_heard(said, recordings[0]) > 0.5

    await world.until(heard, f"{phone} hears the caller")


async def is_asked_for_a_message(world: World, caller: Caller, *, why: str) -> None:
    """The caller begins to hear that nobody can answer; `why` is the queue's word for it."""
    routed = await world.hears(caller, CallRouted, to="message")
    assert routed.why == why
    request = world.prompt("zh/busy_leave_message")[: 3 * RATE]
    await world.until(lambda: sound.heard_whole(request, caller.heard()), "the caller is asked for a message")


# Who gets the call


@pytest.mark.parametrize("manner", ["busy", "reject"])
async def test_an_agent_who_does_not_take_the_call_is_passed_over(world: World, manner: str) -> None:
    await world.manner(CHEN, manner)
    await world.sign_in("1024", "1026")
    caller = await calls(world, CONSULT)
    missed = await world.hears(caller, OfferMissed)
    answered = await world.hears(caller, AgentAnswered)
    await world.hears(caller, TalkStarted)

    assert (missed.agent, answered.agent) == ("1024", "1026")
    await phone_hears_the_caller(world, WANG, caller)
    assert world.heard_by(CHEN) == []


async def test_a_call_that_rings_out_goes_to_the_next_agent_of_the_same_penalty(world: World) -> None:
    await world.manner(LI, "ignore")
    await world.manner(WANG, "ignore")
    await world.sign_in("1025", "1026")
    caller = await calls(world, COMPLAINT)
    missed = await world.hears(caller, OfferMissed)
    next_one = "1026" if missed.agent == "1025" else "1025"
    await world.manner(world.phone_of(next_one), "answer")
    answered = await world.hears(caller, AgentAnswered)
    await world.hears(caller, TalkStarted)

    assert answered.agent == next_one
    assert [event.agent for event in world.of(caller, AgentOffered)][:2] == [missed.agent, next_one]
    await phone_hears_the_caller(world, world.phone_of(next_one), caller)


async def test_an_agent_whose_phone_rings_out_again_and_again_is_paused_and_the_next_one_asked(world: World) -> None:
    await world.manner(CHEN, "ignore")
    await world.sign_in("1024", "1026")
    caller = await calls(world, CONSULT)
    paused = await world.sees(AgentPaused, lambda event: event.agent == "1024", "the agent who misses calls is paused")
    await world.hears(caller, TalkStarted)

    missed = world.of(caller, OfferMissed)
    assert [event.agent for event in missed] == ["1024"] * 3
    assert all(3 < event.rang.total_seconds() < 8 for event in missed)
    assert paused.reason == "missed-calls"
    assert (await agent(world, "1024"))["reason"] == "missed-calls"
    await phone_hears_the_caller(world, WANG, caller)


async def test_the_agent_with_the_lower_penalty_gets_the_call_and_one_in_a_talk_gets_no_other(world: World) -> None:
    await world.sign_in("1026", "1024")
    first = await talks(world)
    second = await talks(world)

    assert [event.agent for event in world.of(first, AgentOffered)] == ["1024"]
    assert [event.agent for event in world.of(second, AgentOffered)] == ["1026"]
    await phone_hears_the_caller(world, CHEN, first)
    await phone_hears_the_caller(world, WANG, second)


async def test_two_callers_at_once_reach_two_agents_and_each_hears_the_right_work_number(world: World) -> None:
    await world.sign_in("1024", "1026")
    callers = await asyncio.gather(talks(world), talks(world))
    agents = [world.of(caller, AgentAnswered)[0].agent for caller in callers]
    for caller in callers:
        await caller.hang_up()
        await world.hears(caller, CallEnded)

    assert sorted(agents) == ["1024", "1026"]
    greetings = {number: world.prompt(f"zh/agents/heating/{number}") for number in ("1024", "1025", "1026")}
    for caller, number in zip(callers, agents, strict=True):
        assert sound.heard_whole(greetings[number], caller.heard())
        assert sound.closest(greetings, caller.heard()) == number
    assert (len(world.heard_by(CHEN)), len(world.heard_by(WANG))) == (1, 1)


@pytest.mark.timeout(400)
async def test_thirty_callers_at_once_all_reach_an_agent(world: World) -> None:
    await world.sign_in("1024", "1025", "1026")
    callers = await asyncio.gather(*(calls(world, REPAIR) for _ in range(30)))

    async def served(caller: Caller) -> str:
        await world.hears(caller, TalkStarted, within=240)
        await caller.hang_up()
        await world.hears(caller, CallEnded)
        return world.of(caller, AgentAnswered)[0].agent

    agents = await asyncio.gather(*map(served, callers))
    assert set(agents) == {"1024", "1025", "1026"}
    for caller in callers:
        assert [event.key.pressed for event in world.of(caller, KeyPressed)] == ["2", "2"]
        assert [event.queue for event in world.of(caller, CallQueued)] == ["repair"]
        assert [event.by for event in world.of(caller, TalkEnded)] == ["caller"]
    assert len(world.heard_by(CHEN) + world.heard_by(LI) + world.heard_by(WANG)) == 30


# What a waiting caller hears


@pytest.mark.parametrize(("dialled", "language"), [("4001234567", "zh"), ("4001234568", "en")])
async def test_a_waiting_caller_hears_music_and_the_place_in_line_until_the_agent_is_free(
    world: World, dialled: str, language: str
) -> None:
    await world.sign_in("1024")
    first = await talks(world)
    second = await calls(world, CONSULT, dialled)
    await world.hears(second, CallQueued)

    you_are_next, music = world.prompt(f"{language}/queue-youarenext"), world.prompt("music/hold")
    await world.until(lambda: sound.heard_whole(you_are_next, second.heard()), "the caller hears the place in line")
    announced = round(sound.where_heard(you_are_next, second.heard()) * RATE) + len(you_are_next)
    await world.until(lambda: len(second.heard()) > announced + 6 * RATE, "some music has been played")
    after_it = second.heard()[announced + RATE : announced + 6 * RATE]
    assert sound.fraction_heard(after_it, music) > 0.5
    assert world.of(second, AgentOffered) == [], "an agent in a talk is not offered another call"

    await first.hang_up()
    answered = await world.hears(second, AgentAnswered)
    assert answered.agent == "1024"


async def test_the_second_in_line_hears_the_number_two(world: World) -> None:
    await world.sign_in("1025")
    await talks(world, COMPLAINT)
    first = await calls(world, REPAIR)
    await world.hears(first, CallQueued)
    second = await calls(world, REPAIR)
    await world.hears(second, CallQueued)

    said = [world.prompt(f"zh/{piece}") for piece in ("queue-thereare", "digits/2", "queue-callswaiting")]
    await world.until(
        lambda: all(sound.heard_whole(piece, second.heard()) for piece in said), "the caller hears the number two"
    )
    begins = [sound.where_heard(piece, second.heard()) for piece in said]
    assert begins == sorted(begins)


# Nobody can answer


async def test_where_nobody_is_signed_in_the_caller_is_asked_for_a_message(world: World) -> None:
    await world.sign_in("1025")  # not in consult
    caller = await calls(world, CONSULT)
    await is_asked_for_a_message(world, caller, why="joinempty")
    assert world.of(caller, CallQueued) == []


async def test_where_all_are_paused_the_caller_is_asked_for_a_message(world: World) -> None:
    await world.sign_in("1024", "1026")
    for number in ("1024", "1026"):
        await world.server.post(f"/api/agents/{number}/pause", {"reason": "meeting"})
    caller = await calls(world, CONSULT)
    await is_asked_for_a_message(world, caller, why="joinempty")
    assert world.of(caller, AgentOffered) == []


async def test_when_the_last_agent_signs_out_a_waiting_caller_is_asked_for_a_message(world: World) -> None:
    await world.sign_in("1024")
    await talks(world)
    waiting = await calls(world, CONSULT)
    await world.hears(waiting, CallQueued)
    await world.server.post("/api/agents/1024/sign-out")
    await is_asked_for_a_message(world, waiting, why="leaveempty")


async def test_a_full_queue_asks_for_a_message(world: World) -> None:
    await world.manner(LI, "ignore")
    await world.sign_in("1025")
    first = await calls(world, COMPLAINT)
    await world.hears(first, CallQueued)
    second = await calls(world, COMPLAINT)
    await is_asked_for_a_message(world, second, why="full")
    assert world.of(second, CallQueued) == []
    assert [event.to for event in world.of(first, CallRouted)] == ["complaint"], "the first caller still waits"


async def test_a_caller_who_waits_longer_than_the_queues_patience_is_asked_for_a_message(world: World) -> None:
    await world.sign_in("1025")
    await talks(world, COMPLAINT)
    waiting = await calls(world, COMPLAINT)
    queued = await world.hears(waiting, CallQueued)
    await is_asked_for_a_message(world, waiting, why="timeout")
    waited = world.of(waiting, CallRouted)[-1].at - queued.at
    assert 24 < waited.total_seconds() < 45
    assert world.of(waiting, AgentOffered) == []


# How it ends


async def test_an_agent_who_hangs_up_ends_the_call_and_can_take_the_next(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks(world)
    await phone_hears_the_caller(world, CHEN, caller)
    await world.hang_up_phone(CHEN)
    talk = await world.hears(caller, TalkEnded)
    ended = await world.hears(caller, CallEnded)

    assert (talk.agent, talk.by) == ("1024", "agent")
    assert (ended.by, ended.why) == ("hotline", "Normal Clearing")
    await world.until(lambda: world.telco.causes.get(caller.channel) == 16, "the caller's line is down")
    again = await talks(world)
    assert world.of(again, AgentAnswered)[0].agent == "1024"


async def test_an_agent_is_free_again_when_the_caller_hangs_up_while_the_phone_rings(world: World) -> None:
    await world.manner(CHEN, "ignore")
    await world.sign_in("1024")
    caller = await calls(world, CONSULT)
    await world.hears(caller, AgentOffered)
    await becomes(world, "1024", "ringing")
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert (await agent(world, "1024"))["state"] == "ready"
    assert world.of(caller, OfferMissed) == [], "the caller did not wait: the agent has missed nothing"


async def test_an_agent_who_hangs_up_in_the_greeting_is_free_again(world: World) -> None:
    await world.sign_in("1024", "1026")
    caller = await calls(world, CONSULT)
    await world.hears(caller, GreetingStarted, agent="1024")
    await world.manner(CHEN, "busy")
    await world.hang_up_phone(CHEN)
    await world.hears(caller, TalkStarted, agent="1026")
    await becomes(world, "1024", "ready")
    assert (await agent(world, "1026"))["state"] == "talking"


async def test_the_list_of_agents_follows_a_call(world: World) -> None:
    await world.manner(CHEN, "answer", pause=2)
    await world.sign_in("1024")
    caller = await calls(world, CONSULT)
    await world.hears(caller, CallRouted)
    await becomes(world, "1024", "ringing")
    await becomes(world, "1024", "talking")
    assert (await agent(world, "1024"))["call"] == caller.call
    await caller.hang_up()
    await becomes(world, "1024", "ready")
