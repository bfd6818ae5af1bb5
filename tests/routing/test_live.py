"""The live picture, computed from events: whose call is where, who waits in which order, what each agent does."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    AgentSignedIn,
    CallAnswered,
    CallQueued,
    CallRequeued,
    CallRouted,
    CallTransferred,
    Event,
    HoldEnded,
    HoldStarted,
    KeyPressed,
    Keys,
    MessageLeft,
    NoKey,
    OfferMissed,
    PhoneBack,
    PhoneLost,
    PromptHeard,
    TalkEnded,
    TalkStarted,
    WrapUpStarted,
    WrongKey,
)
from routing.live import Live
from routing.picture import Canvas, Picture
from routing.staff import Agent, Queue
from tests.routing.facts import START, at, ended, queued, rang

QUEUES = (
    Queue(name="repair", label={"zh": "报修"}, transfer_code="702", wrap_up=timedelta(seconds=10)),
    Queue(name="consult", transfer_code="701"),
)
AGENTS = (
    Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"repair": 0, "consult": 1}),
    Agent(work_number="1025", name="Li", phone="li-desk", queues={"repair": 0}),
)
S = timedelta(seconds=1)


def after(*events: Event) -> Picture:
    """The picture after these events."""
    live, canvas = Live(QUEUES, AGENTS), Canvas()
    for event in events:
        live.take(event)
    live.show(canvas)
    canvas.change(START)
    return canvas.whole(START)


def one_call(call: str = "a") -> list[Event]:
    """A call from the ring to its end, with one agent, a hold, and one step each second."""
    chen: Any = {"call": call, "agent": "1024"}
    return [
        rang(call),
        CallAnswered(at=at(1), call=call),
        queued(call, 1, 2),
        AgentOffered(at=at(3), queue="repair", **chen),
        AgentAnswered(at=at(4), queue="repair", waited=2 * S, **chen),
        TalkStarted(at=at(5), **chen),
        HoldStarted(at=at(6), **chen),
        HoldEnded(at=at(7), **chen),
        TalkEnded(at=at(8), by="caller", talked=3 * S, **chen),
        ended(call, 9),
    ]


@pytest.mark.parametrize(
    ("steps", "state", "since", "agent"),
    [
        (1, "ringing", 0, "ready"),
        (2, "menu", 1, "ready"),
        (3, "queue", 2, "ready"),
        (4, "queue", 2, "ringing"),
        (5, "greeting", 4, "talking"),
        (6, "talk", 5, "talking"),
        (7, "hold", 6, "talking"),
        (8, "talk", 7, "talking"),
        (9, "ending", 8, "wrap-up"),
    ],
)
def test_where_a_call_is_and_what_the_agent_does(steps: int, state: str, since: int, agent: str) -> None:
    picture = after(AgentSignedIn(at=START, agent="1024"), *one_call()[:steps])
    assert picture["calls"]["a"]["state"] == state
    assert picture["calls"]["a"]["since"] == f"2025-11-21T09:20:{since:02}.000Z"
    assert picture["agents"]["1024"]["state"] == agent
    assert picture["queues"]["repair"]["waiting"] == (["a"] if state == "queue" else [])
    assert picture["queues"]["repair"]["ready"] == (["1024"] if agent == "ready" else [])
    assert picture["queues"]["consult"]["ready"] == picture["queues"]["repair"]["ready"], "one agent has one state"


def test_a_call_that_is_over_is_gone_and_stays_gone() -> None:
    late = PromptHeard(at=at(10), call="a", prompt="menu", language="zh", version="1", heard=S, length=S)
    picture = after(*one_call(), late, CallRouted(at=at(10), call="a", to="message", priority=0))
    assert picture["calls"] == {}
    assert picture["agents"]["1024"]["call"] is None


def test_a_wrap_up_says_when_it_will_end() -> None:
    wraps_up = WrapUpStarted(at=at(8), agent="1024", length=10 * S)
    chen = after(AgentSignedIn(at=START, agent="1024"), *one_call(), wraps_up)["agents"]["1024"]
    assert (chen["state"], chen["until"]) == ("wrap-up", "2025-11-21T09:20:18.000Z")


def test_an_agent_whose_phone_is_gone_is_not_ready() -> None:
    gone: list[Event] = [AgentSignedIn(at=START, agent="1024"), PhoneLost(at=at(1), agent="1024")]
    picture = after(*gone)
    assert picture["agents"]["1024"]["state"] == "no-phone"
    assert picture["queues"]["repair"]["agents"] == ["1024"]
    assert picture["queues"]["repair"]["ready"] == []
    assert after(*gone, PhoneBack(at=at(2), agent="1024"))["queues"]["repair"]["ready"] == ["1024"]


def test_numbers_are_masked() -> None:
    assert "12345678" not in str(after(rang("a")))
    assert after(rang("a"))["calls"]["a"]["caller"] == "138****5678"
    assert after(rang("a", caller=None))["calls"]["a"]["caller"] is None


def joins(call: str, seconds: float = 0) -> CallQueued:
    """A caller of whom Asterisk did not say where in line."""
    return CallQueued(at=at(seconds), call=call, queue="repair")


def test_a_caller_stands_where_asterisk_says() -> None:
    assert after(queued("a", 1), queued("b", 1), queued("c", 2))["queues"]["repair"]["waiting"] == ["b", "c", "a"]


def emergency(call: str, seconds: float) -> list[Event]:
    return [rang(call, seconds), CallRouted(at=at(seconds), call=call, to="repair", priority=100), joins(call)]


def test_callers_wait_in_the_order_in_which_they_are_served() -> None:
    """Emergencies first, then who was put back, then by turn; a transfer to the queue goes to its end."""
    events: list[Event] = [joins("a"), joins("b"), *emergency("fire", 3), *emergency("flood", 4)]
    assert after(*events)["queues"]["repair"]["waiting"] == ["fire", "flood", "a", "b"]

    picked_up = AgentAnswered(at=at(5), call="fire", agent="1024", queue="repair", waited=S)
    events += [picked_up, AgentAnswered(at=at(6), call="b", agent="1025", queue="repair", waited=S)]
    assert after(*events)["queues"]["repair"]["waiting"] == ["flood", "a"]

    events += [CallRequeued(at=at(7), call="b", why="agent-hung-up"), joins("b", 7)]
    assert after(*events)["queues"]["repair"]["waiting"] == ["flood", "b", "a"]
    assert after(*events)["calls"]["b"]["joined"] == "2025-11-21T09:20:00.000Z", "who is put back keeps the wait"

    talk: list[Event] = [
        TalkStarted(at=at(8), call="fire", agent="1024"),
        CallTransferred(at=at(9), call="fire", kind="blind", to="701", by="1024"),
        TalkEnded(at=at(9), call="fire", agent="1024", by="agent", talked=S),
    ]
    assert after(*events, *talk)["calls"]["fire"]["state"] == "transfer"


def test_a_missed_offer_leaves_the_agent_ready_and_the_caller_in_line() -> None:
    missed = OfferMissed(at=at(4), call="a", agent="1024", queue="repair", rang=S)
    picture = after(AgentSignedIn(at=START, agent="1024"), *one_call()[:4], missed)
    assert picture["agents"]["1024"]["state"] == "ready"
    assert picture["calls"]["a"]["offered"] == []
    assert picture["queues"]["repair"]["waiting"] == ["a"]


def test_a_pause_asked_for_in_a_talk_begins_after_the_wrap_up_and_says_its_reason() -> None:
    picture = after(
        AgentSignedIn(at=START, agent="1024"), *one_call()[:6], AgentPaused(at=at(6), agent="1024", reason="meal")
    )
    chen = picture["agents"]["1024"]
    assert (chen["state"], chen["duty"], chen["reason"]) == ("talking", "paused", "meal")


def test_changes_lead_to_the_same_picture_as_looking_at_the_end() -> None:
    """Whenever somebody looks in between, what is put on the canvas adds up to the same."""
    chance = random.Random(7)
    events = shuffled(chance, [[AgentSignedIn(at=START, agent="1024")], *(one_call(call) for call in "abcdef")])
    live, canvas = Live(QUEUES, AGENTS), Canvas()
    for event in events:
        live.take(event)
        if chance.random() < 0.3:
            live.show(canvas)
            canvas.change(START)
    live.show(canvas)
    canvas.change(START)
    ignored: Any = {"board": "", "seq": 0}
    assert {**canvas.whole(START), **ignored} == {**after(*events), **ignored}


def shuffled(chance: random.Random, stories: Iterable[list[Event]]) -> list[Event]:
    """Several stories told at once, each in its own order."""
    left = [list(story) for story in stories]
    told: list[Event] = []
    while left := [story for story in left if story]:
        told.append(chance.choice(left).pop(0))
    return told


@pytest.mark.parametrize(
    "heard",
    [
        CallAnswered(at=START, call="a"),
        PromptHeard(at=START, call="a", prompt="signed_in", language="zh", version="1", heard=S, length=S, cut_by=None),
        KeyPressed(at=START, call="a", key=Keys("1"), at_prompt="pause_reasons"),
        WrongKey(at=START, call="a", key=Keys("9"), at_prompt="pause_reasons"),
        NoKey(at=START, call="a", prompt="pause_reasons"),
    ],
    ids=lambda heard: type(heard).__name__,
)
def test_an_agent_who_dials_a_code_is_no_caller_on_the_board(heard: Event) -> None:
    assert after(heard)["calls"] == {}
    assert after(rang("a"), heard)["calls"].keys() == {"a"}


def test_a_message_that_is_found_later_brings_no_call_back() -> None:
    message = MessageLeft(at=START, call="a", file="a.wav", length=S)
    assert after(message)["calls"] == {}
    assert after(rang("a"), message)["calls"].keys() == {"a"}
