"""An agent's state: every step from every duty, and what each event makes of the phone's activity."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from routing.agents import Activity, AgentCannot, AgentState, AgentUnknown, Duty, after, reduce
from routing.events import (
    AgentAnswered,
    AgentFound,
    AgentOffered,
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    CallEnded,
    CallRequeued,
    Event,
    GreetingEnded,
    OfferMissed,
    TalkEnded,
    TalkStarted,
    WrapUpEnded,
    WrapUpExtended,
    WrapUpStarted,
)
from tests.routing.facts import at, ended, queued


def offered(call: str, seconds: float = 0) -> AgentOffered:
    return AgentOffered(at=at(seconds), call=call, agent="1024", queue="repair")


def missed(call: str, seconds: float = 0) -> OfferMissed:
    return OfferMissed(at=at(seconds), call=call, agent="1024", queue="repair", rang=timedelta(seconds=4))


def answered(call: str, seconds: float = 0) -> AgentAnswered:
    return AgentAnswered(at=at(seconds), call=call, agent="1024", queue="repair", waited=timedelta(0))


def talks(call: str, seconds: float = 0) -> TalkStarted:
    return TalkStarted(at=at(seconds), call=call, agent="1024")


def talked(call: str, seconds: float = 0) -> TalkEnded:
    return TalkEnded(at=at(seconds), call=call, agent="1024", by="agent", talked=timedelta(seconds=9))


def signed_in(seconds: float = 0) -> AgentSignedIn:
    return AgentSignedIn(at=at(seconds), agent="1024")


def paused(seconds: float = 0, reason: str = "meal") -> AgentPaused:
    return AgentPaused(at=at(seconds), agent="1024", reason=reason)


def told(*events: Event) -> AgentState:
    """The state of an agent to whom all this has happened."""
    state = AgentState(agent="1024")
    for event in events:
        state = reduce(state, event)
    return state


# Duty


@pytest.mark.parametrize(
    ("duty", "step", "then"),
    [
        (Duty.SIGNED_OUT, "sign in", Duty.READY),
        (Duty.SIGNED_OUT, "sign out", None),
        (Duty.SIGNED_OUT, "pause", None),
        (Duty.SIGNED_OUT, "end the pause", None),
        (Duty.READY, "sign in", Duty.READY),
        (Duty.READY, "sign out", Duty.SIGNED_OUT),
        (Duty.READY, "pause", Duty.PAUSED),
        (Duty.READY, "end the pause", None),
        (Duty.PAUSED, "sign in", None),
        (Duty.PAUSED, "sign out", Duty.SIGNED_OUT),
        (Duty.PAUSED, "pause", Duty.PAUSED),
        (Duty.PAUSED, "end the pause", Duty.READY),
    ],
)
def test_each_step_from_each_duty_is_in_the_table_or_refused(duty: Duty, step: str, then: Duty | None) -> None:
    if then is None:
        with pytest.raises(AgentCannot):
            after(duty, step)
    else:
        assert after(duty, step) is then


def test_a_refused_step_names_the_state_and_what_is_possible() -> None:
    with pytest.raises(AgentCannot) as refused:
        after(Duty.PAUSED, "sign in")
    assert str(refused.value) == ("an agent who is paused cannot sign in; possible now: end the pause, pause, sign out")
    with pytest.raises(AgentCannot, match=r"^an agent who is signed out cannot pause; possible now: sign in$"):
        after(Duty.SIGNED_OUT, "pause")


def test_an_unknown_agent_is_told_who_is_known() -> None:
    assert str(AgentUnknown("99", ["1025", "1024"])) == "no agent has the work number '99'; there are 1024, 1025"
    assert str(AgentUnknown("99", [])) == "no agent has the work number '99'; there are none"


@pytest.mark.parametrize(
    ("step", "duty", "reason"),
    [
        (signed_in(7), Duty.READY, None),
        (AgentSignedOut(at=at(7), agent="1024"), Duty.SIGNED_OUT, None),
        (paused(7, "rest"), Duty.PAUSED, "rest"),
        (AgentUnpaused(at=at(7), agent="1024"), Duty.READY, None),
    ],
)
def test_an_agents_step_sets_duty_reason_and_time_and_nothing_else(step: Event, duty: Duty, reason: str | None) -> None:
    in_a_talk = told(signed_in(1), paused(2), answered("c1", 3))
    expected = replace(in_a_talk, duty=duty, reason=reason, duty_since=at(7))
    assert reduce(in_a_talk, step) == expected


# Activity


def test_a_call_goes_from_the_offer_through_the_talk_to_the_wrap_up() -> None:
    state, seen = told(signed_in()), []
    for event in (offered("c1", 1), answered("c1", 4), talks("c1", 6), talked("c1", 60)):
        state = reduce(state, event)
        seen.append((state.activity, state.call, state.activity_since))
    assert seen == [
        (Activity.RINGING, "c1", at(1)),
        (Activity.TALKING, "c1", at(4)),
        (Activity.TALKING, "c1", at(4)),  # the greeting is the talk's beginning
        (Activity.WRAP_UP, None, at(60)),
    ]
    assert state.duty is Duty.READY


def test_a_caller_who_was_handed_over_is_talked_with_too() -> None:
    state = told(signed_in(), talks("c1", 3))
    assert (state.activity, state.call, state.since) == (Activity.TALKING, "c1", at(3))


def test_a_missed_offer_leaves_the_phone_idle_and_is_counted() -> None:
    state = told(signed_in(), offered("c1", 1), missed("c1", 5), offered("c1", 6), missed("c1", 10))
    assert (state.activity, state.call, state.missed_in_a_row) == (Activity.IDLE, None, 2)


@pytest.mark.parametrize("good", [answered("c1"), signed_in(), AgentUnpaused(at=at(0), agent="1024")])
def test_missed_offers_are_forgotten_at_an_answer_a_sign_in_and_the_end_of_a_pause(good: Event) -> None:
    assert told(signed_in(), missed("c1"), missed("c1"), good).missed_in_a_row == 0


def test_a_caller_who_hangs_up_while_it_rings_leaves_the_phone_idle_and_is_no_missed_offer() -> None:
    state = told(signed_in(), offered("c1", 1), ended("c1", 3))
    assert (state.activity, state.call, state.missed_in_a_row) == (Activity.IDLE, None, 0)


@pytest.mark.parametrize("end", [ended("c1", 3), CallRequeued(at=at(3), call="c1", why="agent-hung-up")])
def test_a_hang_up_in_the_greeting_ends_it_for_the_agent(end: CallEnded | CallRequeued) -> None:
    state = told(signed_in(), offered("c1", 1), answered("c1", 2), end)
    assert (state.activity, state.call) == (Activity.WRAP_UP, None)


def test_what_becomes_of_another_call_changes_nothing() -> None:
    talking = told(signed_in(), offered("c1", 1), answered("c1", 2))
    for other in (ended("c2", 3), talked("c2", 3), CallRequeued(at=at(3), call="c2", why="agent-hung-up")):
        assert reduce(talking, other) == talking


def test_an_offer_to_a_phone_in_a_talk_does_not_hide_the_talk() -> None:
    talking = told(signed_in(), answered("c1", 2))
    state = told(signed_in(), answered("c1", 2), offered("c2", 3), missed("c2", 7))
    assert state == replace(talking, missed_in_a_row=1)


@pytest.mark.parametrize(
    "event",
    [
        queued("c1", 1),
        GreetingEnded(at=at(9), call="c1", agent="1024", whole=True),
        # What Asterisk was given back is what the agent had all the time.
        AgentRestored(at=at(9), agent="1024", state="ready"),
    ],
)
def test_other_events_change_nothing(event: Event) -> None:
    state = told(signed_in(), paused(1), answered("c1", 2))
    assert reduce(state, event) == state


# What is shown


def wraps_up(seconds: float, length: float = 5) -> WrapUpStarted:
    return WrapUpStarted(at=at(seconds), agent="1024", length=timedelta(seconds=length))


def extends(seconds: float, length: float) -> WrapUpExtended:
    return WrapUpExtended(at=at(seconds), agent="1024", length=timedelta(seconds=length))


def wrapped_up(seconds: float) -> WrapUpEnded:
    return WrapUpEnded(at=at(seconds), agent="1024")


def test_a_wrap_up_has_a_length_can_be_made_longer_and_ends() -> None:
    state = told(signed_in(), answered("c1", 1), talked("c1", 60), wraps_up(60))
    assert (state.shown, state.since, state.until) == ("wrap-up", at(60), at(65))
    state = reduce(state, extends(63, 30))
    assert (state.shown, state.until) == ("wrap-up", at(95))
    state = reduce(state, wrapped_up(70))
    assert (state.shown, state.since, state.until) == ("ready", at(70), None)


def test_nothing_is_made_longer_or_ended_where_nothing_is_wrapped_up() -> None:
    for state in (told(), told(signed_in()), told(signed_in(), offered("c1")), told(signed_in(), answered("c1"))):
        assert [reduce(state, step(3)) for step in (wraps_up, wrapped_up)] == [state, state]
        assert reduce(state, extends(3, 30)) == state


def test_a_pause_asked_for_in_a_talk_is_shown_after_it() -> None:
    state = told(signed_in(), answered("c1", 1), paused(20))
    assert (state.shown, state.since) == ("talking", at(1))
    state = reduce(state, talked("c1", 60))
    assert (state.shown, state.since) == ("wrap-up", at(60))
    state = reduce(state, wrapped_up(65))
    assert (state.shown, state.reason, state.since) == ("paused", "meal", at(65))


def test_who_signs_out_wraps_up_no_more() -> None:
    state = told(signed_in(), talks("c1", 1), talked("c1", 60), AgentSignedOut(at=at(61), agent="1024"))
    assert (state.shown, state.since) == ("signed-out", at(61))


def test_an_agent_who_is_found_without_a_call_is_free() -> None:
    state = told(signed_in(), offered("c1", 1), AgentFound(at=at(9), agent="1024"))
    assert (state.shown, state.call) == ("ready", None)


def test_nobody_knows_since_when_an_agent_who_never_signed_in_is_away() -> None:
    assert (told().shown, told().since) == ("signed-out", None)
