"""A year as an operator reads it: every window, the days that are not as usual, and what looks like a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from prompts.calendar.calendar import Calendar
from prompts.calendar.days import ONE_DAY
from prompts.calendar.festivals import Window, overlaps
from prompts.calendar.hours import WEEK, Interval, local


def told(calendar: Calendar, year: int, speakable: Collection[str]) -> list[str]:
    """Return the year, line by line; `speakable` are the festivals that have words."""
    lines = [f"{year}", "", "greetings"]
    lines += [f"  {_window(each, calendar)}" for each in calendar.windows(year)] or ["  none"]
    lines += ["", "days off"]
    official = calendar.official(year)
    lines += [
        f"  {_span(each.days[0], each.days[-1])}  {', '.join(each.festivals)}".rstrip() for each in official.breaks
    ]
    lines += ["", "make-up workdays"]
    lines += [
        f"  {day} {WEEK[day.weekday()]}, with the hours of a {calendar.day(day).weekday}" for day in official.workdays
    ] or ["  none"]
    for hours in calendar.rules.hours:
        lines += ["", f"hours '{hours}' change"]
        lines += [f"  {line}" for line in changes(calendar, hours, year)]
    found = list(warnings(calendar, year, speakable))
    lines += ["", "warnings" if found else "no warnings"]
    return lines + [f"  {warning}" for warning in found]


def changes(calendar: Calendar, hours: str, year: int) -> Iterator[str]:
    """Yield each stretch of days that have other hours than the same day of the week before had."""
    usual: dict[str, str] = {}
    stretch: tuple[date, date, str] | None = None
    for day in _days(year):
        held = _hours(calendar.openings(hours, day), calendar)
        name = WEEK[day.weekday()]
        differs = usual.get(name) not in (None, held)
        if calendar.day(day).kind in ("workday", "weekend"):
            usual[name] = held
        if differs and stretch and stretch[2] == held and stretch[1] == day - ONE_DAY:
            stretch = stretch[0], day, held
        elif differs:
            if stretch:
                yield f"{_span(*stretch[:2])}  {stretch[2]}"
            stretch = day, day, held
    if stretch:
        yield f"{_span(*stretch[:2])}  {stretch[2]}"


def warnings(calendar: Calendar, year: int, speakable: Collection[str]) -> Iterator[str]:
    """Yield what an operator should look at before callers hear it."""
    official, windows = calendar.official(year), calendar.windows(year)
    if not official.known:
        yield (
            f"the official list of {year} is not known yet: these are the days of the law, and nothing is moved; "
            f"when the notice comes, write it into calendar.toml as [[years]]"
        )
    for festival in sorted({window.festival for window in windows} - set(speakable)):
        yield f"{festival}: has no prompt, so nothing is said; give it words with `says`, or a text festival_{festival}"
    for one, other in overlaps(windows):
        both = ", then ".join(calendar.festivals(max(one.begins, other.begins)))
        if one.festival == other.festival:
            yield f"{one.festival}: two windows overlap on {_at(other.begins, calendar)}; it is said once"
        else:
            yield f"{one.festival} and {other.festival} overlap on {_at(other.begins, calendar)}: said are {both}"
    for some in official.breaks:
        silent = [day for day in some.days if some.festivals and not calendar.festivals(_noon(day, calendar))]
        if silent:
            yield f"{_span(silent[0], silent[-1])}: days off for {', '.join(some.festivals)}, but nothing is said"
    for hours, openings in calendar.rules.hours.items():
        if all(opening.season for opening in openings) and not any(
            calendar.openings(hours, day) for day in _days(year)
        ):
            yield f"hours {hours!r} are never open in {year}"
        closed = [day for day in _days(year) if not calendar.openings(hours, day)]
        if run := _longest(closed, calendar):
            yield f"hours {hours!r} have a gap: nobody is there from {run[0]} to {run[1]}"


def _longest(closed: list[date], _: Calendar) -> tuple[date, date] | None:
    """The longest stretch of closed days, if it is longer than any festival."""
    best: tuple[date, date] | None = None
    begin = closed[0] if closed else None
    for one, other in pairwise([*closed, date.max]):
        if other - one != ONE_DAY and begin is not None:
            if one - begin >= timedelta(days=11) and (best is None or one - begin > best[1] - best[0]):
                best = begin, one
            begin = other
    return best


def _window(window: Window, calendar: Calendar) -> str:
    return f"{_at(window.begins, calendar)} to {_at(window.ends, calendar)}  {window.festival}  ({window.source})"


def _at(moment: datetime, calendar: Calendar) -> str:
    return f"{local(moment, calendar.rules.zone):%Y-%m-%d %H:%M}"


def _hours(held: Collection[Interval], calendar: Calendar) -> str:
    def clock(moment: datetime) -> str:
        return f"{local(moment, calendar.rules.zone):%H:%M}"

    shown = ", ".join(f"{clock(begins)}-{clock(ends)}" for begins, ends in held)
    return {"": "closed", "00:00-00:00": "day and night"}.get(shown, shown.replace("-00:00", "-24:00"))


def _span(first: date, last: date) -> str:
    begins = f"{first} {WEEK[first.weekday()]}"
    return begins if first == last else f"{begins} to {last} {WEEK[last.weekday()]}"


def _days(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += ONE_DAY


def _noon(day: date, calendar: Calendar) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=calendar.rules.zone)
