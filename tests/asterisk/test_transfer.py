"""Transfers from an agent's phone: to a colleague, a queue, a department, nowhere else; nobody is lost on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from routing.events import (
    AgentAnswered,
    AgentOffered,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRequeued,
    CallTransferred,
    GreetingStarted,
    RecordingKept,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.sound import RATE, Sound
from tests.asterisk.transfers import hand_over, is_refused, line_of, rings_at, transfer
from tests.asterisk.voices import are_recorded
from tests.asterisk.world import Caller, World

CHEN, LI, WANG = "chen-desk", "li-desk", "wang-desk"
CONSULT, REPAIR, EMERGENCY = "1", "22", "21"
DEPARTMENT = "01012345678"


async def calls(world: World, keys: str) -> Caller:
    """Somebody calls and chooses, without listening to the menu."""
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press(*keys)
    return caller


async def talks_to_chen(world: World, keys: str = CONSULT) -> Caller:
    """Somebody reaches Chen (1024) and speaks, on and on."""
    caller = await calls(world, keys)
    await world.hears(caller, TalkStarted, agent="1024")
    await caller.speak()
    return caller


async def hears(world: World, who: str, prompt: str, heard: Callable[[], list[Sound]]) -> None:
    """Wait until the beginning of what somebody says is in the newest of these recordings."""
    said = world.prompt(prompt)[: 2 * RATE]
    await world.until(
        lambda: any(sound.fraction_heard(said, each) > 0.5 for each in heard()[-1:]), f"{who} hears {prompt}"
    )


async def phone_hears_the_caller(world: World, phone: str) -> None:
    await hears(world, phone, "tryout/caller", lambda: world.heard_by(phone))


async def both_talks_are_recorded(world: World, caller: Caller, *, second: str = "agent") -> None:
    """The call has two recordings, each with both voices; `second` is whose the other one is in the second."""
    await world.hears(caller, RecordingKept, nth=2)
    are_recorded(world, caller, "agent", second)


# Blind


async def test_a_caller_is_sent_on_to_a_colleague(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    await transfer(world, CHEN, "1025")
    sent = await world.hears(caller, CallTransferred)
    await world.hears(caller, TalkStarted, agent="1025")
    await phone_hears_the_caller(world, LI)
    await world.until(lambda: len(world.channels("agents")) == 1, "Chen's line is down")
    await world.hang_up_phone(LI)
    ended = await world.hears(caller, CallEnded)

    assert (sent.kind, sent.to, sent.by, ended.by) == ("blind", "1025", "1024", "hotline")
    assert [(talk.agent, talk.by) for talk in world.of(caller, TalkEnded)] == [("1024", "agent"), ("1025", "agent")]
    await both_talks_are_recorded(world, caller)


async def test_a_caller_is_sent_on_to_a_queue_and_greeted_by_the_next_agent(world: World) -> None:
    await world.sign_in("1024", "1026")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    await world.manner(CHEN, "busy")
    await transfer(world, CHEN, "702")
    queued = await world.hears(caller, CallQueued, queue="repair")
    await world.hears(caller, TalkStarted, agent="1026")
    await phone_hears_the_caller(world, WANG)
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    assert sound.heard_whole(world.prompt("zh/agents/heating/1026"), caller.heard())
    assert world.of(caller, CallTransferred)[0].to == "702"
    assert world.of(caller, CallRequeued) == [], "who was sent to a queue was not put back"
    assert queued.at >= world.of(caller, TalkEnded)[0].at
    await both_talks_are_recorded(world, caller)


async def test_a_caller_is_sent_on_to_a_department_which_sees_our_number(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    await transfer(world, CHEN, "801")
    await world.hears(caller, TalkStarted, agent="801")
    await hears(world, "the caller", "tryout/department", lambda: [caller.heard()])
    await hears(world, "the department", "tryout/caller", lambda: heard_by_department(world))
    (shown,) = [line["caller"] for line in world.channels("telco") if line["where"].startswith("departments,")]
    await caller.hang_up()
    ended = await world.hears(caller, CallEnded)

    assert shown == "4001234567"
    assert [(talk.agent, talk.by) for talk in world.of(caller, TalkEnded)] == [("1024", "agent"), ("801", "caller")]
    await both_talks_are_recorded(world, caller, second="department")
    assert [event for event in world.events if isinstance(event, CallEnded) and event.at >= ended.at] == [ended]


async def test_a_department_that_hangs_up_ends_the_call(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await transfer(world, CHEN, "801")
    await world.hears(caller, TalkStarted, agent="801")
    await hears(world, "the department", "tryout/caller", lambda: heard_by_department(world))
    (line,) = [line["channel"] for line in world.channels("telco") if line["where"].startswith("departments,")]
    await world.telco.do("Hangup", Channel=line)
    await world.hears(caller, CallEnded)
    assert [talk.by for talk in world.of(caller, TalkEnded)] == ["agent", "agent"]


def heard_by_department(world: World) -> list[Sound]:
    listing = world.inside("telco", "sh", "-c", f"ls -tr /srv/tryout/department-{DEPARTMENT}-*.wav 2>/dev/null || true")
    return [world.recording("telco", file) for file in listing.split() if not file.endswith(".all.wav")]


# Nobody there


@pytest.mark.parametrize("manner", ["busy", "reject"])
async def test_a_colleague_who_does_not_take_it_gives_the_caller_back_to_his_queue(world: World, manner: str) -> None:
    await world.manner(LI, manner)
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await transfer(world, CHEN, "1025")
    requeued = await world.hears(caller, CallRequeued)
    queued = await world.hears(caller, CallQueued, nth=2)
    await world.hears(caller, TalkStarted, nth=2)
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    assert requeued.why == "transfer-not-answered"
    assert (queued.queue, queued.position) == ("consult", 1)
    assert [talk.agent for talk in world.of(caller, TalkStarted)] == ["1024", "1024"]


async def test_a_colleague_in_another_talk_is_not_disturbed(world: World) -> None:
    await world.sign_in("1024", "1025")
    other = await calls(world, "3")
    await world.hears(other, TalkStarted, agent="1025")
    caller = await talks_to_chen(world)
    await transfer(world, CHEN, "1025")
    await world.hears(caller, CallRequeued, why="transfer-not-answered")
    await world.hears(caller, TalkStarted, nth=2)
    assert len(world.heard_by(LI)) == 1
    assert line_of(world, LI)


async def test_a_department_that_is_busy_gives_the_caller_back_who_still_shows_his_own_number(world: World) -> None:
    await world.telco.do("Setvar", Variable=f"MANNER_{DEPARTMENT}", Value="busy")
    try:
        await world.sign_in("1024")
        caller = await talks_to_chen(world)
        await transfer(world, CHEN, "801")
        await world.hears(caller, CallRequeued, why="transfer-not-answered")
        await world.hears(caller, TalkStarted, nth=2)
    finally:
        await world.telco.do("Setvar", Variable=f"MANNER_{DEPARTMENT}", Value="")
    (shown,) = [line["caller"] for line in world.channels("agents")]
    assert shown == caller.number


async def test_who_comes_back_waits_behind_emergencies_and_before_all_others(world: World) -> None:
    await world.manner(LI, "ignore")
    await world.sign_in("1024")
    first = await talks_to_chen(world, REPAIR)
    ordinary = await calls(world, REPAIR)
    await world.hears(ordinary, CallQueued)
    urgent = await calls(world, EMERGENCY)
    urgently = await world.hears(urgent, CallQueued)
    await world.manner(CHEN, "ignore")
    await transfer(world, CHEN, "1025")
    await world.hears(urgent, AgentOffered)
    await world.hang_up_phone(LI)
    back = await world.hears(first, CallQueued, nth=2)
    await world.manner(CHEN, "answer")

    assert (urgently.priority, back.position) == (100, 2)
    for caller in (urgent, first, ordinary):
        await world.hears(caller, TalkStarted, nth=2 if caller is first else 1)
        await caller.hang_up()
        await world.hears(caller, CallEnded)


async def test_a_caller_is_not_lost_when_the_colleague_hangs_up_at_once(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await world.manner(LI, "answer", pause=2)
    await transfer(world, CHEN, "1025")
    await world.until(lambda: line_rings(world, LI), "Li's phone rings")
    line = line_of(world, LI)
    await world.hears(caller, TalkStarted, agent="1025")
    await world.phones.do("Hangup", Channel=line)
    await world.hears(caller, CallRequeued, why="agent-hung-up")
    await world.hears(caller, TalkStarted, nth=3)


def line_rings(world: World, phone: str) -> bool:
    return any(line["where"] == f"phones,{phone}" for line in world.channels("agents"))


# Nowhere else


@pytest.mark.parametrize(
    "to",
    ["01087654321", "*11", "s", "queue", "first", "1099"],
    ids=["outside", "code", "s", "queue", "first", "nobody"],
)
async def test_a_transfer_anywhere_else_is_refused_and_the_talk_goes_on(world: World, to: str) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await transfer(world, CHEN, to, host="198.51.100.9" if to == "01087654321" else None)
    await is_refused(world, CHEN)
    before = len(caller.heard())
    said = world.prompt("tryout/agent")[: 2 * RATE]
    await world.until(
        lambda: sound.fraction_heard(said, caller.heard()[before:]) > 0.5, "the caller still hears the agent"
    )
    assert world.of(caller, CallTransferred) == []
    assert world.of(caller, TalkEnded) == []


# After asking


@pytest.mark.parametrize("the_other_way", [False, True], ids=["on the caller's line", "on the colleague's line"])
async def test_a_caller_is_handed_over_to_a_colleague_who_was_asked(world: World, the_other_way: bool) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    asked = await world.dial(CHEN, "1025")
    await world.until(lambda: len(asked.heard()) > 2 * RATE, "Chen asks Li")
    await hand_over(world, CHEN, asked, "1025", the_other_way=the_other_way)
    handed = await world.hears(caller, CallTransferred)
    await world.hears(caller, TalkStarted, agent="1025")
    await phone_hears_the_caller(world, LI)
    await world.until(lambda: len(world.channels("agents")) == 1, "Chen's lines are down")
    await world.hang_up_phone(LI)
    await world.hears(caller, CallEnded)

    assert (handed.kind, handed.to, handed.by) == ("attended", "1025", "1024")
    assert [(talk.agent, talk.by) for talk in world.of(caller, TalkEnded)] == [("1024", "agent"), ("1025", "agent")]
    await both_talks_are_recorded(world, caller)
    talked, kept = world.of(caller, TalkEnded)[1].talked, world.of(caller, RecordingKept)[1].length
    assert abs((talked - kept).total_seconds()) < 1, "what the agents said to each other is not in it"
    assert left_over(world) == []


async def test_a_caller_is_handed_over_to_a_department_that_was_asked(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    asked = await world.dial(CHEN, "801")
    await hand_over(world, CHEN, asked, "801")
    await world.hears(caller, TalkStarted, agent="801")
    await hears(world, "the caller", "tryout/department", lambda: [caller.heard()])
    await hears(world, "the department", "tryout/caller", lambda: heard_by_department(world))
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert (world.of(caller, CallTransferred)[0].kind, world.of(caller, CallTransferred)[0].to) == ("attended", "801")
    await both_talks_are_recorded(world, caller, second="department")


async def test_a_caller_is_handed_over_to_whoever_a_queue_gave_the_agent_to_ask(world: World) -> None:
    await world.sign_in("1024", "1026")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    asked = await world.dial(CHEN, "702")
    await world.until(lambda: line_rings(world, WANG) and len(world.heard_by(WANG)) == 1, "Chen asks Wang")
    await hand_over(world, CHEN, asked, "702")
    await world.hears(caller, TalkStarted, agent="1026")
    await phone_hears_the_caller(world, WANG)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert world.of(caller, CallTransferred)[0].to == "702"
    await both_talks_are_recorded(world, caller)


async def test_a_colleague_whose_phone_still_rings_gets_the_caller(world: World) -> None:
    await world.manner(LI, "answer", pause=6)
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    asked = await rings_at(world, CHEN, "1025")
    await hand_over(world, CHEN, asked, "1025")
    await world.hears(caller, CallTransferred)
    await world.hears(caller, TalkStarted, agent="1025")
    await phone_hears_the_caller(world, LI)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    await both_talks_are_recorded(world, caller)


async def test_a_colleague_whose_phone_rings_out_gives_the_caller_back(world: World) -> None:
    await world.manner(LI, "ignore")
    await world.sign_in("1024")
    caller = await talks_to_chen(world)
    asked = await rings_at(world, CHEN, "1025")
    await hand_over(world, CHEN, asked, "1025")
    await world.hears(caller, CallTransferred)
    await world.hang_up_phone(LI)
    await world.hears(caller, CallRequeued, why="transfer-not-answered")
    await world.hears(caller, TalkStarted, agent="1024", nth=2)


async def test_a_caller_takes_the_agents_place_in_a_queue_where_nobody_has_answered_yet(world: World) -> None:
    await world.manner(WANG, "ignore")
    await world.sign_in("1024", "1026")
    caller = await talks_to_chen(world)
    await phone_hears_the_caller(world, CHEN)
    asked = await world.dial(CHEN, "703")
    await hand_over(world, CHEN, asked, "703")
    await world.hears(caller, CallTransferred, to="703")
    await world.manner(WANG, "answer")
    answered = await world.hears(caller, AgentAnswered, agent="1026")
    await world.hears(caller, GreetingStarted, agent="1026")
    await world.hears(caller, TalkStarted, agent="1026")
    await phone_hears_the_caller(world, WANG)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert answered.queue == "complaint"
    assert sound.heard_whole(world.prompt("zh/agents/heating/1026"), caller.heard())
    await both_talks_are_recorded(world, caller)


def left_over(world: World) -> list[str]:
    """What is still unfinished among the recordings."""
    return world.inside("asterisk", "sh", "-c", "ls /srv/recordings/live").split()
