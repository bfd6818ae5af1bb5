"""Figures of any stretch of time, computed anew from the event log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final, Protocol

from routing.events import Event
from routing.log import EventLog, Recorded

WARM_UP: Final = timedelta(days=1)
"""Reading begins so long before the time asked for: who waits or talks then, and who is signed in, began earlier."""
AT_ONCE: Final = 250
"""Read in small pieces: calls are served between them."""


class Taker(Protocol):
    """Takes events in their order (`routing/tally.py`, `routing/live.py`)."""

    def take(self, event: Event) -> None:
        """Take the next event."""


class Together:
    """Several takers as one."""

    def __init__(self, *takers: Taker) -> None:
        self._takers = takers

    def take(self, event: Event) -> None:
        """Give it to each."""
        for taker in self._takers:
            taker.take(event)


async def replay(log: EventLog, taker: Taker, *, since: datetime, until: datetime, up_to: int | None = None) -> int:
    """Give a taker what happened from `since` on, and before `until`, with what it takes to understand it.

    `up_to` is the last number to read. Returns how many events were read.
    """
    read = 0
    async for recorded in events_from(log, await first_number(log, since - WARM_UP)):
        if recorded.event.at >= until or (up_to is not None and recorded.seq > up_to):
            break
        taker.take(recorded.event)
        read += 1
    return read


async def events_from(log: EventLog, first: int) -> AsyncIterator[Recorded]:
    """Yield what was written from this number on, oldest first."""
    after = first - 1
    while some := await log.after(after, limit=AT_ONCE):
        for recorded in some:
            yield recorded
        after = some[-1].seq


async def first_number(log: EventLog, moment: datetime) -> int:
    """Return the number of the first event at or after this moment, or nearly so: clocks and order differ a little.

    The log has no index of time; a few steps of halving find it.
    """
    low, high = 0, await log.flushed()
    while low < high:
        middle = (low + high) // 2
        found = await log.after(middle, limit=1)
        if found and found[0].event.at < moment:
            low = found[0].seq
        else:
            high = middle
    return low + 1
