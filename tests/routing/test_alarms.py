"""Alarms: raised once, with their beginning, ended once, known over a restart, and each for its own reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from routing.alarms import Alarms, Finding
from routing.events import (
    AgentAnswered,
    AgentPaused,
    AgentSignedIn,
    AlarmEnded,
    AlarmRaised,
    DriftFound,
    Event,
    PhoneBack,
    PhoneLost,
    TrunkBack,
    TrunkLost,
)
from routing.findings import Watchman
from routing.ledger import Ledger
from routing.live import Live
from routing.log import MemoryLog
from routing.picture import Canvas
from routing.staff import Agent, Queue
from routing.stream import Stream
from routing.tally import HOUR, Hour
from routing.usual import Usual
from tests.routing.facts import START, at, ended, queued
from tests.routing.test_tally import SHANGHAI

S = timedelta(seconds=1)
CHEN = Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"repair": 0})
REPAIR = Queue(name="repair", transfer_code="702", longest_wait=60 * S, service_level=0.8, busy_at=50)


class Seen:
    """Whether Asterisk is seen."""

    stale_since: datetime | None = None


class Late:
    """An outbox that is late."""

    overdue: timedelta | None = None

    def stuck(self) -> timedelta | None:
        return self.overdue


class Centre:
    """A centre with one queue and one agent, a clock that is turned by hand, and its alarms."""

    def __init__(self) -> None:
        self.now, self.rung = START, list[AlarmRaised | AlarmEnded]()
        self.truth, self.outbox, self.usual = Seen(), Late(), Usual(SHANGHAI)
        self.log_problem: str | None = None
        self.stream, self.live = Stream(MemoryLog()), Live([REPAIR], [CHEN])
        self.ledger = Ledger(self.stream, [REPAIR], SHANGHAI, now=lambda: self.now)
        truth: Any = self.truth
        self.watchman = Watchman(
            [REPAIR],
            live=self.live,
            ledger=self.ledger,
            truth=truth,
            usual=self.usual,
            log_problem=lambda: self.log_problem,
            outbox=self.outbox,
            area=lambda *_: "Riverside",
            now=lambda: self.now,
        )
        self.alarms = Alarms(self.watchman, record=self.stream.record, bell=self, now=lambda: self.now)
        for taker in (self.live, self.ledger, self.watchman, self.alarms):
            self.stream.taken_by(taker.take)

    def ring(self, alarm: AlarmRaised | AlarmEnded) -> None:
        self.rung.append(alarm)

    def tell(self, *facts: Event) -> None:
        for fact in facts:
            self.stream.record(fact)

    def wait(self, seconds: float) -> None:
        """Let time go by, with a look every two seconds."""
        until = self.now + seconds * S
        while self.now < until:
            self.now = min(self.now + 2 * S, until)
            self.alarms.look()

    @property
    def on(self) -> set[str]:
        return set(self.alarms.on)


def test_a_wait_that_is_too_long_raises_one_alarm_and_its_end_one_more() -> None:
    centre = Centre()
    centre.tell(AgentSignedIn(at=START, agent="1024"), queued("a", 1))
    centre.wait(60)
    assert centre.on == set()
    centre.wait(60)
    assert centre.on == {"longest-wait:repair"}
    centre.tell(ended("a"))
    centre.wait(60)
    assert centre.on == set()
    raised, over = centre.rung
    assert isinstance(raised, AlarmRaised)
    assert (raised.queue, raised.since, raised.value, raised.limit) == ("repair", at(62), "62", "60")
    assert isinstance(over, AlarmEnded)
    assert (over.alarm, over.lasted) == ("longest-wait:repair", 60 * S)


def test_a_second_caller_who_waits_almost_as_long_does_not_end_and_raise_it_again() -> None:
    centre = Centre()
    centre.tell(AgentSignedIn(at=START, agent="1024"), queued("a", 1), queued("b", 2, 10))
    centre.wait(64)
    centre.tell(ended("a", 64))
    centre.wait(20)
    assert len(centre.rung) == 1


def test_nobody_is_ready_when_all_who_could_come_are_paused_or_away_and_somebody_waits() -> None:
    centre = Centre()
    centre.tell(AgentSignedIn(at=START, agent="1024"), AgentPaused(at=at(1), agent="1024", reason="meal"))
    centre.wait(60)
    assert centre.on == set(), "nobody waits"
    centre.tell(queued("a", 1, 60))
    centre.wait(20)
    assert centre.on == set()
    centre.wait(15)
    assert centre.on == {"nobody-ready:repair"}
    centre.tell(AgentSignedIn(at=at(95), agent="1024"))
    centre.wait(40)
    assert "nobody-ready:repair" not in centre.on


def test_a_phone_that_is_lost_for_a_moment_is_no_alarm() -> None:
    centre = Centre()
    centre.tell(AgentSignedIn(at=START, agent="1024"), PhoneLost(at=START, agent="1024"))
    centre.wait(20)
    centre.tell(PhoneBack(at=at(20), agent="1024"))
    centre.wait(60)
    assert centre.rung == []
    centre.tell(PhoneLost(at=at(80), agent="1024"))
    centre.wait(40)
    assert centre.on == {"phone-lost:1024"}


def test_a_trunk_our_own_mistakes_the_log_and_the_outbox() -> None:
    centre = Centre()
    centre.tell(TrunkLost(at=START, trunk="main"))
    centre.tell(*(DriftFound(at=START, kind="talk", call="a", after_gap=gap) for gap in (False, False, False, True)))
    centre.log_problem, centre.outbox.overdue = "disk full", 90 * S
    centre.wait(10)
    assert centre.on == {"trunk-lost:main", "drift", "log-stuck", "outbox-stuck"}
    centre.tell(TrunkBack(at=at(10), trunk="main"))
    centre.log_problem, centre.outbox.overdue = None, None
    centre.wait(10)
    assert centre.on == {"drift"}
    centre.wait(3600)
    assert centre.on == set()


def test_while_asterisk_is_not_seen_nothing_is_said_of_calls() -> None:
    centre = Centre()
    centre.tell(queued("a", 1))
    centre.truth.stale_since = START
    centre.wait(90)
    assert centre.on == {"asterisk-lost"}


def answers(late: int, in_time: int) -> list[Event]:
    """So many callers who were answered late, and in time."""
    waits = [60] * late + [5] * in_time
    return [
        fact
        for nth, wait in enumerate(waits)
        for fact in (
            queued(f"c{nth}", 1),
            AgentAnswered(at=at(wait), call=f"c{nth}", agent="1024", queue="repair", waited=wait * S),
            ended(f"c{nth}", wait),
        )
    ]


@pytest.mark.parametrize(("late", "in_time", "rings"), [(3, 1, False), (5, 20, False), (6, 20, True)])
def test_a_service_level_below_its_limit_with_enough_callers(late: int, in_time: int, rings: bool) -> None:
    centre = Centre()
    centre.tell(*answers(late, in_time))
    centre.wait(150)
    assert centre.on == ({"service-level:repair"} if rings else set())


def test_until_the_usual_is_known_a_fixed_number_of_calls_is_the_limit() -> None:
    centre = Centre()
    centre.now = at(20 * 60)
    centre.tell(*answers(0, 52))
    centre.wait(400)
    assert centre.on == {"calls-swing:repair"}


def test_calls_that_differ_from_the_usual_name_the_queue_the_area_and_since_when() -> None:
    centre = Centre()
    hour = centre.ledger.hour(START)
    weeks = [hour - timedelta(weeks=nth) for nth in range(1, 6)]
    centre.usual.learn(
        {Hour("repair", each): 100 for week in weeks for each in (week - HOUR, week, week + HOUR)},
        ["repair"],
        since=weeks[-1] - HOUR,
        until=hour,
    )
    centre.now = hour + HOUR * 5 / 6
    centre.tell(*answers(0, 100))
    centre.wait(1)
    assert centre.on == set()
    centre.tell(*(queued(f"more{nth}", 1) for nth in range(40)))
    began = centre.now
    centre.wait(400)
    swings = [alarm for alarm in centre.alarms.on.values() if alarm.kind == "calls-swing"]
    assert [(alarm.queue, alarm.of, alarm.limit) for alarm in swings] == [("repair", "Riverside", "100")]
    assert swings[0].since - began < 4 * S


def test_a_server_that_starts_anew_does_not_raise_again_what_is_on() -> None:
    centre, after = Centre(), Centre()
    centre.tell(TrunkLost(at=START, trunk="main"))
    centre.wait(10)
    after.tell(TrunkLost(at=START, trunk="main"), *centre.alarms.on.values())
    after.wait(10)
    assert (after.on, after.rung) == (centre.on, [])


def test_what_comes_and_goes_is_raised_and_ended_only_when_it_stays() -> None:
    now, told = START, list[Event]()
    found: list[Finding] = []

    def findings(_: frozenset[str]) -> Iterable[Finding]:
        return found

    alarms = Alarms(findings, record=told.append, now=lambda: now)
    for nth in range(60):
        found = [Finding(kind="phone-lost", of="1024")] if nth % 2 else []
        now += 10 * S
        alarms.look()
    assert told == []


def test_the_board_shows_what_is_on() -> None:
    centre, canvas = Centre(), Canvas()
    centre.tell(TrunkLost(at=START, trunk="main"))
    centre.wait(10)
    centre.alarms.show(canvas)
    (alarm,) = canvas.whole(START)["alarms"].values()
    assert (alarm["kind"], alarm["of"], alarm["since"]) == ("trunk-lost", "main", "2025-11-21T09:20:02.000Z")
    centre.tell(TrunkBack(at=at(10), trunk="main"))
    centre.wait(10)
    centre.alarms.show(canvas)
    assert canvas.whole(START)["alarms"] == {}
