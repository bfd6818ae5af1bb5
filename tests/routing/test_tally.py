"""The counts: that they add up at any moment, in any order of events, and what each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    AgentSignedIn,
    AgentUnpaused,
    CallAbandoned,
    CallEnded,
    CallFound,
    CallQueued,
    CallRang,
    CallRequeued,
    CallRouted,
    Event,
    GreetingEnded,
    HoldEnded,
    HoldStarted,
    HotlineStarted,
    OfferMissed,
    PhoneBack,
    PhoneLost,
    TalkEnded,
    TalkStarted,
    WrapUpEnded,
)
from routing.figures import (
    AgentCounts,
    QueueCounts,
    abandon_rate,
    connect_rate,
    handle_time,
    occupancy,
    service_level,
    speed_of_answer,
    total,
)
from routing.staff import Queue
from routing.tally import Tally
from tests.routing.facts import at, ended, queued, rang

S = timedelta(seconds=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
QUEUES = {name: Queue(name=name, transfer_code=code) for name, code in (("repair", "702"), ("consult", "701"))}


def counted(*events: Event) -> Tally:
    tally = Tally(QUEUES, SHANGHAI)
    for event in events:
        tally.take(event)
    return tally


def callers(*events: Event, queue: str = "repair") -> QueueCounts:
    """What is counted of a queue's callers."""
    tally = counted(*events)
    return total((counts for hour, counts in tally.queues.items() if hour.of == queue), QueueCounts())


def of_agent(*events: Event, until: float, agent: str = "1024") -> AgentCounts:
    """What is counted of an agent's time, up to a moment."""
    tally = counted(*events)
    tally.spend_to(at(until))
    return total((counts for hour, counts in tally.agents.items() if hour.of == agent), AgentCounts())


def answered(call: str, seconds: float, waited: float) -> AgentAnswered:
    return AgentAnswered(at=at(seconds), call=call, agent="1024", queue="repair", waited=waited * S)


def talks(call: str, seconds: float) -> TalkStarted:
    return TalkStarted(at=at(seconds), call=call, agent="1024")


def talked(call: str, seconds: float, talked: float) -> TalkEnded:
    return TalkEnded(at=at(seconds), call=call, agent="1024", by="caller", talked=talked * S)


def gives_up(call: str, seconds: float, waited: float, where: Any = "queue") -> CallAbandoned:
    return CallAbandoned(at=at(seconds), call=call, where=where, waited=waited * S)


def sent_to_message(call: str, seconds: float, why: str) -> CallRouted:
    return CallRouted(at=at(seconds), call=call, to="message", priority=0, why=why)


def outcomes(counts: QueueCounts) -> tuple[int, int, int, int, int]:
    return counts.offered, counts.answered, counts.abandoned, counts.flowed_out, counts.waiting


GREETED = GreetingEnded(at=at(12), call="a", agent="1024", whole=True)
SENT = CallRouted(at=at(0), call="a", to="repair", priority=0)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param([rang("a")], (0, 0, 0, 0, 0), id="a call that has reached no queue is not offered"),
        pytest.param([queued("a", 1)], (1, 0, 0, 0, 1), id="waits"),
        pytest.param([queued("a", 1), answered("a", 9, 9)], (1, 1, 0, 0, 0), id="an agent picks up"),
        pytest.param([queued("a", 1), gives_up("a", 9, 9)], (1, 0, 1, 0, 0), id="hangs up"),
        pytest.param(
            [queued("a", 1), answered("a", 9, 9), gives_up("a", 10, 9, "greeting")],
            (1, 0, 1, 0, 0),
            id="hangs up before the work number was said",
        ),
        pytest.param(
            [queued("a", 1), answered("a", 9, 9), talks("a", 12), talked("a", 20, 8), ended("a", 20)],
            (1, 1, 0, 0, 0),
            id="talks",
        ),
        pytest.param(
            [queued("a", 1), answered("a", 9, 9), CallRequeued(at=at(10), call="a", why=""), queued("a", 1, 10)],
            (1, 0, 0, 0, 1),
            id="is put back: still the same visit",
        ),
        pytest.param([queued("a", 1), sent_to_message("a", 300, "timeout")], (1, 0, 0, 1, 0), id="waits for too long"),
        pytest.param([SENT, sent_to_message("a", 0, "full")], (1, 0, 0, 1, 0), id="the queue is full"),
        pytest.param([SENT, sent_to_message("a", 0, "joinempty")], (1, 0, 0, 1, 0), id="nobody is there"),
        pytest.param([sent_to_message("a", 0, "closed")], (0, 0, 0, 0, 0), id="out of hours"),
        pytest.param([queued("a", 1), ended("a", 60)], (1, 0, 0, 1, 0), id="nobody saw how it ended"),
        pytest.param([answered("a", 9, 9)], (1, 1, 0, 0, 0), id="nobody saw it begin"),
        pytest.param([queued("a", 1), talks("a", 12)], (1, 1, 0, 0, 0), id="nobody saw who picked up"),
        pytest.param(
            [queued("a", 1), CallQueued(at=at(9), call="a", queue="consult")],
            (1, 0, 0, 1, 0),
            id="moved to another queue",
        ),
    ],
)
def test_every_caller_has_one_outcome(story: list[Event], expected: tuple[int, ...]) -> None:
    assert outcomes(callers(*story)) == expected


def test_a_caller_who_is_handed_to_another_queue_is_offered_to_both() -> None:
    story: list[Event] = [
        *(queued("a", 1), answered("a", 9, 9), talks("a", 12), talked("a", 20, 8)),
        CallQueued(at=at(20), call="a", queue="consult"),
    ]
    assert outcomes(callers(*story)) == (1, 1, 0, 0, 0)
    assert outcomes(callers(*story, queue="consult")) == (1, 0, 0, 0, 1)


def test_refused_called_back_and_short_are_counted_apart() -> None:
    assert callers(SENT, sent_to_message("a", 0, "full")).refused == 1
    assert callers(queued("a", 1), sent_to_message("a", 300, "timeout")).refused == 0
    assert callers(queued("a", 1), CallRouted(at=at(60), call="a", to="callback", priority=0)).callback == 1
    assert callers(queued("a", 1), gives_up("a", 4, 4)).abandoned_short == 1
    assert callers(queued("a", 1), gives_up("a", 9, 9)).abandoned_short == 0


def day(*, in_time: int, late: int, gone_soon: int, gone_late: int, waiting: int) -> QueueCounts:
    """So many callers who were answered after 10 or 60 s, gave up after 10 or 60 s, or still wait."""
    events: list[Event] = []
    for kind, count in (("in", in_time), ("late", late), ("soon", gone_soon), ("gone", gone_late), ("wait", waiting)):
        for nth in range(count):
            call = f"{kind}{nth}"
            events.append(queued(call, 1))
            if kind in ("in", "late"):
                events.append(answered(call, 60, 10 if kind == "in" else 60))
            elif kind != "wait":
                events.append(gives_up(call, 60, 10 if kind == "soon" else 60))
    return callers(*events)


def test_the_four_service_levels_of_one_day() -> None:
    counts = day(in_time=60, late=20, gone_soon=10, gone_late=10, waiting=5)
    assert {name: service_level(counts, name) for name in ("of-offered", "of-answered", "abandons-count")} == {
        "of-offered": 60 / 100,
        "of-answered": 60 / 80,
        "abandons-count": 70 / 100,
    }
    assert service_level(counts, "abandons-out") == 60 / 90


def test_where_nobody_called_there_is_no_rate() -> None:
    none = QueueCounts()
    assert [service_level(none, "of-offered"), connect_rate(none), abandon_rate(none), speed_of_answer(none)] == [
        None
    ] * 4
    assert (handle_time(AgentCounts()), occupancy(AgentCounts())) == (None, None)


def test_a_caller_is_connected_when_the_work_number_was_said_or_the_talk_began() -> None:
    waits: list[Event] = [queued("a", 1), answered("a", 9, 9)]
    assert connect_rate(callers(*waits)) == 0
    assert connect_rate(callers(*waits, GREETED)) == 1
    assert connect_rate(callers(*waits, talks("a", 12))) == 1
    assert connect_rate(callers(*waits, GREETED, CallRequeued(at=at(13), call="a", why=""))) is None


def test_waits() -> None:
    counts = callers(queued("a", 1), answered("a", 9, 9), queued("b", 1), answered("b", 20, 20), queued("c", 1))
    assert speed_of_answer(counts) == 14.5 * S
    assert callers(queued("a", 1), gives_up("a", 70, 70)).longest_wait == 70 * S


SHIFT: list[Event] = [
    AgentSignedIn(at=at(0), agent="1024"),
    AgentOffered(at=at(60), call="a", agent="1024", queue="repair"),
    OfferMissed(at=at(80), call="a", agent="1024", queue="repair", rang=20 * S),
    AgentOffered(at=at(90), call="a", agent="1024", queue="repair"),
    answered("a", 100, 40),
    talks("a", 103),
    HoldStarted(at=at(120), call="a", agent="1024"),
    HoldEnded(at=at(150), call="a", agent="1024"),
    talked("a", 200, 97),
    WrapUpEnded(at=at(240), agent="1024"),
    AgentPaused(at=at(300), agent="1024", reason="meal"),
    AgentUnpaused(at=at(900), agent="1024"),
    PhoneLost(at=at(1000), agent="1024"),
    PhoneBack(at=at(1100), agent="1024"),
]


def test_an_agents_time() -> None:
    counts = of_agent(*SHIFT, until=1200)
    assert counts == AgentCounts(
        offered=2,
        missed=1,
        talks=1,
        talking=100 * S,
        holding=30 * S,
        wrapping_up=40 * S,
        ready=(100 + 60 + 100 + 100) * S,
        paused=600 * S,
        unreachable=100 * S,
    )
    assert handle_time(counts) == 140 * S
    assert occupancy(counts) == pytest.approx(140 / (140 + 360))


def test_an_agents_time_is_counted_in_the_hour_in_which_it_is_spent() -> None:
    """The facts begin at 17:20 in Shanghai."""
    tally = counted(AgentSignedIn(at=at(0), agent="1024"))
    tally.spend_to(at(2 * 3600))
    assert [(hour.begins.astimezone(SHANGHAI).hour, counts.ready) for hour, counts in tally.agents.items()] == [
        (17, 2400 * S),
        (18, 3600 * S),
        (19, 1200 * S),
    ]


def test_a_visit_is_counted_in_the_hour_in_which_it_began() -> None:
    tally = counted(queued("a", 1, 2390), answered("a", 2420, 30))
    assert [(hour.begins.astimezone(SHANGHAI).hour, outcomes(counts)) for hour, counts in tally.queues.items()] == [
        (17, (1, 1, 0, 0, 0))
    ]


def test_what_began_before_the_time_asked_for_is_followed_but_not_counted() -> None:
    tally = Tally(QUEUES, SHANGHAI, since=at(100))
    for event in (queued("a", 1, 50), queued("b", 1, 150), answered("a", 160, 110), ended("a", 170)):
        tally.take(event)
    assert [outcomes(counts) for counts in tally.queues.values()] == [(1, 0, 0, 0, 1)]


# Whatever happens

CALLS = st.sampled_from("abc")
A_QUEUE = st.sampled_from(["repair", "consult"])
AN_AGENT = st.sampled_from(["1024", "1025"])
A_LENGTH = st.integers(0, 90).map(lambda seconds: timedelta(seconds=seconds))
NO_TIME = st.just(at(0))
SOME_STEP: st.SearchStrategy[Event] = st.one_of(
    st.builds(CallRang, at=NO_TIME, call=CALLS, caller=st.none(), dialled=st.just("1")),
    st.builds(
        CallRouted,
        at=NO_TIME,
        call=CALLS,
        to=st.sampled_from(["repair", "consult", "message", "hangup", "callback"]),
        priority=st.just(0),
        why=st.sampled_from([None, "full", "joinempty", "timeout"]),
    ),
    st.builds(CallQueued, at=NO_TIME, call=CALLS, queue=A_QUEUE),
    st.builds(AgentOffered, at=NO_TIME, call=CALLS, agent=AN_AGENT, queue=A_QUEUE),
    st.builds(AgentAnswered, at=NO_TIME, call=CALLS, agent=AN_AGENT, queue=A_QUEUE, waited=A_LENGTH),
    st.builds(GreetingEnded, at=NO_TIME, call=CALLS, agent=AN_AGENT, whole=st.booleans()),
    st.builds(TalkStarted, at=NO_TIME, call=CALLS, agent=AN_AGENT),
    st.builds(TalkEnded, at=NO_TIME, call=CALLS, agent=AN_AGENT, by=st.none(), talked=A_LENGTH),
    st.builds(CallRequeued, at=NO_TIME, call=CALLS, why=st.just("")),
    st.builds(CallFound, at=NO_TIME, call=CALLS, place=st.sampled_from(["menu", "queue"])),
    st.builds(
        CallAbandoned,
        at=NO_TIME,
        call=CALLS,
        where=st.sampled_from(["menu", "queue", "greeting", "message"]),
        waited=A_LENGTH,
    ),
    st.builds(CallEnded, at=NO_TIME, call=CALLS, by=st.none(), why=st.just("")),
    st.builds(HotlineStarted, at=NO_TIME),
)


REFUSED_ELSEWHERE: Final[Sequence[Event]] = (
    CallQueued(at=at(0), call="b", queue="repair"),
    CallRouted(at=at(0), call="b", to="consult", priority=0, why=None),
    CallRouted(at=at(0), call="b", to="message", priority=0, why="full"),
)


@given(st.lists(SOME_STEP, max_size=60))
@example(REFUSED_ELSEWHERE)
def test_offered_is_answered_abandoned_flowed_out_and_still_waiting_at_any_moment_in_any_order(
    steps: Sequence[Event],
) -> None:
    tally = Tally(QUEUES, SHANGHAI)
    for step in steps:
        tally.take(step)
        for hour, counts in tally.queues.items():
            assert counts.offered == counts.answered + counts.abandoned + counts.flowed_out + counts.waiting
            parts = (counts.connected, counts.answered_in_time), (counts.abandoned_short, counts.abandoned_in_time)
            assert all(0 <= part <= counts.answered for part in parts[0])
            assert all(0 <= part <= counts.abandoned for part in parts[1])
            assert 0 <= counts.refused + counts.callback <= counts.flowed_out
            assert counts.waiting == sum(visit.queue == hour.of for visit in tally.waiting())
            assert min(counts.offered, counts.waiting, counts.waited_answered / S) >= 0
