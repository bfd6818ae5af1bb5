"""The official list of one year: days off, make-up workdays, and which festival each day off is for.

The lists are those of the `holidays` library. China's are announced in a yearly notice of the State Council: until a
year's has come, the library has what the law says, without the days that are moved (`known` is then False).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Final

import holidays

ONE_DAY: Final = timedelta(days=1)

CHINA: Final[Mapping[str, str]] = {
    "元旦": "new_year",
    "春节": "spring_festival",
    "农历除夕": "spring_festival",
    "清明节": "qingming",
    "劳动节": "labour_day",
    "端午节": "dragon_boat",
    "中秋节": "mid_autumn",
    "国庆节": "national_day",
}
"""Our festivals by the beginning of their names in China's list."""

ANYWHERE: Final[Mapping[tuple[int, int], str]] = {(1, 1): "new_year", (5, 1): "labour_day"}
"""Festivals of other countries, by month and day; an operator adds those that move."""

_LENT_BY: Final = re.compile(r"由 (\d{4})-(\d\d)-(\d\d) 调休")
_OBSERVED: Final = "补假"


@dataclass(frozen=True, slots=True)
class Break:
    """Days off in a row, weekends among them, that one or more festivals give."""

    days: Sequence[date]
    festivals: Mapping[str, Sequence[date]]
    """Each festival's own days within it, in order."""


@dataclass(frozen=True, slots=True)
class OfficialYear:
    """What is officially known of a year."""

    year: int
    breaks: Sequence[Break]
    workdays: Mapping[date, date | None]
    """Make-up workdays, and the day off that each was worked for, where the list says it."""
    kept: Mapping[str, date] = field(default_factory=dict)
    """Festivals that are kept on a day everybody works."""
    known: bool = True
    """False while the year's notice has not come: the days are then those of the law, and may move."""
    off: frozenset[date] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "off", frozenset(day for each in self.breaks for day in each.days))

    def announced(self, off: Iterable[tuple[date, date]], workdays: Iterable[date]) -> OfficialYear:
        """Return the year as its notice has it: days off from and until these days, and the make-up workdays.

        Which day a festival is, the law and the moon say, not the notice.
        """
        own = [(festival, day) for each in self.breaks for festival, days in each.festivals.items() for day in days]
        breaks = []
        for first, last in sorted(off):
            days = [first + ONE_DAY * nth for nth in range((last - first).days + 1)]
            within = {festival: [day for name, day in own if name == festival and day in days] for festival, _ in own}
            breaks.append(Break(days, {festival: some for festival, some in within.items() if some}))
        return replace(self, breaks=breaks, workdays=dict.fromkeys(sorted(workdays)), known=True)


@cache
def official_year(country: str, subdivision: str | None, year: int) -> OfficialYear:
    """Return the list of this year; raises NotImplementedError for a country or subdivision without one."""
    return _china(year) if country == "CN" else _elsewhere(country, subdivision, year)


def _china(year: int) -> OfficialYear:
    """The neighbouring years too: a break may begin in December, and be worked for in the year before."""
    listed = holidays.country_holidays("CN", years=range(year - 1, year + 2), language="zh_CN")
    lent: dict[date, date] = {}
    festivals: dict[date, list[str]] = {}
    for day, names in listed.items():
        if found := _LENT_BY.search(names):
            lent[date(*map(int, found.groups()))] = day
        for name in names.split("; "):
            if _OBSERVED not in name:
                festivals.setdefault(day, []).extend(ours for begin, ours in CHINA.items() if name.startswith(begin))
    breaks = [
        Break(days, _by_festival(days, festivals)) for days in _runs(year, listed) if any(day in listed for day in days)
    ]
    workdays = {day: lent.get(day) for day in sorted(listed.weekend_workdays) if day.year == year}
    first_moon = min(day for day, names in listed.items() if day.year == year and names.startswith("春节"))
    return OfficialYear(
        year,
        [each for each in breaks if _year_of(each) == year],
        workdays,
        kept={"lantern": first_moon + 14 * ONE_DAY},
        known=bool(workdays),
    )


def _elsewhere(country: str, subdivision: str | None, year: int) -> OfficialYear:
    """Other countries: each day off stands alone, and the days before and after it are ordinary ones."""
    listed = holidays.country_holidays(country, subdiv=subdivision, years=year)
    days = sorted(day for day in listed if day.year == year)
    breaks = []
    for day in days:
        festival = ANYWHERE.get((day.month, day.day))
        breaks.append(Break([day], {festival: [day]} if festival else {}))
    workdays = dict.fromkeys(sorted(day for day in listed.weekend_workdays if day.year == year))
    return OfficialYear(year, breaks, workdays, known=not any("estimated" in name for name in listed.values()))


def _runs(year: int, listed: holidays.HolidayBase) -> Iterator[list[date]]:
    """Days in a row on which nobody works; one that reaches over the end of the year is whole."""
    run: list[date] = []
    day = date(year - 1, 12, 20)
    while day <= date(year + 1, 1, 15):
        if listed.is_working_day(day):
            if run:
                yield run
            run = []
        else:
            run.append(day)
        day += ONE_DAY


def _by_festival(days: Sequence[date], festivals: Mapping[date, Sequence[str]]) -> Mapping[str, Sequence[date]]:
    found: dict[str, list[date]] = {}
    for day in days:
        for festival in festivals.get(day, ()):
            found.setdefault(festival, []).append(day)
    return found


def _year_of(some: Break) -> int:
    """A break that begins in December is the New Year's, and so the next year's."""
    return some.days[-1].year
