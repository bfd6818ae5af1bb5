"""Telephone numbers, checked by the numbering plan before anything is sent to them."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from casework.notices.notice import NoticeError


class BadNumber(NoticeError):
    """Not a number anybody could have; the sentence does not repeat it."""

    code = "bad-number"


def e164(number: str, region: str) -> str:
    """Return a number as +8613800138000; one without a country is of `region` (CN). Raises BadNumber."""
    try:
        parsed = phonenumbers.parse(number, region)
    except NumberParseException as problem:
        raise BadNumber(f"this is not a telephone number of {region} or with a country code (+86...)") from problem
    if not phonenumbers.is_valid_number(parsed):
        raise BadNumber("no such telephone number can exist; check its length and its first digits")
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def can_have_sms(number: str, region: str) -> bool:
    """Whether this may be a mobile phone's number; in some countries that cannot be seen from it."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number, region))
    except NumberParseException:
        return False
    return kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
