"""The calendar: asked for a moment, it says which festivals are greeted and who is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from prompts.calendar.days import ONE_DAY, OfficialYear, official_year
from prompts.calendar.festivals import Window, in_order, official_windows, without
from prompts.calendar.hours import WEEK, Day, Interval, Kind, Opening, Season, cut, joined, local
from prompts.calendar.notice import Notice, SeasonChange, WindowChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a site's calendar is made of, as its site file says."""

    zone: ZoneInfo
    country: str | None = "CN"
    """Whose official list it is; None has no holidays at all."""
    subdivision: str | None = None
    hours: Mapping[str, Sequence[Opening]] = field(default_factory=dict)
    """Opening hours by name; a name that is not here is always open."""
    seasons: Mapping[str, Season] = field(default_factory=dict)


class Calendar:
    """One site's calendar. It never changes: who changes the notice makes another."""

    def __init__(self, rules: Rules, notice: Notice = Notice()) -> None:
        self.rules, self.notice = rules, notice
        self._announced = {each.year: each for each in notice.years}
        self.official = lru_cache(64)(self._official)
        self.windows = lru_cache(64)(self._windows)
        self._open_on = lru_cache(2048)(self._opening)

    def festivals(self, at: datetime) -> tuple[str, ...]:
        """Return the festivals whose greeting is said at this moment, in the order they are said."""
        year = local(at, self.rules.zone).year
        # A window of New Year begins in December, and one of the operator's may end in January.
        near = (window for each in (year - 1, year, year + 1) for window in self.windows(each))
        return in_order([window for window in near if window.covers(at)])

    def is_open(self, hours: str, at: datetime) -> bool:
        """Say whether somebody is there at this moment, by these hours."""
        if hours not in self.rules.hours and not self._closed(hours):
            return True
        return any(begins <= at < ends for begins, ends in self.openings(hours, local(at, self.rules.zone).date()))

    def openings(self, hours: str, on: date) -> Sequence[Interval]:
        """Return when somebody is there on a day, by these hours, as instants in order."""
        return self._open_on(hours, on)

    def day(self, on: date) -> Day:
        """Return what kind of day it is."""
        weekday = WEEK[on.weekday()]
        year = self.official(on.year)
        if on in year.workdays:
            return Day(date=on, kind="make-up", weekday=_stands_for(on, year.workdays[on]))
        kind: Kind = "weekend" if on.weekday() >= 5 else "workday"
        if on in year.off or on in self.official(on.year + 1).off:
            kind = "holiday"
        return Day(date=on, kind=kind, weekday=weekday)

    def said_together(self, begins: datetime, ends: datetime) -> frozenset[tuple[str, ...]]:
        """Return every greeting of more than one festival that is said between these instants."""
        years = range(local(begins, self.rules.zone).year - 1, local(ends, self.rules.zone).year + 2)
        moments = [window.begins for year in years for window in self.windows(year)]
        found = {self.festivals(at) for at in [begins, *moments] if begins <= at < ends}
        return frozenset(some for some in found if len(some) > 1)

    def season(self, name: str, on: date) -> bool:
        """Say whether a day lies in a season."""
        return any(first <= on <= last for first, last in self._season_days(name, on.year))

    def seasons_of(self, on: date) -> Sequence[str]:
        """Return the names of the seasons that a day lies in."""
        return [name for name in self.rules.seasons if self.season(name, on)]

    def _official(self, year: int) -> OfficialYear:
        rules = self.rules
        found = official_year(rules.country, rules.subdivision, year) if rules.country else OfficialYear(year, (), {})
        if (announced := self._announced.get(year)) is None:
            return found
        return found.announced([(each.first, each.last) for each in announced.off], announced.workdays)

    def _windows(self, year: int) -> Sequence[Window]:
        """The year's windows: as the list has them, then moved, then added to, then silenced."""
        zone = self.rules.zone
        windows = official_windows(self.official(year), zone)
        for change in self._changes("move"):
            if self._year_meant(change) == year:
                kept = [window for window in windows if window.festival != change.festival]
                windows = [*kept, _window(change, zone, "moved by the operator")]
        for change in self._changes("add"):
            if change.first.year == year:
                windows.append(_window(change, zone, "added by the operator"))
        for change in self._changes("silence"):
            concerned = [window for window in windows if change.festival in (None, window.festival)]
            others = [window for window in windows if change.festival not in (None, window.festival)]
            windows = [*others, *without(concerned, *change.instants(zone))]
        return sorted(windows, key=lambda window: (window.begins, window.ends))

    def _changes(self, what: str) -> Iterator[WindowChange]:
        return (change for change in self.notice.windows if change.do == what)

    def _year_meant(self, change: WindowChange) -> int:
        """The year whose window of this festival is nearest to where it is moved."""
        begins, _ = change.instants(self.rules.zone)
        near = [
            (abs(window.begins - begins), year)
            for year in (change.first.year - 1, change.first.year, change.first.year + 1)
            for window in official_windows(self.official(year), self.rules.zone)
            if window.festival == change.festival
        ]
        return min(near)[1] if near else change.first.year

    def _opening(self, hours: str, on: date) -> Sequence[Interval]:
        zone, day = self.rules.zone, self.day(on)
        weekly = self.rules.hours.get(hours, (Opening(),))
        held = [one for one in weekly if one.season is None or self.season(one.season, on)]
        found = joined([interval for one in held if (interval := one.on(day, zone)) is not None])
        for begins, ends in self._closed(hours):
            found = cut(found, begins, ends)
        return found

    def _closed(self, hours: str) -> list[Interval]:
        concerned = [each for each in self.notice.closings if each.hours is None or hours in each.hours]
        return [each.instants(self.rules.zone) for each in concerned]

    def _season_days(self, name: str, year: int) -> list[tuple[date, date]]:
        """The season as it is in the years around this one: the usual, unless the operator has another for it."""
        changed = [_days(change, self.rules.zone) for change in self.notice.seasons if change.season == name]
        usual = self.rules.seasons.get(name)
        known = [] if usual is None else [usual.of_year(each) for each in (year - 1, year, year + 1)]
        kept = [span for span in known if not any(span[0] <= last and first <= span[1] for first, last in changed)]
        return [*changed, *kept]


def _window(change: WindowChange, zone: ZoneInfo, source: str) -> Window:
    assert change.festival is not None, "the notice was checked"
    return Window(change.festival, *change.instants(zone), source)


def _days(change: SeasonChange, zone: ZoneInfo) -> tuple[date, date]:
    begins, ends = change.instants(zone)
    return local(begins, zone).date(), local(ends - timedelta(microseconds=1), zone).date()


def _stands_for(on: date, day_off: date | None) -> str:
    """A make-up workday is worked like the day off it was given for; like the nearest workday if nobody said which."""
    nearest = on - ONE_DAY if on.weekday() == 5 else on + ONE_DAY
    return WEEK[(day_off or nearest).weekday()]
