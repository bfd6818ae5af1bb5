"""Where a caller is when he hangs up: Asterisk's events and the flows' facts put together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from routing.events import (
    AgentAnswered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallRang,
    CallRouted,
    Event,
    MessageLeft,
    TalkStarted,
)
from routing.watch import Watch

CALL = "pbx-1763744923.12"
NOW = datetime(2025, 11, 21, 9, 20, tzinfo=UTC)
OF_CALL = {"Uniqueid": CALL, "Linkedid": CALL, "Channel": "PJSIP/carrier-pretend-0001"}

OF_AGENT = {"Uniqueid": "pbx-1763744923.14", "Channel": "PJSIP/chen-desk-0002"}

RINGS = CallRang(at=NOW, call=CALL, caller=None, dialled="95598")
ANSWERS = CallAnswered(at=NOW, call=CALL)
ASKS_FOR_MESSAGE = CallRouted(at=NOW, call=CALL, to="message", priority=0, why="timeout")
MESSAGE = MessageLeft(at=NOW, call=CALL, file=f"{CALL}.wav", length=timedelta(seconds=9))
JOINS = {"Event": "QueueCallerJoin", "Queue": "repair", "Position": "1", **OF_CALL}
HANGS_UP = {"Event": "HangupRequest", **OF_CALL}
AGENT_HANGS_UP = {"Event": "HangupRequest", "Linkedid": CALL, "CallerIDNum": "1024", **OF_AGENT}
ARE_BRIDGED = {
    "Event": "BridgeEnter",
    "BridgeNumChannels": "2",
    "BridgeUniqueid": "b",
    "ConnectedLineNum": "1024",
    **OF_CALL,
}
IS_OFFERED = {"Event": "AgentCalled", "MemberName": "1024", "Queue": "repair", **OF_CALL}
IS_DOWN = {"Event": "Hangup", "Cause-txt": "Normal Clearing", **OF_CALL}

Step = Event | dict[str, str] | str


def seen(*steps: Step) -> tuple[Watch, list[Event]]:
    events: list[Event] = []
    watch = Watch(events.append, ended=lambda _: None, now=lambda: NOW)
    for step in steps:
        if isinstance(step, Event):
            watch.note(step)
        elif isinstance(step, dict):
            watch.hear(step)
        else:
            watch.agent_answered(CALL, step)
    return watch, events


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ([RINGS], "ringing"),
        ([RINGS, ANSWERS], "menu"),
        ([RINGS, ANSWERS, JOINS], "queue"),
        ([RINGS, ANSWERS, JOINS, "1024"], "greeting"),
        ([RINGS, ANSWERS, JOINS, "1024", JOINS], "queue"),
        ([RINGS, ANSWERS, JOINS, ASKS_FOR_MESSAGE], "message"),
        ([RINGS, ANSWERS, ASKS_FOR_MESSAGE], "message"),
    ],
)
def test_a_caller_who_hangs_up_left_where_he_was(steps: Sequence[Step], place: str) -> None:
    watch, events = seen(*steps, HANGS_UP, IS_DOWN)
    assert [event.where for event in events if isinstance(event, CallAbandoned)] == [place]
    assert isinstance(events[-1], CallEnded)
    assert not watch.live


def test_a_bridge_with_an_agent_who_is_gone_is_no_talk_and_with_the_same_agent_later_it_is() -> None:
    greeting = (RINGS, ANSWERS, JOINS, IS_OFFERED, "1024")
    _, events = seen(*greeting, AGENT_HANGS_UP, ARE_BRIDGED)
    assert not any(isinstance(event, TalkStarted) for event in events)
    _, events = seen(*greeting, AGENT_HANGS_UP, ARE_BRIDGED, JOINS, IS_OFFERED, "1024", ARE_BRIDGED)
    assert [type(event) for event in events][-2:] == [AgentAnswered, TalkStarted]


def test_who_left_a_message_has_not_given_up() -> None:
    _, events = seen(RINGS, ANSWERS, ASKS_FOR_MESSAGE, MESSAGE, HANGS_UP, IS_DOWN)
    assert [type(event) for event in events] == [CallEnded]


def test_a_call_that_we_end_is_not_abandoned() -> None:
    _, events = seen(RINGS, ANSWERS, ASKS_FOR_MESSAGE, IS_DOWN)
    assert [type(event) for event in events] == [CallEnded]


@pytest.mark.parametrize("late", [ANSWERS, ASKS_FOR_MESSAGE, MESSAGE])
def test_a_flow_that_is_behind_does_not_bring_a_call_back_to_life(late: Event) -> None:
    watch, _ = seen(RINGS, HANGS_UP, IS_DOWN, late)
    assert not watch.live


def test_a_call_that_the_picture_shows_and_we_do_not_know_is_ended_all_the_same() -> None:
    over: list[str] = []
    events: list[Event] = []
    watch = Watch(events.append, ended=over.append, now=lambda: NOW)
    watch.seen_live(frozenset(), before=frozenset({CALL}))
    assert events == [CallEnded(at=NOW, call=CALL, by=None, why="not seen")]
    assert over == [CALL]
    assert watch.live == frozenset()
