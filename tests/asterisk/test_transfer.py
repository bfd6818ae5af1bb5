"""Transfers from an agent's phone: to a colleague, a queue, a department, nowhere else; nobody is lost on the way."""

from __future__ import annotations

import re
from collections.abc import Callable

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
from tests.asterisk.transfers import hand_over, is_refused, line_of, refer, rings_at, transfer
from tests.asterisk.voices import are_recorded
from tests.asterisk.world import Caller, Dialling, World

CHEN, LI, WANG = "chen-desk", "li-desk", "wang-desk"
CONSULT, REPAIR, EMERGENCY, COMPLAINT = "1", "22", "21", "3"
DEPARTMENT, OUTSIDE, ELSEWHERE = "01012345678", "01087654321", "198.51.100.9"
NO_CALL_OF_OURS = "1%3Bto-tag%3D1%3Bfrom-tag%3D2"
NO_SUCH_NUMBER = 1


async def calls(world: World, keys: str) -> Caller:
    """Somebody calls and chooses, without listening to the menu."""
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press(*keys)
    return caller


async def talks_to(world: World, agent: str, keys: str = CONSULT) -> Caller:
    """Somebody reaches this agent and speaks, on and on."""
    caller = await calls(world, keys)
    await world.hears(caller, TalkStarted, agent=agent)
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


async def all_talks_are_recorded(world: World, caller: Caller, *others: str) -> None:
    """The call has so many recordings, each with the caller's voice and one of these."""
    await world.hears(caller, RecordingKept, nth=len(others))
    are_recorded(world, caller, *others)


# Blind


async def test_a_caller_is_sent_on_from_hand_to_hand(world: World) -> None:
    """To a colleague, from there into a queue, from there to a department."""
    await world.sign_in("1026")
    caller = await talks_to(world, "1026")
    await phone_hears_the_caller(world, WANG)

    await transfer(world, WANG, "1025")
    await world.hears(caller, TalkStarted, agent="1025")
    await phone_hears_the_caller(world, LI)
    await world.until(lambda: len(world.channels("agents")) == 1, "the line of who sent him on is down")

    before = len(caller.heard())
    await transfer(world, LI, "702")
    await world.hears(caller, CallQueued, queue="repair")
    await world.hears(caller, TalkStarted, agent="1026", nth=2)
    await phone_hears_the_caller(world, WANG)
    assert sound.heard_whole(world.prompt("zh/agents/heating/1026"), caller.heard()[before:]), "greeted again"

    await transfer(world, WANG, "801")
    await world.hears(caller, TalkStarted, agent="801")
    await hears(world, "the caller", "tryout/department", lambda: [caller.heard()])
    await hears(world, "the department", "tryout/caller", lambda: heard_by_department(world))
    (department,) = [line for line in world.channels("telco") if line["where"].startswith("departments,")]
    assert department["caller"] == "4001234567", "the department sees our number"
    await world.telco.do("Hangup", Channel=department["channel"])
    ended = await world.hears(caller, CallEnded)

    assert ended.by == "hotline"
    assert [(sent.kind, sent.to, sent.by) for sent in world.of(caller, CallTransferred)] == [
        ("blind", "1025", "1026"), ("blind", "702", "1025"), ("blind", "801", "1026"),
    ]  # fmt: skip
    assert [(talk.agent, talk.by) for talk in world.of(caller, TalkEnded)] == [
        ("1026", "agent"), ("1025", "agent"), ("1026", "agent"), ("801", "agent"),
    ]  # fmt: skip
    assert world.of(caller, CallRequeued) == [], "who was sent to a queue was not put back"
    assert [event for event in world.events if isinstance(event, CallEnded) and event.at >= ended.at] == [ended]
    await all_talks_are_recorded(world, caller, "agent", "agent", "agent", "department")


def heard_by_department(world: World) -> list[Sound]:
    listing = world.inside("telco", "sh", "-c", f"ls -tr /srv/tryout/department-{DEPARTMENT}-*.wav 2>/dev/null || true")
    return [world.recording("telco", file) for file in listing.split() if not file.endswith(".all.wav")]


# Nobody there


async def test_a_caller_whom_nobody_takes_comes_back_first_in_line(world: World) -> None:
    await world.sign_in("1024", "1025")
    other = await calls(world, COMPLAINT)
    await world.hears(other, TalkStarted, agent="1025")
    caller = await talks_to(world, "1024")
    await world.manner(WANG, "busy")
    await transfer(world, CHEN, "1026")
    await comes_back(world, caller, times=1)
    await world.manner(WANG, "reject")
    await transfer(world, CHEN, "1026")
    await comes_back(world, caller, times=2)
    await transfer(world, CHEN, "1025")
    await comes_back(world, caller, times=3)
    assert len(world.heard_by(LI)) == 1, "who talks with somebody else is not disturbed"
    assert line_of(world, LI)
    await world.telco.do("Setvar", Variable=f"MANNER_{DEPARTMENT}", Value="busy")
    try:
        await transfer(world, CHEN, "801")
        await comes_back(world, caller, times=4)
    finally:
        await world.telco.do("Setvar", Variable=f"MANNER_{DEPARTMENT}", Value="")
    (shown,) = [line["caller"] for line in world.channels("agents") if line["where"] == f"phones,{CHEN}"]
    assert shown == caller.number, "though the department would have seen ours"
    assert [talk.agent for talk in world.of(caller, TalkStarted)] == ["1024"] * 5


async def comes_back(world: World, caller: Caller, *, times: int) -> None:
    """Nobody takes the caller, who talks to the first agent again; so often now."""
    await world.hears(caller, CallRequeued, why="transfer-not-answered", nth=times)
    queued = await world.hears(caller, CallQueued, nth=times + 1)
    assert (queued.queue, queued.position) == ("consult", 1)
    await world.hears(caller, TalkStarted, nth=times + 1)


async def test_who_comes_back_waits_behind_emergencies_and_before_all_others(world: World) -> None:
    await world.manner(LI, "ignore")
    await world.sign_in("1024")
    first = await talks_to(world, "1024", REPAIR)
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
    caller = await talks_to(world, "1024")
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


async def test_a_transfer_anywhere_else_is_refused_and_the_talk_goes_on(world: World) -> None:
    await world.sign_in("1024")
    caller = await talks_to(world, "1024")
    before = calls_at_the_carrier(world)
    for to in (OUTSIDE, DEPARTMENT, "*11", "s", "queue", "first", "1099"):
        await transfer(world, CHEN, to)
        await is_refused(world, CHEN)
    for address in (f"sip:{OUTSIDE}@{ELSEWHERE}", f"<sip:{OUTSIDE}@{ELSEWHERE}?Replaces={NO_CALL_OF_OURS}>"):
        await refer(world, CHEN, line_of(world, CHEN), address)
        await is_refused(world, CHEN)
    assert calls_at_the_carrier(world) == before, "no call went out"
    begin, said = len(caller.heard()), world.prompt("tryout/agent")[: 2 * RATE]
    await world.until(
        lambda: sound.fraction_heard(said, caller.heard()[begin:]) > 0.5, "the caller still hears the agent"
    )
    assert world.of(caller, CallTransferred) == []
    assert world.of(caller, TalkEnded) == []


async def test_a_phone_reaches_nobody_outside_by_dialling_either(world: World) -> None:
    before = calls_at_the_carrier(world)
    for what in (OUTSIDE, f"0{OUTSIDE}", DEPARTMENT, "13900000000", "110"):
        assert await is_told(world, await world.dial(CHEN, what)) == NO_SUCH_NUMBER, what
    assert calls_at_the_carrier(world) == before, "no call went out"
    assert (await world.dial(CHEN, "801")).answered
    assert calls_at_the_carrier(world) == before + 1, "as one to a department does"


async def is_told(world: World, dialled: Dialling) -> int:
    """Why a call that a phone made was refused, as the phone is told (Q.850)."""
    assert not dialled.answered
    await world.until(lambda: dialled.channel in world.phones.causes, "the phone is told")
    return world.phones.causes[dialled.channel]


def calls_at_the_carrier(world: World) -> int:
    """The calls that our Asterisk has placed there so far, and those of its callers."""
    (count,) = re.findall(r"(\d+) calls? processed", world.cli("core show channels count", "telco"))
    return int(count)


# After asking


HANDS = (
    # who, what is dialled, who has the caller then
    (WANG, "1025", "1025", LI),
    (LI, "1024", "1024", CHEN),
    (CHEN, "702", "1026", WANG),
)


async def test_a_caller_is_handed_over_from_one_to_the_next_each_of_whom_was_asked(world: World) -> None:
    """A colleague, another by a phone that does it the other way, whoever a queue gives, and a department."""
    await world.sign_in("1026")
    caller = await talks_to(world, "1026")
    await phone_hears_the_caller(world, WANG)
    for by, to, agent, phone in HANDS:
        before = len(world.of(caller, TalkStarted))
        asked = await world.dial(by, to)
        await agents_talk(world, asked)
        await hand_over(world, by, asked, to, the_other_way=by == LI)
        await world.hears(caller, TalkStarted, nth=before + 1)
        await phone_hears_the_caller(world, phone)
        assert world.of(caller, TalkStarted)[-1].agent == agent
        await world.until(lambda: len(world.channels("agents")) == 1, "the lines of who handed him over are down")
    asked = await world.dial(WANG, "801")
    await hand_over(world, WANG, asked, "801")
    await world.hears(caller, TalkStarted, agent="801")
    await hears(world, "the caller", "tryout/department", lambda: [caller.heard()])
    await hears(world, "the department", "tryout/caller", lambda: heard_by_department(world))
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    assert [(handed.kind, handed.to, handed.by) for handed in world.of(caller, CallTransferred)] == [
        ("attended", "1025", "1026"), ("attended", "1024", "1025"), ("attended", "702", "1024"),
        ("attended", "801", "1026"),
    ]  # fmt: skip
    assert [(talk.agent, talk.by) for talk in world.of(caller, TalkEnded)] == [
        ("1026", "agent"), ("1025", "agent"), ("1024", "agent"), ("1026", "agent"), ("801", "caller"),
    ]  # fmt: skip
    await all_talks_are_recorded(world, caller, "agent", "agent", "agent", "agent", "department")
    for talk, kept in zip(world.of(caller, TalkEnded), world.of(caller, RecordingKept), strict=True):
        longer = (kept.length - talk.talked).total_seconds()
        assert -3 < longer < 1, "what the agents said to each other is not in it"


async def agents_talk(world: World, asked: Dialling) -> None:
    await world.until(lambda: len(asked.heard()) > RATE, "they talk about the caller")


async def test_a_colleague_whose_phone_still_rings_gets_the_caller(world: World) -> None:
    await world.manner(LI, "answer", pause=6)
    await world.sign_in("1024")
    caller = await talks_to(world, "1024")
    await phone_hears_the_caller(world, CHEN)
    asked = await rings_at(world, CHEN, "1025")
    await hand_over(world, CHEN, asked, "1025")
    await world.hears(caller, CallTransferred)
    await world.hears(caller, TalkStarted, agent="1025")
    await phone_hears_the_caller(world, LI)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    await all_talks_are_recorded(world, caller, "agent", "agent")


async def test_a_colleague_whose_phone_rings_out_gives_the_caller_back(world: World) -> None:
    await world.manner(LI, "ignore")
    await world.sign_in("1024")
    caller = await talks_to(world, "1024")
    asked = await rings_at(world, CHEN, "1025")
    await hand_over(world, CHEN, asked, "1025")
    await world.hears(caller, CallTransferred)
    await world.hang_up_phone(LI)
    await world.hears(caller, CallRequeued, why="transfer-not-answered")
    await world.hears(caller, TalkStarted, agent="1024", nth=2)


async def test_a_caller_takes_the_agents_place_in_a_queue_where_nobody_has_answered_yet(world: World) -> None:
    await world.manner(WANG, "ignore")
    await world.sign_in("1024", "1026")
    caller = await talks_to(world, "1024")
    await phone_hears_the_caller(world, CHEN)
    asked = await world.dial(CHEN, "703")
    await hand_over(world, CHEN, asked, "703")
    await world.hears(caller, CallTransferred, to="703")
    before = len(caller.heard())  # 1024's greeting is in there, and differs in one digit
    await world.manner(WANG, "answer")
    answered = await world.hears(caller, AgentAnswered, agent="1026")
    await world.hears(caller, GreetingStarted, agent="1026")
    await world.hears(caller, TalkStarted, agent="1026")
    await phone_hears_the_caller(world, WANG)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert answered.queue == "complaint"
    assert sound.heard_whole(world.prompt("zh/agents/heating/1026"), caller.heard()[before:])
    await all_talks_are_recorded(world, caller, "agent", "agent")
