"""How many callers an hour usually has, and whether this hour is unusual.

What is usual is the median of the same hour of the same weekday in the same season, of the last weeks: one storm or one
holiday does not move it. How far an hour usually is from it is the median distance, and chance alone adds to that: of
100 callers expected, 90 or 110 are nothing. So a swing is one that is beyond the limit the centre asks for (5%), and
beyond what chance and the usual spread explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import sqrt
from statistics import median
from typing import Final, NamedTuple

from routing.log import EventLog
from routing.replay import replay
from routing.staff import Queue
from routing.tally import HOUR, Hour, Tally

LIMIT: Final = 0.05
"""The swing that the centres ask for."""
SIGMAS: Final = 3.0
"""So many times what chance and the usual spread explain: about once in a year of hours for nothing."""
CALM: Final = 1.5
"""The same, for a swing to be over: it does not come and go at the edge."""
LEAST_CALLERS: Final = 20
"""Fewer callers than this, expected and come, are never a swing."""
ENOUGH: Final = 4
"""So many weeks make the usual known."""
AS_DEVIATION: Final = 1.4826
"""From the median distance to a standard deviation (of a normal distribution)."""

Season = Callable[[date], str]
"""Names the season of a day, for example "heating": calls of different seasons are not compared."""


class Slot(NamedTuple):
    """Hours that are alike."""

    queue: str
    season: str
    weekday: int
    hour: int


@dataclass(frozen=True, slots=True)
class Expected:
    """How many callers an hour usually has: the middle, and how far from it hours usually are."""

    callers: float
    spread: float

    @property
    def sigma(self) -> float:
        """What chance (as of independent callers) and the usual spread explain together."""
        return sqrt(max(self.callers, 1.0) + self.spread**2)

    def __add__(self, other: Expected) -> Expected:
        return Expected(self.callers + other.callers, sqrt(self.spread**2 + other.spread**2))

    def part(self, share: float) -> Expected:
        """Of a part of the hour."""
        return Expected(self.callers * share, self.spread * share)


class Usual:
    """What is usual, learnt from the hours of the last weeks."""

    def __init__(self, zone: tzinfo, *, season: Season = lambda _: "") -> None:
        self._zone, self._season = zone, season
        self._seen: Mapping[Slot, tuple[int, ...]] = {}

    def learn(self, counts: Mapping[Hour, int], queues: Iterable[str], *, since: datetime, until: datetime) -> None:
        """Learn from the callers of each hour; an hour that is not in `counts` had none."""
        seen: defaultdict[Slot, list[int]] = defaultdict(list)
        names, hour = tuple(queues), since
        while hour < until:
            for queue in names:
                seen[self._slot(queue, hour)].append(counts.get(Hour(queue, hour), 0))
            hour += HOUR
        self._seen = {slot: tuple(callers) for slot, callers in seen.items()}

    def expected(self, queue: str, hour: datetime) -> Expected | None:
        """What is usual for the hour that begins here; None while too few weeks are known."""
        callers = self._seen.get(self._slot(queue, hour), ())
        if len(callers) < ENOUGH:
            return None
        middle = median(callers)
        return Expected(middle, AS_DEVIATION * median(abs(each - middle) for each in callers))

    def last_hour(self, queue: str, now: datetime, hour: datetime) -> Expected | None:
        """What is usual for the sixty minutes before now; `hour` is when the present one began."""
        before, present = self.expected(queue, hour - HOUR), self.expected(queue, hour)
        if before is None or present is None:
            return None
        share = (now - hour) / HOUR
        return before.part(1 - share) + present.part(share)

    def _slot(self, queue: str, hour: datetime) -> Slot:
        local = hour.astimezone(self._zone)
        return Slot(queue, self._season(local.date()), local.weekday(), local.hour)


def swing(came: float, expected: Expected, *, already: bool = False, limit: float = LIMIT) -> float | None:
    """How far the callers who came are from the usual, as a share of it; None if that is no swing.

    `already` says whether there is one: it is over only when it is well within the limits.
    """
    if max(came, expected.callers) < LEAST_CALLERS:
        return None
    difference = came - expected.callers
    allowed = max(limit * expected.callers, (CALM if already else SIGMAS) * expected.sigma)
    return difference / max(expected.callers, 1.0) if abs(difference) > allowed else None


def weeks_before(now: datetime, weeks: int = 8) -> datetime:
    """From when on hours are learnt from: whole weeks before this hour."""
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(weeks=weeks)


async def learn_from(log: EventLog, usual: Usual, queues: Mapping[str, Queue], zone: tzinfo, now: datetime) -> None:
    """Learn from the log's last weeks, as far back as it goes. Reads them all, in small pieces beside the calls."""
    first = await log.after(0, limit=1)
    if not first:
        return
    since = max(weeks_before(now), weeks_before(first[0].event.at, 0) + HOUR)
    tally = Tally(queues, zone, since=since)
    await replay(log, tally, since=since, until=now)
    counts = {hour: counts.offered for hour, counts in tally.queues.items()}
    usual.learn(counts, queues, since=tally.hour(since), until=tally.hour(now))
