"""When which festival's greeting is said, and how windows are moved, silenced and put in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from prompts.calendar.days import ONE_DAY, Break, OfficialYear


@dataclass(frozen=True, slots=True)
class Window:
    """A festival's greeting is said from one instant until just before another."""

    festival: str
    begins: datetime
    ends: datetime
    source: str = "official"
    """Where it comes from: "official", or what the operator did."""

    def covers(self, at: datetime) -> bool:
        """Whether this moment lies within it."""
        return self.begins <= at < self.ends


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant a day begins, which is not 0:00 where clocks are put forward at midnight."""
    return instant(datetime.combine(day, time()), zone)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a local time: the first of two, and one that is left out as late as it would have been."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def official_windows(year: OfficialYear, zone: ZoneInfo) -> list[Window]:
    """Return the windows that a year's list gives, whole days each."""
    spans = [span for each in year.breaks for span in _of_break(each)]
    spans += [(festival, day, day) for festival, day in year.kept.items()]
    return [Window(festival, midnight(first, zone), midnight(last + ONE_DAY, zone)) for festival, first, last in spans]


def _of_break(some: Break) -> Iterator[tuple[str, date, date]]:
    """Share a break among its festivals: the longest has all of it that is not before it and another's.

    So Mid-Autumn has its day, and National Day the week, that day too if it lies in the midst of it.
    """
    if not some.festivals:
        return
    main = max(some.festivals, key=lambda festival: (len(some.festivals[festival]), some.festivals[festival][0]))
    begins = some.days[0]
    for festival, days in some.festivals.items():
        if festival != main:
            yield festival, days[0], days[-1]
            if days[-1] < some.festivals[main][0]:
                begins = max(begins, days[-1] + ONE_DAY)
    yield main, begins, some.days[-1]


def without(windows: Iterable[Window], begins: datetime, ends: datetime) -> Iterator[Window]:
    """Yield what is left of the windows when nothing is said from one instant to another."""
    for window in windows:
        if window.ends <= begins or ends <= window.begins:
            yield window
            continue
        if window.begins < begins:
            yield replace(window, ends=begins)
        if ends < window.ends:
            yield replace(window, begins=ends)


def in_order(windows: Iterable[Window]) -> tuple[str, ...]:
    """Return the festivals as they are said together: the day of a festival before the week it lies in."""
    ordered = sorted(windows, key=lambda window: (window.ends - window.begins, window.begins, window.festival))
    return tuple(dict.fromkeys(window.festival for window in ordered))


def overlaps(windows: Sequence[Window]) -> Iterator[tuple[Window, Window]]:
    """Yield each pair of windows that share some time."""
    ordered = sorted(windows, key=lambda window: window.begins)
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if other.begins >= one.ends:
                break
            yield one, other
