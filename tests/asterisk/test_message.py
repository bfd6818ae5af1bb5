"""Nobody can answer: the caller leaves a message, whatever else happens."""

from __future__ import annotations

from datetime import timedelta

from routing.events import CallAbandoned, CallAnswered, CallEnded, CallRouted, MessageLeft, PromptHeard
from tests.asterisk import sound
from tests.asterisk.sound import Sound
from tests.asterisk.world import Caller, World


async def is_asked_for_a_message(world: World) -> Caller:
    """Somebody calls while nobody is signed in, and hears the words to their end."""
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press("1")
    await world.hears(caller, PromptHeard, prompt="busy_leave_message", cut_by=None)
    return caller


async def speaks(world: World, caller: Caller, seconds: float) -> None:
    """The caller speaks until the message is so long; after a tone of course."""
    await caller.speak()
    size = seconds * sound.RATE * 2
    await world.until(lambda: size_of(world, f"/srv/messages/{caller.call}.wav") > size, "the message grows")


def size_of(world: World, file: str) -> int:
    return int(world.inside("asterisk", "sh", "-c", f"stat -c %s {file} 2>/dev/null || echo 0"))


def message(world: World, file: str) -> Sound:
    (recorded,) = sound.from_wav(world.inside_bytes("asterisk", "cat", f"/srv/messages/{file}"))
    return recorded


def length_of(recorded: Sound) -> timedelta:
    return timedelta(seconds=len(recorded) / sound.RATE)


async def test_when_nobody_is_signed_in_the_caller_leaves_a_message(world: World) -> None:
    caller = await is_asked_for_a_message(world)
    await speaks(world, caller, 5)
    await caller.press("#")
    left = await world.hears(caller, MessageLeft)
    ended = await world.hears(caller, CallEnded)

    recorded, heard = message(world, left.file), caller.heard()
    assert left.file == f"{caller.call}.wav"
    assert abs(left.length - length_of(recorded)) < timedelta(seconds=0.1)
    assert timedelta(seconds=4) < left.length < timedelta(seconds=30)
    assert sound.level(recorded) > 300, "it is not silent"
    assert sound.fraction_heard(world.prompt("tryout/caller"), recorded) > 0.5, "it is the caller's voice"
    for prompt in ("zh/busy_leave_message", "zh/message_thanks"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt
    assert sound.where_heard(world.prompt("zh/beep"), heard) > sound.where_heard(
        world.prompt("zh/busy_leave_message"), heard
    )
    assert ended.by == "hotline"


async def test_a_caller_who_hangs_up_while_speaking_has_left_a_message(world: World) -> None:
    caller = await is_asked_for_a_message(world)
    await speaks(world, caller, 3)
    await caller.hang_up()
    left = await world.hears(caller, MessageLeft)
    ended = await world.hears(caller, CallEnded)

    recorded = message(world, left.file)
    assert abs(left.length - length_of(recorded)) < timedelta(seconds=0.1)
    assert sound.level(recorded) > 300
    assert ended.by == "caller"
    assert not world.of(caller, CallAbandoned), "who left a message has not given up"


async def test_a_caller_who_says_nothing_has_left_no_message(world: World) -> None:
    caller = await is_asked_for_a_message(world)
    await world.hears(caller, CallEnded)
    assert not world.of(caller, MessageLeft)
    assert sound.heard_whole(world.prompt("zh/goodbye"), caller.heard())


async def test_who_leaves_the_queue_unanswered_is_asked_for_a_message(world: World) -> None:
    await world.sign_in("1025")
    await world.manner("li-desk", "ignore")
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press("3")
    routed = await world.hears(caller, CallRouted, to="message", within=60)
    await world.hears(caller, PromptHeard, prompt="busy_leave_message")
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert routed.why == "timeout"
    assert sound.heard_whole(world.prompt("zh/busy_leave_message"), caller.heard())


async def test_without_our_server_the_dialplan_takes_the_message_and_it_is_found_later(world: World) -> None:
    world.container("stop", "hotline")
    try:
        caller = await world.place("4001234567")
        await world.until(lambda: call_at(world, "Record") != "", "the caller is being recorded", within=60)
        caller.call = call_at(world, "Record")
        await speaks(world, caller, 4)
        await caller.press("#")
        await world.until(lambda: world.channels("asterisk") == [], "the call is over")
    finally:
        world.container("start", "hotline")
    left = await world.hears(caller, MessageLeft, within=90)

    recorded, heard = message(world, left.file), caller.heard()
    assert abs(left.length - length_of(recorded)) < timedelta(seconds=0.1)
    assert sound.level(recorded) > 300
    for prompt in ("zh/please_hold", "zh/sorry_leave_message", "zh/message_thanks"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt


def call_at(world: World, application: str) -> str:
    """The id of the call that is at this step of the dialplan, if there is one."""
    return next((line["id"] for line in world.channels("asterisk") if line["application"] == application), "")


async def test_a_server_that_dies_while_the_caller_speaks_loses_no_word(world: World) -> None:
    caller = await is_asked_for_a_message(world)
    await speaks(world, caller, 2)
    world.container("kill", "hotline")
    try:
        await speaks(world, caller, 4)
        await caller.press("#")
        await world.until(lambda: world.channels("asterisk") == [], "the call is over")
    finally:
        world.container("start", "hotline")
    left = await world.hears(caller, MessageLeft, within=90)

    assert left.length > timedelta(seconds=3.5)
    assert sound.level(message(world, left.file)) > 300
    heard = caller.heard()
    assert sound.heard_whole(world.prompt("zh/message_thanks"), heard)
    assert sound.fraction_heard(world.prompt("zh/sorry_leave_message"), heard) < 0.3, "the caller is not asked twice"
