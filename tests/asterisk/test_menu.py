"""The way through the menu: every key, no key, wrong keys, keys before their time, and callers who leave on the way."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from routing.events import (
    AgentAnswered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRouted,
    KeyPressed,
    NoKey,
    PromptHeard,
    TalkStarted,
    WrongKey,
)
from tests.asterisk import sound
from tests.asterisk.world import Caller, World

ENGLISH, CLOSED = "4001234568", "4001234569"
DEAD_MAN_WITHIN = 40.0
"""Seconds: the menu's own time and the margin the timer gives it, then the wait for a server that does not answer."""


async def chooses(world: World, keys: str, *, dialled: str = "4001234567") -> Caller:
    """Somebody calls who knows the menus by heart: each key comes as soon as its question does."""
    caller = await world.call(dialled)
    await world.hears(caller, CallAnswered)
    for nth, key in enumerate(keys, 1):
        await caller.press(key)
        await world.hears(caller, KeyPressed, nth=nth)
    return caller


async def leaves(world: World, caller: Caller) -> CallEnded:
    await caller.hang_up()
    return await world.hears(caller, CallEnded)


def prompts(world: World, caller: Caller) -> list[str]:
    return [event.prompt for event in world.of(caller, PromptHeard)]


# Each key


@pytest.mark.parametrize(
    ("keys", "queue", "priority"),
    [
        ("1", "consult", 0),
        ("22", "repair", 0),
        ("21", "repair", 100),
        ("20", "repair", 0),
        ("3", "complaint", 0),
        ("0", "consult", 0),
    ],
)
async def test_each_way_through_the_menu_leads_to_its_queue(world: World, keys: str, queue: str, priority: int) -> None:
    await world.sign_in("1024", "1025")
    caller = await chooses(world, keys)
    routed, queued = await world.hears(caller, CallRouted), await world.hears(caller, CallQueued)
    await world.hears(caller, TalkStarted)
    await leaves(world, caller)

    assert (routed.to, queued.queue, routed.priority) == (queue, queue, priority)
    assert [event.key.pressed for event in world.of(caller, KeyPressed)] == [*keys]
    assert [event.at_prompt for event in world.of(caller, KeyPressed)] == ["main_menu", "repair_menu"][: len(keys)]
    assert sound.heard_whole(world.prompt("zh/connecting"), caller.heard())


async def test_an_english_line_speaks_english_from_the_greeting_to_the_work_number(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call(ENGLISH)
    await world.hears(caller, PromptHeard, prompt="greeting")
    await caller.press("1")
    await world.hears(caller, TalkStarted)
    await leaves(world, caller)

    heard = caller.heard()
    for prompt in ("en/brand/english/greeting", "en/connecting", "en/agents/english/1024"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt
    assert sound.fraction_heard(world.prompt("zh/connecting"), heard) < 0.3


# Keys before their time


async def test_a_key_during_the_menu_cuts_it_short(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call()
    await world.hears(caller, PromptHeard, prompt="greeting", cut_by=None)
    await caller.press("1")
    menu = await world.hears(caller, PromptHeard, prompt="main_menu")
    await world.hears(caller, TalkStarted)
    await leaves(world, caller)

    heard, whole_menu = caller.heard(), world.prompt("zh/main_menu")
    assert menu.cut_by == "key"
    assert timedelta(0) < menu.heard < menu.length / 2
    assert sound.heard_whole(world.prompt("zh/brand/heating/greeting"), heard)
    assert sound.fraction_heard(whole_menu[len(whole_menu) // 2 :], heard) < 0.3, "its second half was not heard"
    assert sound.heard_whole(world.prompt("zh/connecting"), heard)


async def test_a_key_during_the_greeting_answers_the_menu_before_it_is_played(world: World) -> None:
    await world.sign_in("1024")
    caller = await chooses(world, "1")
    await world.hears(caller, TalkStarted)
    await leaves(world, caller)

    greeting, *others = world.of(caller, PromptHeard)
    assert (greeting.prompt, greeting.cut_by) == ("greeting", "key")
    assert [event.prompt for event in others] == ["connecting", "agent_greeting"]
    assert sound.fraction_heard(world.prompt("zh/main_menu"), caller.heard()) < 0.3


# No key, wrong keys, the star


async def test_a_silent_caller_is_asked_again_twice_and_then_gets_a_person(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call()
    queued = await world.hears(caller, CallQueued, within=120)
    await world.hears(caller, TalkStarted)
    await leaves(world, caller)

    question = ["main_menu", "no_key"]
    assert prompts(world, caller)[:7] == ["greeting", *question, *question, "main_menu", "to_person"]
    assert queued.queue == "consult"
    assert len(world.of(caller, NoKey)) == 3
    heard = caller.heard()
    for prompt in ("zh/main_menu", "zh/no_key", "zh/to_person"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt


async def test_a_caller_who_presses_wrong_keys_is_told_so_and_then_gets_a_person(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press("9")
    for nth, key in ((1, "8"), (2, "#")):
        await world.hears(caller, PromptHeard, prompt="wrong_key", nth=nth)
        await caller.press(key)
    queued = await world.hears(caller, CallQueued)
    await leaves(world, caller)

    assert [event.key.pressed for event in world.of(caller, WrongKey)] == ["9", "8", "#"]
    assert queued.queue == "consult"
    heard = caller.heard()
    for prompt in ("zh/wrong_key", "zh/to_person"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt


async def test_star_plays_the_menu_again(world: World) -> None:
    await world.sign_in("1024")
    caller = await chooses(world, "*")
    first = await world.hears(caller, PromptHeard, prompt="main_menu")
    await caller.press("*")
    await world.hears(caller, KeyPressed, nth=2)
    await caller.press("1")
    queued = await world.hears(caller, CallQueued)
    await leaves(world, caller)

    assert first.cut_by is None
    assert queued.queue == "consult"
    assert prompts(world, caller)[:4] == ["greeting", "main_menu", "main_menu", "connecting"]
    assert not world.of(caller, WrongKey)
    assert not world.of(caller, NoKey)
    assert sound.heard_whole(world.prompt("zh/main_menu"), caller.heard())


# A closed line


async def test_a_closed_line_asks_for_a_message(world: World) -> None:
    await world.sign_in("1024")
    caller = await chooses(world, "1", dialled=CLOSED)
    routed = await world.hears(caller, CallRouted)
    await world.hears(caller, PromptHeard, prompt="closed_leave_message")
    await leaves(world, caller)

    assert (routed.to, routed.why) == ("message", "closed")
    assert world.of(caller, CallQueued) == []
    heard = caller.heard()
    assert sound.heard_whole(world.prompt("zh/closed_leave_message"), heard)
    assert sound.fraction_heard(world.prompt("zh/connecting"), heard) < 0.3


async def test_an_emergency_is_put_through_although_the_line_is_closed(world: World) -> None:
    await world.sign_in("1024")
    caller = await chooses(world, "21", dialled=CLOSED)
    talk = await world.hears(caller, TalkStarted)
    await leaves(world, caller)
    assert talk.agent == "1024"


# First things first


async def test_an_emergency_is_answered_before_callers_who_waited_longer(world: World) -> None:
    await world.sign_in("1024")
    talking = await chooses(world, "1")
    await world.hears(talking, TalkStarted)
    waiting = []
    for _ in range(2):
        waiting.append(await chooses(world, "22"))
        await world.hears(waiting[-1], CallQueued)
    emergency = await chooses(world, "21")
    joined = await world.hears(emergency, CallQueued)
    assert joined.position == 1

    for caller in (talking, emergency, *waiting):
        await world.hears(caller, TalkStarted)
        await leaves(world, caller)
    answered = [event.call for event in world.events if isinstance(event, AgentAnswered)]
    assert answered[-4:] == [caller.call for caller in (talking, emergency, *waiting)]


# Numbers that are not ours


async def test_a_number_that_is_not_ours_does_not_exist(world: World) -> None:
    before = world.cli("core show channels count").splitlines()[-1]
    caller = await world.place("4009999999")
    await world.until(lambda: caller.channel in world.telco.causes, "the carrier is told that the call failed")
    assert world.telco.causes[caller.channel] == 1, "no such number"
    assert world.cli("core show channels count").splitlines()[-1] == before, "not even a channel was made"


# The caller leaves


async def test_who_hangs_up_in_the_greeting_left_in_the_menu(world: World) -> None:
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await leaves(world, caller)
    await left(world, caller, "menu", during="greeting")


async def test_who_hangs_up_in_the_main_menu_left_in_the_menu(world: World) -> None:
    caller = await world.call()
    await world.hears(caller, PromptHeard, prompt="greeting")
    await leaves(world, caller)
    await left(world, caller, "menu", during="main_menu")


async def test_who_hangs_up_in_the_second_menu_left_in_the_menu(world: World) -> None:
    caller = await chooses(world, "2")
    await leaves(world, caller)
    await left(world, caller, "menu", during="repair_menu")


async def test_who_hangs_up_while_being_connected_left_in_the_menu(world: World) -> None:
    await world.sign_in("1024")
    caller = await chooses(world, "1")
    await leaves(world, caller)
    await left(world, caller, "menu", during="connecting")


async def test_who_hangs_up_in_the_queue_left_in_the_queue(world: World) -> None:
    await world.sign_in("1024")
    await world.manner("chen-desk", "ignore")
    caller = await chooses(world, "1")
    await world.hears(caller, CallQueued)
    await leaves(world, caller)
    gone = await left(world, caller, "queue")
    assert gone.waited < timedelta(seconds=20), "counted from the beginning of the wait"


async def test_who_hangs_up_when_asked_for_a_message_left_there(world: World) -> None:
    caller = await chooses(world, "1")
    routed = await world.hears(caller, CallRouted, to="message")
    await leaves(world, caller)
    await left(world, caller, "message", during="busy_leave_message")
    assert routed.why == "joinempty"


async def left(world: World, caller: Caller, where: str, *, during: str | None = None) -> CallAbandoned:
    """The log says where the caller was, and that nobody but the caller ended the call."""
    gone = await world.hears(caller, CallAbandoned)
    ended = await world.hears(caller, CallEnded)
    assert (gone.where, ended.by) == (where, "caller")
    if during is not None:
        cut = await world.hears(caller, PromptHeard, cut_by="hang-up")
        assert cut.prompt == during
        assert cut.heard < cut.length
    return gone


# Our server stands still


async def test_a_caller_whose_server_freezes_in_the_menu_gets_a_person(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call()
    await world.hears(caller, PromptHeard, prompt="greeting")
    world.container("pause", "hotline")
    frozen = time.monotonic()
    try:
        await world.until(
            lambda: any(line["where"].startswith("queue,") for line in world.channels("asterisk")),
            "the caller is in a queue, or has an agent already",
            within=DEAD_MAN_WITHIN,
        )
        waited = time.monotonic() - frozen
    finally:
        world.container("unpause", "hotline")
    await world.hears(caller, TalkStarted)
    await leaves(world, caller)
    assert waited < DEAD_MAN_WITHIN
