"""Alarms go out to an address of the centre's choice, as JSON: to a chat, a pager, a monitoring system.

    {"event": "alarm-raised", "at": "2025-11-21T09:20:00.000000Z", "alarm": "longest-wait:repair", ...}

Each is tried a few times and then given up: it is on the board and in the log as well. Calls never wait for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import aiohttp
import structlog
from pydantic import SecretStr

from routing.events import AlarmEnded, AlarmRaised
from routing.events_json import to_json

TRIES: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=1)
ANSWER_WITHIN: Final = 5.0
ROOM: Final = 200
"""So many may wait to be sent; the oldest go first when there are more."""

log = structlog.get_logger()


class Webhook:
    """Sends alarms, one after the other."""

    def __init__(self, url: SecretStr, *, first_pause: timedelta = FIRST_PAUSE) -> None:
        """`url` may hold a key: it is never shown."""
        self._url, self._first_pause = url, first_pause
        self._waiting: asyncio.Queue[AlarmRaised | AlarmEnded] = asyncio.Queue(ROOM)
        self._task: asyncio.Task[None] | None = None

    def ring(self, alarm: AlarmRaised | AlarmEnded) -> None:
        """Send this alarm as soon as possible."""
        if self._waiting.full():
            log.error("an alarm is not sent: the webhook does not take them", alarm=self._waiting.get_nowait().alarm)
        self._waiting.put_nowait(alarm)

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._send_for_ever(), name="alarm webhook")

    async def stop(self) -> None:
        """Send no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _send_for_ever(self) -> None:
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        async with aiohttp.ClientSession(timeout=limit) as session:
            while True:
                alarm = await self._waiting.get()
                if not await self._sent(session, alarm):
                    log.error("an alarm could not be sent", alarm=alarm.alarm, tries=TRIES)

    async def _sent(self, session: aiohttp.ClientSession, alarm: AlarmRaised | AlarmEnded) -> bool:
        for nth in range(TRIES):
            with suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
                async with session.post(self._url.get_secret_value(), json=to_json(alarm)) as answer:
                    if answer.status < 300:
                        return True
            await asyncio.sleep((self._first_pause * 2**nth).total_seconds())
        return False
