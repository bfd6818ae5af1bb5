"""What an hour usually has, and what is a swing: neither chance, nor one storm, nor another season raises one."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from routing.log import MemoryLog
from routing.tally import HOUR, Hour
from routing.usual import ENOUGH, Expected, Usual, learn_from, swing, weeks_before
from tests.routing.facts import queued, record
from tests.routing.test_tally import QUEUES, SHANGHAI

MONDAY = datetime(2025, 11, 17, 1, 0, tzinfo=UTC)
"""Nine in the morning in Shanghai."""
WEEK = timedelta(weeks=1)


def usual(*callers: int, season: dict[int, str] | None = None) -> Usual:
    """What is usual after Mondays at nine with so many callers, the oldest first; no other hour has any."""
    since = MONDAY - len(callers) * WEEK
    counts = {Hour("repair", since + nth * WEEK): count for nth, count in enumerate(callers)}
    months = season or {}
    made = Usual(SHANGHAI, season=lambda day: months.get(day.month, ""))
    made.learn(counts, ["repair"], since=since, until=MONDAY)
    return made


def test_the_usual_is_the_middle_of_the_same_hours() -> None:
    known = usual(100, 104, 96, 102).expected("repair", MONDAY)
    assert known is not None
    assert known.callers == 101
    assert known.spread == pytest.approx(1.4826 * 2)
    assert usual(100, 104, 96, 102).expected("repair", MONDAY + HOUR) == Expected(0, 0)


def test_one_storm_does_not_move_it() -> None:
    known = usual(100, 104, 1900, 96, 102).expected("repair", MONDAY)
    assert known is not None
    assert known.callers == 102


def test_too_few_weeks_are_no_usual() -> None:
    assert usual(*[100] * (ENOUGH - 1)).expected("repair", MONDAY) is None
    assert usual(*[100] * ENOUGH).expected("consult", MONDAY) is None


def test_hours_of_another_season_are_not_compared() -> None:
    """Five Mondays without heating, then three with it: of those not enough is known."""
    assert usual(20, 20, 20, 20, 20, 90, 90, 90, season={11: "heating"}).expected("repair", MONDAY) is None


def test_the_last_sixty_minutes_are_made_of_two_hours() -> None:
    since = MONDAY - 4 * WEEK
    counts = {Hour("repair", since + n * WEEK): 60 for n in range(4)} | {
        Hour("repair", since + n * WEEK - HOUR): 20 for n in range(4)
    }
    made = Usual(SHANGHAI)
    made.learn(counts, ["repair"], since=since - HOUR, until=MONDAY)
    halfway = made.last_hour("repair", MONDAY + HOUR / 2, MONDAY)
    assert halfway is not None
    assert halfway.callers == 40


@pytest.mark.parametrize(
    ("came", "expected", "is_one"),
    [
        (100, 100, False),
        (106, 100, False),  # beyond 5%, and yet nothing: chance alone does that
        (129, 100, False),
        (131, 100, True),
        (69, 100, True),
        (1040, 1000, False),
        (1110, 1000, True),
        (10060, 10000, False),
        (9000, 10000, True),
        (100_000 * 1.04, 100_000, False),  # beyond chance, and yet within 5%
        (19, 3, False),  # too few to say
        (25, 3, True),
        (0, 40, True),
    ],
)
def test_a_swing_is_beyond_the_limit_and_beyond_chance(came: float, expected: float, is_one: bool) -> None:
    assert (swing(came, Expected(expected, 0)) is not None) == is_one


def test_where_hours_differ_much_as_a_rule_a_swing_must_be_larger() -> None:
    assert swing(150, Expected(100, 0)) == pytest.approx(0.5)
    assert swing(150, Expected(100, 30)) is None


def test_a_swing_is_over_only_when_it_is_well_within() -> None:
    assert swing(120, Expected(100, 0)) is None
    assert swing(120, Expected(100, 0), already=True) is not None
    assert swing(110, Expected(100, 0), already=True) is None


def test_it_does_not_cry_wolf() -> None:
    """A year of hours with nothing but chance in them: hardly one is taken for a swing."""
    chance = random.Random(5)
    hours = 365 * 24
    false = sum(swing(round(chance.gauss(100, 10)), Expected(100, 0)) is not None for _ in range(hours))
    assert false / hours < 0.005


async def test_it_is_learnt_from_the_log() -> None:
    log, now = MemoryLog(), MONDAY + HOUR
    for week in range(5):
        for nth in range(30):
            begins = (MONDAY - week * WEEK - datetime(2025, 11, 21, 9, 20, tzinfo=UTC)).total_seconds()
            await record(log, queued(f"{week}-{nth}", 1, begins + nth))
    made = Usual(SHANGHAI)
    await learn_from(log, made, QUEUES, SHANGHAI, now)
    assert made.expected("repair", MONDAY + WEEK) is None, "the log must be in order: the first is the oldest"

    log = MemoryLog()
    for week in reversed(range(6)):
        for nth in range(30):
            begins = (MONDAY - week * WEEK - datetime(2025, 11, 21, 9, 20, tzinfo=UTC)).total_seconds()
            await record(log, queued(f"{week}-{nth}", 1, begins + nth))
    await learn_from(log, made, QUEUES, SHANGHAI, now)
    known = made.expected("repair", MONDAY + WEEK)
    assert known is not None
    assert known.callers == 30
    await learn_from(MemoryLog(), made, QUEUES, SHANGHAI, now)


def test_whole_weeks_are_learnt_from() -> None:
    assert weeks_before(MONDAY + timedelta(minutes=7)) == MONDAY - 8 * WEEK
    assert date(2025, 11, 17).weekday() == 0
