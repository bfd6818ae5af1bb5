"""Tracking codes: nine digits that a caller can be told and can key in, the last one a check digit.

Digits only, for a telephone has no other keys and no letter can be misheard. The check digit is Damm's: each single
wrong digit and each swap of two neighbours is noticed, so a slip never leads to somebody else's ticket. Codes that
follow each other look nothing alike; they are no secret, and nothing private is told for a code alone.
"""

from __future__ import annotations

import re
from typing import Final

LENGTH: Final = 9
MOST: Final = 10 ** (LENGTH - 1)
"""So many tickets can have codes."""

_STRIDE: Final = 61_803_399
"""Has no divisor in common with MOST, so that no two numbers share a code."""
_START: Final = 27_182_818

_BACK: Final = pow(_STRIDE, -1, MOST)

_QUASIGROUP: Final = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
"""The table of order 10 in H. M. Damm's thesis (Marburg 2004): totally anti-symmetric, with zeros on its diagonal."""


def code_of(number: int) -> str:
    """Return the code of the ticket with this number; raises ValueError when the numbers are used up."""
    if not 0 < number < MOST:
        raise ValueError(f"tickets are numbered from 1 to {MOST - 1}, not {number}")
    body = f"{(_START + number * _STRIDE) % MOST:0{LENGTH - 1}}"
    return body + _check_digit(body)


def number_of(code: str) -> int | None:
    """Return the number of the ticket with this code; None for what cannot be a code."""
    digits = read_code(code)
    return None if digits is None else (int(digits[:-1]) - _START) * _BACK % MOST


def read_code(said: str) -> str | None:
    """Return the code somebody wrote or keyed, blanks and dashes left out; None for what cannot be a code."""
    digits = re.sub(r"[\s-]", "", said)
    if len(digits) != LENGTH or not digits.isascii() or not digits.isdecimal() or _check_digit(digits) != "0":
        return None
    return digits


def in_groups(code: str) -> str:
    """Return the code as it is written and said: 123 456 789."""
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def _check_digit(digits: str) -> str:
    """Return the digit that makes these whole; that of a whole code is 0."""
    between = "0"
    for digit in digits:
        between = _QUASIGROUP[int(between)][int(digit)]
    return between
