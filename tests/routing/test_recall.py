"""After a restart, or a time without the link: what the log says and what Asterisk shows are put together again."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from routing.agents import Activity, AgentState
from routing.events import (
    AgentAnswered,
    AgentOffered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    CallRequeued,
    Event,
    OfferMissed,
    TalkEnded,
    TalkStarted,
)
from routing.log import MemoryLog
from routing.roster import Queues, Roster
from routing.staff import Agent
from routing.watch import Watch
from tests.routing.facts import at

CALL, OTHER = "pbx-1763744923.12", "pbx-1763744923.15"
NOW = at(60)
LINE = {"Uniqueid": CALL, "Linkedid": CALL, "Channel": "PJSIP/carrier-unicom-0001", "ConnectedLineNum": "<unknown>"}
TALKS_WITH_1024 = LINE | {"BridgeId": "b1", "ConnectedLineNum": "1024"}
WAITS = {"Uniqueid": CALL, "Queue": "repair", "Position": "2", "Wait": "7"}

RANG = CallRang(at=at(0), call=CALL, caller=None, dialled="95598")
PICKED_UP = CallAnswered(at=at(1), call=CALL)
QUEUED = CallQueued(at=at(2), call=CALL, queue="repair")
OFFERED = AgentOffered(at=at(3), call=CALL, agent="1024", queue="repair")
MISSED = OfferMissed(at=at(4), call=CALL, agent="1024", queue="repair", rang=timedelta(seconds=1))
ANSWERED = AgentAnswered(at=at(5), call=CALL, agent="1024", queue="repair", waited=timedelta(seconds=3))
TALKING = TalkStarted(at=at(6), call=CALL, agent="1024")
OVER = TalkEnded(at=at(9), call=CALL, agent="1024", by="agent", talked=timedelta(seconds=3))


def recalled(*facts: Event) -> tuple[Watch, list[Event]]:
    """A watch that has taken up this call from the log, and what it tells from then on."""
    told: list[Event] = []
    watch = Watch(told.append, ended=lambda _: None, now=lambda: NOW)
    watch.recall(CALL, facts)
    return watch, told


def found(watch: Watch, *calls: str) -> None:
    """The link is up, and these calls are."""
    watch.seen_live(frozenset(calls), before=watch.live)


# ── calls ──


def test_a_call_that_goes_on_as_the_log_left_it_is_nothing_new() -> None:
    watch, told = recalled(RANG, PICKED_UP, QUEUED, OFFERED, ANSWERED, TALKING)
    found(watch, CALL)
    watch.seen_connected(TALKS_WITH_1024)
    assert watch.live == {CALL}
    assert told == []

    watch, told = recalled(RANG, PICKED_UP, QUEUED)
    found(watch, CALL)
    watch.seen_waiting(WAITS)
    assert told == []


def test_a_recalled_talk_ends_with_its_length() -> None:
    watch, told = recalled(RANG, PICKED_UP, QUEUED, ANSWERED, TALKING)
    watch.hear({"Event": "HangupRequest", **LINE})
    (ended,) = told
    assert isinstance(ended, TalkEnded)
    assert (ended.agent, ended.by, ended.talked) == ("1024", "caller", NOW - at(6))


def test_a_call_that_ended_unseen_is_ended_by_nobody_knows_whom() -> None:
    watch, told = recalled(RANG, PICKED_UP, QUEUED)
    found(watch)
    assert [(type(fact), fact.call) for fact in told] == [(CallEnded, CALL)]
    assert cast(CallEnded, told[0]).by is None
    assert watch.live == set()


def test_a_caller_who_came_to_a_queue_unseen_waits_since_then() -> None:
    watch, told = recalled(RANG, PICKED_UP)
    found(watch, CALL)
    watch.seen_waiting(WAITS)
    assert told == [CallQueued(at=NOW - timedelta(seconds=7), call=CALL, queue="repair", position=2)]

    watch.hear({"Event": "HangupRequest", **LINE})
    watch.hear({"Event": "Hangup", "Cause-txt": "Normal Clearing", **LINE})
    abandoned = told[1]
    assert isinstance(abandoned, CallAbandoned)
    assert (abandoned.where, abandoned.waited) == ("queue", timedelta(seconds=7))


def test_a_caller_whom_an_agent_sent_to_another_queue_unseen_no_longer_talks() -> None:
    watch, told = recalled(RANG, PICKED_UP, QUEUED, ANSWERED, TALKING)
    found(watch, CALL)
    watch.seen_waiting(WAITS | {"Queue": "complaint"})
    assert [type(fact) for fact in told] == [TalkEnded, CallQueued]


def test_a_talk_that_began_unseen_is_told_with_who_answered() -> None:
    watch, told = recalled(RANG, PICKED_UP, QUEUED, OFFERED)
    found(watch, CALL)
    watch.seen_connected(TALKS_WITH_1024)
    assert [(type(fact), fact.agent) for fact in told] == [(AgentAnswered, "1024"), (TalkStarted, "1024")]


def test_a_caller_who_is_with_another_agent_by_now_is_told_so() -> None:
    watch, told = recalled(RANG, PICKED_UP, QUEUED, ANSWERED, TALKING)
    found(watch, CALL)
    watch.seen_connected(TALKS_WITH_1024 | {"ConnectedLineNum": "1025"})
    assert [(type(fact), fact.agent) for fact in told if not isinstance(fact, AgentAnswered)] == [
        (TalkEnded, "1024"),
        (TalkStarted, "1025"),
    ]


def test_a_caller_nobody_knows_is_no_place_in_a_queue_of_ours() -> None:
    watch, told = recalled(RANG)
    watch.seen_waiting(WAITS | {"Uniqueid": OTHER})
    assert told == []


# ── agents ──


def state(*facts: Event) -> AgentState:
    """The agent 1024 after these facts were taken up."""
    agent = Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"repair": 0})
    roster = Roster([agent], queues=cast(Queues, None), events=MemoryLog(), missed_before_pause=1)
    roster.recall(facts)
    return roster.states()[0]


def test_an_agent_in_a_talk_is_in_it_again() -> None:
    for facts in ((QUEUED, ANSWERED), (QUEUED, ANSWERED, TALKING), (QUEUED, TALKING)):
        agent = state(*facts)
        assert (agent.activity, agent.call) == (Activity.TALKING, CALL)
    assert state(QUEUED, ANSWERED, TALKING).activity_since == at(5)


def test_an_agent_whose_talk_is_over_is_free() -> None:
    assert state(ANSWERED, TALKING, OVER).call is None
    assert state(ANSWERED, CallRequeued(at=at(7), call=CALL, why="agent-hung-up")).call is None


def test_an_offer_is_over_by_now_and_one_that_was_missed_then_pauses_nobody() -> None:
    agent = state(OFFERED, MISSED, OFFERED)
    assert (agent.activity, agent.call, agent.missed_in_a_row) == (Activity.IDLE, None, 0)
