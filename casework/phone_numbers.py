"""Telephone numbers as they are compared: the same caller, however the number was written."""

from __future__ import annotations

import re
from typing import Final

COUNTRY: Final = "86"
"""The country whose numbers are written without their country code."""


def plain(number: str, *, country: str = COUNTRY) -> str:
    """Return the number without blanks, dashes and its own country's code: +86 139-1234-5678 is 13912345678."""
    digits = re.sub(r"[^0-9+]", "", number)
    for prefix in (f"+{country}", f"00{country}"):
        if digits.startswith(prefix):
            rest = digits.removeprefix(prefix)
            # A mobile number stands alone, any other needs the 0 of its area code back.
            return rest if rest.startswith(("1", "0", "400", "800")) else f"0{rest}"
    return digits


def masked(number: str) -> str:
    """138****5678: the four digits before the last four are hidden, and more of what is short."""
    if len(number) < 8:
        return "****" + number[-2:] if len(number) > 4 else "****" if number else ""
    return number[:-8] + "****" + number[-4:]
