"""Hold, resume and transfer by a softphone of another make than Asterisk."""

from __future__ import annotations

from collections.abc import Callable

from routing.events import (
    CallAnswered,
    CallEnded,
    CallTransferred,
    HoldEnded,
    HoldStarted,
    RecordingKept,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.softphone import Softphone, a_softphone
from tests.asterisk.sound import RATE, Sound
from tests.asterisk.voices import are_recorded, kept, speaks
from tests.asterisk.world import Caller, World

LI, COMPLAINT = "li-desk", "3"


async def test_a_caller_on_hold_hears_music_until_the_agent_is_back_and_can_then_be_sent_on(world: World) -> None:
    async with a_softphone(world, LI) as phone:
        caller = await talks_to_li(world)
        await the_agent_hears_the_caller(world, phone)
        await hears_from_now_on(world, caller, is_an_agent(world))
        await phone.do("hold")
        held = await world.hears(caller, HoldStarted)
        await hears_from_now_on(world, caller, is_music(world))
        await phone.do("resume")
        resumed = await world.hears(caller, HoldEnded)
        await the_agent_hears_the_caller(world, phone)
        await hears_from_now_on(world, caller, is_an_agent(world))
        await phone.do("transfer", f"sip:1024@{world.stack.pbx}")
        await world.hears(caller, TalkStarted, agent="1024")
        await hears_from_now_on(world, caller, is_an_agent(world))
        await caller.hang_up()
        await world.hears(caller, CallEnded)

    steps = (TalkStarted, HoldStarted, HoldEnded, CallTransferred, TalkEnded)
    assert [type(fact) for fact in world.events if fact.call == caller.call and isinstance(fact, steps)] == [
        TalkStarted, HoldStarted, HoldEnded, CallTransferred, TalkEnded, TalkStarted, TalkEnded,
    ]  # fmt: skip
    assert (held.agent, resumed.agent) == ("1025", "1025")
    (sent,) = world.of(caller, CallTransferred)
    assert (sent.kind, sent.to, sent.by) == ("blind", "1024", "1025")
    await world.hears(caller, RecordingKept, nth=2)
    are_recorded(world, caller, "agent", "agent")
    the_hold_is_within_the_recording(world, caller, held, resumed)


async def talks_to_li(world: World) -> Caller:
    """Somebody reaches Li (1025) and speaks, on and on."""
    await world.sign_in("1025")
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press(COMPLAINT)
    await world.hears(caller, TalkStarted, agent="1025")
    await caller.speak()
    return caller


async def the_agent_hears_the_caller(world: World, phone: Softphone) -> None:
    said = world.prompt("tryout/caller")[: 2 * RATE]
    await world.until(lambda: sound.fraction_heard(said, phone.heard()) > 0.5, "the agent hears the caller")


async def hears_from_now_on(world: World, caller: Caller, what: Callable[[Sound], bool]) -> None:
    """Wait until the last two seconds that the caller hears, all from now on, are this."""
    begin = len(caller.heard())

    def heard() -> bool:
        since = caller.heard()[begin:]
        return len(since) > 2 * RATE and what(since[-2 * RATE :])

    await world.until(heard, "the caller hears what was expected")


def is_music(world: World) -> Callable[[Sound], bool]:
    music = world.prompt("music/hold")
    return lambda heard: sound.heard_whole(heard, music)


def is_an_agent(world: World) -> Callable[[Sound], bool]:
    agent = world.prompt("tryout/agent")
    return lambda heard: speaks(agent, heard)


def the_hold_is_within_the_recording(world: World, caller: Caller, held: HoldStarted, resumed: HoldEnded) -> None:
    """The first talk is recorded from its begin to its end, and both voices are there before and after the hold."""
    recording, talk = world.of(caller, RecordingKept)[0], world.of(caller, TalkEnded)[0]
    assert abs((recording.length - talk.talked).total_seconds()) < 1
    left, right = kept(world, recording)
    # A loaded machine may note the begin late, or the end: reckoned from the other one the place is right.
    began = min(talk.at - talk.talked, talk.at - recording.length)
    before, after = (int((at - began).total_seconds() * RATE) for at in (held.at, resumed.at))
    for part in (slice(0, before), slice(after + RATE, len(left))):
        assert speaks(world.prompt("tryout/agent"), left[part])
        assert speaks(world.prompt("tryout/caller"), right[part])
