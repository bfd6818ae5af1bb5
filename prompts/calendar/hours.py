"""Opening hours as data: which days, which hours, in which season."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from prompts.calendar.days import ONE_DAY
from prompts.calendar.festivals import instant, midnight

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "weekend", "holiday"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Kind = Literal["workday", "make-up", "weekend", "holiday"]
Interval = tuple[datetime, datetime]
"""From one instant until just before another."""


class Entry(BaseModel):
    """A part of a file: fixed once read, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Day(Entry):
    """A day of the calendar, as opening hours see it."""

    date: date
    kind: Kind
    weekday: Weekday
    """The day of the week whose hours hold; that of a make-up workday is the one of the day off it was given for."""

    @property
    def names(self) -> frozenset[str]:
        """What this day is called in opening hours. A holiday is no weekday; a make-up Saturday is one."""
        if self.kind == "holiday":
            return frozenset({"holiday"})
        return frozenset({self.weekday, "weekend" if self.kind == "weekend" else "workday"})


class Opening(Entry):
    """Hours on some days, in the site's own time; `close` is already closed, and 00:00 is the day's end.

    Without `days` it is every day, holidays too. With a `season` it holds in that season only.
    """

    days: Sequence[DayName] | None = Field(None, min_length=1)
    open: time = time()
    close: time = time()
    season: Name | None = None

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.close != time() and self.open >= self.close:
            raise ValueError(f"opens at {self.open} but closes at {self.close}; split hours over midnight in two")
        return self

    def on(self, day: Day, zone: ZoneInfo) -> Interval | None:
        """Return these hours on a day, as instants; None if they do not hold then."""
        if self.days is not None and day.names.isdisjoint(self.days):
            return None
        begins = instant(datetime.combine(day.date, self.open), zone)
        ends = instant(datetime.combine(day.date, self.close), zone) if self.close != time() else None
        return begins, ends or midnight(day.date + ONE_DAY, zone)


class Season(Entry):
    """A stretch of each year, from one day (MM-DD) through another; it may reach over New Year."""

    first: str = Field(alias="from")
    last: str = Field(alias="until")

    @field_validator("first", "last")
    @classmethod
    def _a_day_of_any_year(cls, text: str) -> str:
        if not re.fullmatch(r"\d\d-\d\d", text):
            raise ValueError("must be a day of the year, month and day: 11-15")
        date.fromisoformat(f"2023-{text}")  # 29 February would be a day of some years only
        return text

    def of_year(self, year: int) -> tuple[date, date]:
        """Return the first and the last day of the season that begins in this year."""
        ends = year if self.first <= self.last else year + 1
        return date.fromisoformat(f"{year}-{self.first}"), date.fromisoformat(f"{ends}-{self.last}")


def joined(intervals: Sequence[Interval]) -> list[Interval]:
    """Return the intervals in order, those that touch made one."""
    found: list[Interval] = []
    for begins, ends in sorted(intervals):
        if found and begins <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ends)
        elif begins < ends:
            found.append((begins, ends))
    return found


def cut(intervals: Sequence[Interval], begins: datetime, ends: datetime) -> list[Interval]:
    """Return what is left of the intervals outside this one."""
    left = [(start, min(end, begins)) for start, end in intervals] + [
        (max(start, ends), end) for start, end in intervals
    ]
    return [(start, end) for start, end in sorted(left) if start < end]


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment in the site's own time; raises ValueError for one without a zone of its own."""
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(UTC).astimezone(zone)
