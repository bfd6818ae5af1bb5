"""The signed link in a notice: whoever has it may answer for that notice, until it expires. No login.

    /n/<notice's id>.<expiry in minutes since 1970, base 36>.<signature>

The signature is HMAC-SHA256 over the rest, cut to 120 bits; so nobody can make a link for another notice, nor make one
last longer. The link says nothing about ticket, person or number.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from pydantic import SecretStr

from casework.notices.notice import NoticeError

PATH: Final = "/n/"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class BadLink(NoticeError):
    """Nobody here made this link, or its time is over."""

    code = "bad-link"


class Links:
    """Makes links and reads them."""

    def __init__(self, secret: SecretStr, *, page: str, good_for: timedelta) -> None:
        """`page` is the address under which people's phones reach us, e.g. https://sms.example.org."""
        self._secret, self._page, self._good_for = secret, page.rstrip("/"), good_for

    def make(self, notice_id: str, now: datetime) -> str:
        """Return the link for a notice."""
        minutes = int((now + self._good_for).timestamp() // 60)
        body = f"{notice_id}.{_in_base_36(minutes)}"
        return f"{self._page}{PATH}{body}.{self._signature(body)}"

    def read(self, token: str, now: datetime) -> str:
        """Return the notice's id that a link's last part is for; raises BadLink."""
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(body).encode()):
            raise BadLink("this link was not made here; open the newest message again, or call the shift lead")
        notice_id, _, minutes = body.rpartition(".")
        if int(minutes, 36) * 60 < now.timestamp():
            raise BadLink("the time of this link is over; call the shift lead")
        return notice_id

    def _signature(self, body: str) -> str:
        whole = hmac.new(self._secret.get_secret_value().encode(), f"link:{body}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(whole[:15]).decode()


def _in_base_36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
