"""What the operator changes: the yearly notice, and whatever else cannot be known when the software is written.

[[years]]                                   # the official list of a year, as its notice announces it
year = 2027
off = [{ from = 2027-01-01, until = 2027-01-03 }, { from = 2027-02-05, until = 2027-02-11 }]
workdays = [2027-01-31, 2027-02-20]

[[windows]]                                 # a greeting: add, move or silence
do = "move"
festival = "national_day"
from = 2026-09-30T18:00:00                  # a day alone is the whole day: `until = 2026-10-08` is its end
until = 2026-10-08

[[closings]]                                # nobody is there
from = 2026-08-12T14:00:00
until = 2026-08-13
hours = ["office"]                          # all opening hours if it is left out

[[seasons]]                                 # this year's season, instead of the usual one
season = "heating"
from = 2026-11-08
until = 2027-03-31
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from prompts.calendar.days import ONE_DAY
from prompts.calendar.festivals import instant, midnight
from prompts.calendar.hours import Entry, Name
from prompts.errors import NoticeRefused

FestivalName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
LONGEST: Final = timedelta(days=400)
When = datetime | date


class Span(Entry):
    """From a day or an hour until another, in the site's own time; `until` a day is until its end."""

    first: When = Field(alias="from")
    last: When = Field(alias="until")

    @field_validator("first", "last")
    @classmethod
    def _without_zone(cls, when: When) -> When:
        if isinstance(when, datetime) and when.tzinfo is not None:
            raise ValueError("is meant in the site's own time zone; leave the zone out: 2026-10-01T18:00:00")
        return when

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        length = _naive_end(self.last) - _naive(self.first)
        if not timedelta(0) < length <= LONGEST:
            raise ValueError(
                f"must end after it begins, at most {LONGEST.days} days later: {self.first} to {self.last}"
            )
        return self

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the first instant, and the first one after it."""
        begins = instant(self.first, zone) if isinstance(self.first, datetime) else midnight(self.first, zone)
        if isinstance(self.last, datetime):
            return begins, instant(self.last, zone)
        return begins, midnight(self.last + ONE_DAY, zone)


class DaysOff(Entry):
    """Some days in a row on which nobody works."""

    first: date = Field(alias="from")
    last: date = Field(alias="until")

    @model_validator(mode="after")
    def _a_few_days(self) -> Self:
        if not 0 <= (self.last - self.first).days <= 31:
            raise ValueError(f"must be 1 to 31 days in order; found {self.first} to {self.last}")
        return self


class YearList(Entry):
    """A year's days off and make-up workdays, in place of the list the library has."""

    year: int = Field(ge=1950, le=2200)
    off: tuple[DaysOff, ...] = Field(min_length=1)
    workdays: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _of_this_year(self) -> Self:
        for each in self.off:
            if each.last.year != self.year:
                raise ValueError(f"{each.first} to {each.last} does not end in {self.year}")
        if overlap := [day for day in self.workdays if any(each.first <= day <= each.last for each in self.off)]:
            raise ValueError(f"{overlap[0]} cannot be a day off and a workday")
        return self


class WindowChange(Span):
    """A festival's greeting is said at a time of our choosing, or is not said.

    `add` says it at this time too, `move` at this time instead of the year's usual one, `silence` not at this time
    (without a festival: none at all). What a new festival `says` is written here, for each language.
    """

    do: Literal["add", "move", "silence"] = "add"
    festival: FestivalName | None = None
    says: Mapping[Literal["zh", "en", "es"], Words] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_what_is_said(self) -> Self:
        if self.festival is None and self.do != "silence":
            raise ValueError(f"to {self.do} a window needs its festival, for example national_day")
        if self.says and self.do != "add":
            raise ValueError(f"to {self.do} a window changes no words; leave out `says`")
        return self


class Closing(Span):
    """Nobody is there, whatever the hours say: a fire alarm, a typhoon, a day of mourning."""

    hours: tuple[Name, ...] | None = Field(None, min_length=1)


class SeasonChange(Span):
    """A season as it is this time, instead of the usual one that it meets."""

    season: Name


class Notice(Entry):
    """All that the operator has said; it may be empty."""

    years: tuple[YearList, ...] = ()
    windows: tuple[WindowChange, ...] = ()
    closings: tuple[Closing, ...] = ()
    seasons: tuple[SeasonChange, ...] = ()

    def __add__(self, later: Notice) -> Notice:
        """Return both, the later one's words after these. Of two lists of one year the later one holds."""
        return Notice(
            years=(*self.years, *later.years),
            windows=(*self.windows, *later.windows),
            closings=(*self.closings, *later.closings),
            seasons=(*self.seasons, *later.seasons),
        )

    @property
    def words(self) -> Mapping[str, Mapping[str, str]]:
        """What new festivals say, by festival and language; the last word holds."""
        found: dict[str, dict[str, str]] = {}
        for change in self.windows:
            if change.festival and change.says:
                found[change.festival] = found.get(change.festival, {}) | {str(k): v for k, v in change.says.items()}
        return found


def read_notice(file: Path) -> Notice:
    """Read the operator's file; one that is not there is empty. Raises NoticeRefused with all that is wrong."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Notice()
    except OSError as problem:
        raise NoticeRefused(file.name, [f"cannot be read: {problem.strerror}"]) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise NoticeRefused(file.name, [f"is not TOML: {problem}"]) from problem
    return checked_notice(raw, file.name)


def checked_notice(raw: object, where: str) -> Notice:
    """Return what was written as a notice; raises NoticeRefused with all that is wrong."""
    try:
        return Notice.model_validate(raw)
    except ValidationError as problem:
        raise NoticeRefused(where, list(_told(problem))) from problem


def _told(problem: ValidationError) -> Iterator[str]:
    for error in problem.errors(include_url=False):
        place = ".".join(str(step) for step in error["loc"]) or "the notice"
        found = error.get("input")
        shown = f" (found {found!r:.60})" if isinstance(found, str | int | float | bool) else ""
        yield f"{place}: {str(error['msg']).removeprefix('Value error, ')}{shown}"


def _naive(when: When) -> datetime:
    return when if isinstance(when, datetime) else datetime(when.year, when.month, when.day)  # noqa: DTZ001 - local


def _naive_end(when: When) -> datetime:
    return when if isinstance(when, datetime) else _naive(when) + ONE_DAY
