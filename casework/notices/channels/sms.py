"""SMS by an HTTP provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp

from casework.notices.channel import Accepted, AfterACrash, Letter
from casework.notices.channels.providers import Profile
from casework.notices.channels.web import LIMIT, exchange


class HttpSms:
    """One account at a provider."""

    limit = LIMIT

    def __init__(
        self,
        profile: Profile,
        session: aiohttp.ClientSession,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._profile, self._session, self._now = profile, session, now

    @property
    def after_a_crash(self) -> AfterACrash:
        """See Channel."""
        return self._profile.after_a_crash

    @property
    def gives_receipts(self) -> bool:
        """See Channel."""
        return self._profile.gives_receipts

    async def send(self, letter: Letter) -> Accepted:
        """See Channel."""
        reply = await exchange(self._session, self._profile.request(letter, self._now()))
        return self._profile.read(letter, reply)

    async def ask(self, letter: Letter) -> Accepted | None:
        """See Channel."""
        question = self._profile.question(letter, self._now())
        return None if question is None else self._profile.found(letter, await exchange(self._session, question))
