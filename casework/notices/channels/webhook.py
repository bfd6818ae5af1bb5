"""Another system is told by HTTP: one JSON object, signed, with a key under which it is taken once.

    POST <address>
    X-Hotline-Key: <the notice's id>                      the same for each try: take it once
    X-Hotline-Signature: t=<seconds since 1970>,v1=<hex>  HMAC-SHA256 of "<t>.<body>"

200, 201, 202, 204 and 409 (already there) mean that it is taken.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import aiohttp
from pydantic import SecretStr

from casework.notices.channel import Accepted, AfterACrash, Letter, Refused, TryLater
from casework.notices.channels.web import LIMIT, Request, by_status, exchange

TAKEN: Final = (200, 201, 202, 204, 409)


class Webhook:
    """A system that honours our key."""

    after_a_crash = AfterACrash.SAME_KEY
    gives_receipts = False
    limit = LIMIT

    def __init__(
        self,
        secret: SecretStr,
        session: aiohttp.ClientSession,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._secret, self._session, self._now = secret, session, now

    async def send(self, letter: Letter) -> Accepted:
        """See Channel."""
        told = {
            "id": letter.id,
            "occasion": letter.occasion,
            "ticket": letter.ticket,
            "language": letter.language,
            "title": letter.title,
            "text": letter.text,
            "values": dict(letter.values),
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        seconds = int(self._now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "X-Hotline-Key": letter.id,
            "X-Hotline-Signature": f"t={seconds},v1={signature(body, seconds, self._secret)}",
        }
        reply = await exchange(self._session, Request("POST", letter.address, headers, body))
        if reply.status in TAKEN:
            return Accepted()
        if reply.status in (408, 425, 429, 503):
            raise TryLater(f"the other system takes nothing just now (status {reply.status})")
        raise by_status(reply) or Refused(f"the other system refuses it (status {reply.status})")

    async def ask(self, letter: Letter) -> Accepted | None:  # noqa: ARG002 - it honours our key instead
        """See Channel."""
        return None


def signature(body: bytes, seconds: int, secret: SecretStr) -> str:
    """Return the signature of a body sent at this time."""
    signed = f"{seconds}.".encode() + body
    return hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
