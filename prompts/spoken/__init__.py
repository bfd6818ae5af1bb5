"""How values are said aloud: numbers, dates, money, telephone numbers, codes, as people say them in each language.

    spoken("time", time(14, 30), "zh", at=now) == ("下午", "两点", "半")

A value becomes a few pieces out of a vocabulary that is known in advance, so each piece is made into sound once and a
call joins them; nothing has to be spoken while a caller waits. Only `words`, a text nobody knows in advance, is not
made of such pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

import phonenumbers

from prompts.errors import CannotSay
from prompts.spoken.chinese import Chinese
from prompts.spoken.english import English
from prompts.spoken.spanish import Spanish
from prompts.spoken.tongue import PAUSE, Money, Pieces, Tongue

__all__ = [
    "FREE",
    "KINDS",
    "LANGUAGES",
    "PAUSE",
    "SPOKEN",
    "Money",
    "Pieces",
    "Value",
    "spoken",
    "vocabulary",
    "written",
]

Value = str | int | Decimal | date | time | datetime | timedelta | Money
"""What a call can be told to say; a `datetime` knows its zone."""

TONGUES: Final[Mapping[str, Tongue]] = {"en": English(), "es": Spanish(), "zh": Chinese()}
LANGUAGES: Final = tuple(TONGUES)
HOME: Final = "CN"
"""Whose telephone numbers are written without a country code."""
LONGEST_CODE: Final = 40
LONGEST_WORDS: Final = 300
FIRST_YEAR, END_YEAR = 2000, 2100
MOST: Final = 10**12
"""Numbers from here on are no longer understood by ear."""


def spoken(kind: str, value: Value, language: str, *, at: datetime) -> Pieces:
    """Return the pieces to say, in order; raise `CannotSay` for a value that is not of this kind.

    `at` is the moment of the call in the site's zone: what lies on the same day is said as today.
    """
    try:
        return tuple(KINDS[kind](value, TONGUES[language], at))
    except (TypeError, ValueError, ArithmeticError, AttributeError) as wrong:
        raise CannotSay(kind, value, str(wrong)) from wrong


def written(pieces: Iterable[str], language: str) -> str:
    """Return pieces as one text, which a voice speaks or a person reads."""
    text = TONGUES[language].between.join(pieces)
    comma = "，" if language == "zh" else ","
    return re.sub(rf"\s*{PAUSE}", comma, text)


@cache
def vocabulary(language: str, kinds: frozenset[str]) -> frozenset[str]:
    """Return every piece that values of these kinds can be made of."""
    tongue = TONGUES[language]
    return frozenset(piece for kind in kinds for piece in _all_pieces(kind, tongue) if piece != PAUSE)


def _number(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """A number, with decimals if it has any: 一千零二十四."""
    yield from _decimal(_amount(value), tongue)


def _count(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """How many of something: 两 (and not 二)."""
    number = _amount(value)
    if number != int(number) or number < 0:
        raise ValueError("a count is a whole number from 0")
    yield from tongue.count(int(number))


def _decimal(number: Decimal, tongue: Tongue) -> Iterator[str]:
    if number < 0:
        yield tongue.minus
        number = -number
    yield from tongue.number(int(number))
    if digits := f"{number:f}".partition(".")[2].rstrip("0"):
        yield tongue.point
        yield from (tongue.digits[int(digit)] for digit in digits)


def _digits(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """Digit by digit, as a work number is said: 一零二四."""
    text = str(value)
    if not re.fullmatch(rf"[0-9]{{1,{LONGEST_CODE}}}", text):
        raise ValueError(f"expected 1 to {LONGEST_CODE} digits")
    yield from (tongue.digits[int(digit)] for digit in text)


def _code(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """Letters and digits one by one, a pause where the code has a - or a space."""
    text = str(value).upper()
    if not re.fullmatch(rf"[0-9A-Z](?:[ -]?[0-9A-Z]){{0,{LONGEST_CODE - 1}}}", text):
        raise ValueError(f"expected up to {LONGEST_CODE} of A-Z and 0-9, in groups apart by a single - or space")
    for sign in text:
        if sign.isdigit():
            yield tongue.digits[int(sign)]
        else:
            yield tongue.letters[ord(sign) - ord("A")] if sign.isalpha() else PAUSE


def _phone(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """Digit by digit, in the groups in which people of that country know their numbers."""
    text = str(value)
    if not re.fullmatch(r"\+?[0-9]{2,20}", text):
        raise ValueError("expected 2 to 20 digits, with or without + in front")
    for nth, group in enumerate(_groups(text)):
        if nth:
            yield PAUSE
        yield from (tongue.digits[int(digit)] for digit in group)


def _groups(number: str) -> list[str]:
    """Split a telephone number as its country does; what is no such number, into threes from the left."""
    try:
        known = phonenumbers.parse(number, HOME)
        if phonenumbers.is_valid_number(known):
            home = known.country_code == phonenumbers.country_code_for_region(HOME)
            form = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
            return re.findall(r"[0-9]+", phonenumbers.format_number(known, form))
    except phonenumbers.NumberParseException:
        pass
    digits = number.removeprefix("+")
    return [digits[at : at + 3] for at in range(0, len(digits), 3)] if len(digits) > 4 else [digits]


def _money(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """An amount of money, `Money` or a number of yuan: 一百二十八元五角."""
    money = value if isinstance(value, Money) else Money(_amount(value))
    if money.amount < 0:
        yield tongue.minus
    yield from tongue.money(Money(abs(_amount(money.amount)), money.currency))


def _date(value: Value, tongue: Tongue, at: datetime) -> Iterator[str]:
    """A day: today, tomorrow, or its date; the year is said when it is not this one."""
    day = _here(value, at).date() if isinstance(value, datetime) else value
    if not isinstance(day, date):
        raise TypeError(f"expected a date, not {type(value).__name__}")
    if not FIRST_YEAR <= day.year < END_YEAR:
        raise ValueError(f"expected a day of the years {FIRST_YEAR} to {END_YEAR - 1}")
    away = (day - at.date()).days
    if away in tongue.near_days:
        yield tongue.near_days[away]
    else:
        yield from tongue.day(day, year=day.year != at.year)


def _time(value: Value, tongue: Tongue, at: datetime) -> Iterator[str]:
    """A time of day, to the minute: 下午两点半."""
    clock = _here(value, at).time() if isinstance(value, datetime) else value
    if not isinstance(clock, time):
        raise TypeError(f"expected a time, not {type(value).__name__}")
    yield from tongue.clock(clock)


def _moment(value: Value, tongue: Tongue, at: datetime) -> Iterator[str]:
    """A day and a time of it: 明天上午九点."""
    if not isinstance(value, datetime):
        raise TypeError(f"expected a datetime, not {type(value).__name__}")
    yield from _date(value, tongue, at)
    yield from tongue.at_clock(_here(value, at).time())


def _here(moment: datetime, at: datetime) -> datetime:
    """The moment in the zone of the call."""
    if moment.tzinfo is None:
        raise ValueError("expected a datetime that knows its zone")
    return moment.astimezone(at.tzinfo)


def _duration(value: Value, tongue: Tongue, _: datetime) -> Iterator[str]:
    """A length of time in days, hours and minutes; seconds only below a minute."""
    if not isinstance(value, timedelta):
        raise TypeError(f"expected a timedelta, not {type(value).__name__}")
    if not timedelta(0) <= value < timedelta(days=1000):
        raise ValueError("expected 0 seconds to 999 days")
    yield from tongue.duration(value)


def _words(value: Value, _tongue: Tongue, _: datetime) -> Iterator[str]:
    """A text that nobody knew in advance, as it is."""
    text = " ".join(str(value).split())
    if not 0 < len(text) <= LONGEST_WORDS:
        raise ValueError(f"expected a text of 1 to {LONGEST_WORDS} characters")
    yield text


def _prompt(value: Value, _tongue: Tongue, _: datetime) -> Iterator[str]:
    """The words of another prompt, by its id; the catalogue puts them in."""
    yield str(value)


KINDS: Final[Mapping[str, Callable[[Value, Tongue, datetime], Iterator[str]]]] = {
    "number": _number,
    "count": _count,
    "digits": _digits,
    "code": _code,
    "phone": _phone,
    "money": _money,
    "date": _date,
    "time": _time,
    "moment": _moment,
    "duration": _duration,
    "prompt": _prompt,
    "words": _words,
}
"""How a `{name:kind}` in a text is said."""
FREE: Final = frozenset({"words", "prompt"})
"""Kinds that have no vocabulary."""


def _amount(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError(f"expected a number, not {type(value).__name__}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("expected a number") from None
    if not number.is_finite() or abs(number) >= MOST or len(f"{number:f}".partition(".")[2]) > 6:
        raise ValueError(f"expected a number below {MOST:,} with at most 6 decimals")
    return number


def _all_pieces(kind: str, tongue: Tongue) -> Iterator[str]:
    """Pieces of a kind, by saying values that between them need all of them."""
    some = datetime(2000, 1, 1)  # noqa: DTZ001 - only the calendar's words are asked for
    if kind in FREE:
        return
    yield from (*tongue.digits, *(tongue.letters if kind == "code" else ()))
    if kind in ("number", "count", "money", "duration"):
        yield from (tongue.minus, tongue.point)
        for number in (*range(1000), *(first * 10**power for first in range(1, 10) for power in range(3, 12))):
            yield from tongue.number(number)
            yield from tongue.count(number)
    if kind == "money":
        for currency in Money.CURRENCIES:
            for cents in (*range(300), 100_000_000, 200_000_000):
                yield from tongue.money(Money(Decimal(cents) / 100, currency))
    if kind in ("date", "moment"):
        yield from tongue.near_days.values()
        for day in range(366):
            yield from tongue.day((some + timedelta(days=day)).date(), year=False)
        for year in range(FIRST_YEAR, END_YEAR):
            yield from tongue.day(date(year, 1, 1), year=True)
    if kind in ("time", "moment"):
        for minute in range(24 * 60):
            yield from tongue.clock((some + timedelta(minutes=minute)).time())
            yield from tongue.at_clock((some + timedelta(minutes=minute)).time())
    if kind == "duration":
        for length in (*range(60), *range(60, 7200, 60), *range(3600, 90_000, 1800), 86_400, 172_800, 1_814_400):
            yield from tongue.duration(timedelta(seconds=length))


# Values of the site, known when sounds are made: a plan has one file for each.


def as_written(value: str, _language: str) -> str:
    """Return a name as the site wrote it for this language."""
    return value


def digit_by_digit(value: str, language: str) -> str:
    """Return a work number as the trade says it: 1024 is 一零二四, or 1 0 2 4."""
    if language == "zh":
        return value.translate(str.maketrans("0123456789", "零一二三四五六七八九"))
    return " ".join(value)


SPOKEN: Final[Mapping[str, Callable[[str, str], str]]] = {
    "brand": as_written,
    "work_number": digit_by_digit,
}
"""Every parameter of the site a text may use, and the rule that turns its value into words of a language."""
