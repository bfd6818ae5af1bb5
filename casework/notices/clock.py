"""Time, so that a test can turn it: the moment it is, and waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets one wait."""

    def now(self) -> datetime:
        """Return the moment it is, in UTC."""

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        """Wait until there is news, but no longer than so many seconds."""


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """See Clock."""
        return datetime.now(UTC)

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        """See Clock."""
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            pass
