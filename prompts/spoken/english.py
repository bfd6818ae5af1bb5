"""English, as in Britain: one thousand and twenty-four, half past two, the twenty-first of November."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Final

from prompts.spoken.tongue import Money, clock_parts

_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_FIRSTS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
}
_FIRSTS_TOO: Final = {"twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS: Final = {
    "CNY": (("yuan", "yuan"), ("fen", "fen")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "USD": (("dollar", "dollars"), ("cent", "cents")),
}

_NEAR_DAYS: Final = {-1: "yesterday", 0: "today", 1: "tomorrow"}


class English:
    """See Tongue."""

    between = " "
    digits = _ONES[:10]
    letters = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    near_days = _NEAR_DAYS
    minus = "minus"
    point = "point"

    def number(self, number: int) -> Iterator[str]:
        """1024: one thousand and twenty-four."""
        if number < 100:
            yield _small(number)
            return
        rest = number
        for size, name in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
            high, rest = divmod(rest, size)
            if high:
                yield from self.number(high)
                yield name
        hundreds, rest = divmod(rest, 100)
        if hundreds:
            yield _small(hundreds)
            yield "hundred"
        if rest:
            yield "and"
            yield _small(rest)

    def count(self, number: int) -> Iterator[str]:
        """As by itself."""
        yield from self.number(number)

    def money(self, money: Money) -> Iterator[str]:
        """128.50: one hundred and twenty-eight yuan and fifty fen."""
        whole, cents = money.parts
        of_whole, of_cents = _UNITS[money.currency]
        if whole or not cents:
            yield from self.number(whole)
            yield of_whole[whole != 1]
        if cents:
            if whole:
                yield "and"
            yield _small(cents)
            yield of_cents[cents != 1]

    def day(self, day: date, *, year: bool) -> Iterator[str]:
        """Saturday the twenty-first of November; with a year instead of the weekday."""
        if not year:
            yield _DAYS[day.weekday()]
        yield f"the {_ordinal(day.day)}"
        yield f"of {_MONTHS[day.month - 1]}"
        if year:
            yield from self.number(day.year)

    def clock(self, at: time) -> Iterator[str]:
        """Half past two in the afternoon."""
        if at.minute == 0 and at.hour % 12 == 0:
            yield "noon" if at.hour else "midnight"
            return
        hour, minute = at.hour, at.minute
        if minute in (15, 30):
            yield {15: "quarter past", 30: "half past"}[minute]
            yield _hour(hour)
        elif minute == 45:
            yield "quarter to"
            yield _hour(hour + 1)
        else:
            yield _hour(hour)
            if minute:
                yield f"oh {_small(minute)}" if minute < 10 else _small(minute)
            else:
                yield "o'clock"
        yield (
            "in the morning"
            if hour < 12
            else "in the afternoon"
            if hour < 18
            else "in the evening"
            if hour < 22
            else "at night"
        )

    def at_clock(self, at: time) -> Iterator[str]:
        """At half past two."""
        yield "at"
        yield from self.clock(at)

    def duration(self, length: timedelta) -> Iterator[str]:
        """Two hours and thirty minutes."""
        parts = [
            (number, unit)
            for number, unit in zip(clock_parts(length), ("day", "hour", "minute", "second"), strict=True)
            if number
        ] or [(0, "second")]
        for nth, (number, unit) in enumerate(parts):
            if nth and nth == len(parts) - 1:
                yield "and"
            yield from self.number(number)
            yield unit if number == 1 else f"{unit}s"


def _small(number: int) -> str:
    """0 to 99: twenty-four."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _ordinal(number: int) -> str:
    """1 to 31: twenty-first."""
    front, _, last = _small(number).rpartition("-")
    last = _FIRSTS.get(last) or f"{last}th"
    return f"{front}-{last}" if front else last


def _hour(hour: int) -> str:
    return _small((hour - 1) % 12 + 1)


def _part_of_day(hour: int) -> str:
    for until, name in ((12, "in the morning"), (18, "in the afternoon"), (22, "in the evening")):
        if hour < until:
            return name
    return "at night"
