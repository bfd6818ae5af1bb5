"""Telephone numbers as they are compared: the same caller, however the number was written."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

COUNTRY: Final = "86"
"""The country whose numbers are written without their country code."""


_CALLABLE: Final = re.compile(r"\+?[0-9]{2,20}").fullmatch


def plain(number: str, *, country: str = COUNTRY) -> str:
    """Return the number without blanks, dashes and its own country's code: +86 139-1234-5678 is 13912345678."""
    digits = re.sub(r"[^0-9+]", "", number)
    for prefix in (f"+{country}", f"00{country}"):
        if digits.startswith(prefix):
            rest = digits.removeprefix(prefix)
            # A mobile number stands alone, any other needs the 0 of its area code back.
            return rest if rest.startswith(("1", "0", "400", "800")) else f"0{rest}"
    return digits


def callable_number(shown: str) -> str:
    """Return what the carrier shows of a caller, if that is a number at all; it may be any text."""
    return shown if _CALLABLE(shown) else ""


def at_home(number: str, region: str) -> str:
    """Return the number as one dials it in this region (CN): national digits, or 00 and the country abroad.

    What no numbering plan has (an extension, a short code) is returned as it is, without blanks and dashes.
    """
    bare = re.sub(r"[ ()/.-]", "", number)
    try:
        parsed = phonenumbers.parse(bare, region)
    except NumberParseException:
        return bare
    if not phonenumbers.is_valid_number(parsed):
        return bare
    if parsed.country_code != phonenumbers.country_code_for_region(region):
        return "00" + _digits(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))
    return _digits(phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL))


def spellings(number: str, region: str) -> frozenset[str]:
    """Return every way in which this number may have been written down: 138..., +86138..., 0086138..."""
    home = at_home(number, region)
    try:
        parsed = phonenumbers.parse(home, region)
    except NumberParseException:
        return frozenset({number, home})
    abroad = _digits(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))
    return frozenset({number, home, f"+{abroad}", f"00{abroad}", abroad})


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdigit())


def masked(number: str) -> str:
    """138****5678: the four digits before the last four are hidden, and more of what is short."""
    if len(number) < 8:
        return "****" + number[-2:] if len(number) > 4 else "****" if number else ""
    return number[:-8] + "****" + number[-4:]
