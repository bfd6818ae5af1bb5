"""What the event log remembers of calls, asked while a caller may be waiting: a log that is slow is not waited for."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from routing.events import CallEnded, Event, LanguageChosen, PhoneNumber
from routing.log import EventLog, LoggedCall

LONGEST_CALL: Final = timedelta(hours=12)
MOST_CALLS: Final = 2000
"""So many of the latest calls are looked through for those that were not over when we were last here."""
LATEST_CALLS: Final = 20
"""So many of a caller's latest calls are looked through for the language he chose."""
ASKED_WITHIN: Final = 1.0
"""Seconds."""

log = structlog.get_logger()


class Recall:
    """Looks things up in one event log."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    async def has(self, kind: type[Event], call: str) -> bool:
        """Whether the log has an event of this kind for this call.

        A log that cannot be asked now is taken to have none: a caller is waiting for the answer.
        """
        try:
            async with asyncio.timeout(ASKED_WITHIN):
                await self._events.flushed()
                return any(isinstance(step, kind) for step in await self._events.of_call(call))
        except Exception as problem:
            log.warning("the event log could not be asked", call=call, problem=str(problem))
            return False

    async def language_of(self, caller: PhoneNumber) -> str | None:
        """The language this caller chose last. A log that cannot be asked now is not waited for."""
        try:
            async with asyncio.timeout(ASKED_WITHIN):
                await self._events.flushed()
                for call in await self._events.calls_from(caller, limit=LATEST_CALLS):
                    chosen = [fact.language for fact in call.events if isinstance(fact, LanguageChosen)]
                    if chosen:
                        return chosen[-1]
        except Exception as problem:
            log.warning("nobody knows which language a caller speaks", problem=str(problem))
        return None

    async def unfinished(self, now: datetime) -> list[LoggedCall]:
        """Return the calls that were not over when we were last here."""
        latest = await self._events.calls(since=now - LONGEST_CALL, limit=MOST_CALLS)
        return [call for call in latest if not any(isinstance(fact, CallEnded) for fact in call.events)]
