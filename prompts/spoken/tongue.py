"""What a language has to know to say values. Each method yields pieces; PAUSE among them is a short silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar, Final, Protocol

Pieces = tuple[str, ...]
PAUSE: Final = ","


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency, by its ISO 4217 code."""

    CURRENCIES: ClassVar[tuple[str, ...]] = ("CNY", "EUR", "USD")

    amount: Decimal
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if self.currency not in self.CURRENCIES:
            raise ValueError(f"{self.currency!r} is no currency we can say; expected {', '.join(self.CURRENCIES)}")

    @property
    def parts(self) -> tuple[int, int]:
        """Whole units and hundredths, rounded as in trade."""
        cents = int((self.amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        return divmod(cents, 100)


class Tongue(Protocol):
    """One language. Numbers are whole, from 0 to below 10**12."""

    @property
    def between(self) -> str:
        """What stands between two pieces in writing."""

    @property
    def digits(self) -> Sequence[str]:
        """0 to 9, one by one."""

    @property
    def letters(self) -> Sequence[str]:
        """The names of A to Z."""

    @property
    def near_days(self) -> Mapping[int, str]:
        """Words for yesterday, today and the like, by how many days they are away."""

    @property
    def minus(self) -> str:
        """Said before a number below 0."""

    @property
    def point(self) -> str:
        """Said before decimals."""

    def number(self, number: int) -> Iterator[str]:
        """A number by itself."""

    def count(self, number: int) -> Iterator[str]:
        """A number before the thing that is counted."""

    def money(self, money: Money) -> Iterator[str]:
        """An amount from 0."""

    def day(self, day: date, *, year: bool) -> Iterator[str]:
        """A date, with its year or without."""

    def clock(self, at: time) -> Iterator[str]:
        """A time of day, to the minute."""

    def at_clock(self, at: time) -> Iterator[str]:
        """The same after a day."""

    def duration(self, length: timedelta) -> Iterator[str]:
        """A length of time, from 0."""


def clock_parts(length: timedelta) -> tuple[int, int, int, int]:
    """Split a length of time into days, hours, minutes, and the seconds of one below a minute."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return 0, 0, 0, seconds
    minutes = (seconds + 30) // 60
    return minutes // 1440, minutes % 1440 // 60, minutes % 60, 0
