"""A provider that does as it is told, and a clock that a test turns."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from casework.notices import lookup, outbox
from casework.notices.channel import Accepted, AfterACrash, Letter, SendProblem
from casework.notices.notice import NewNotice, Notice, Urgency, Way
from casework.notices.pace import QuietHours
from storage.database import Database

NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


class TurnedClock:
    """A clock that stands still until it is turned."""

    def __init__(self, moment: datetime = NOON) -> None:
        self._now = moment
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self._numbers = itertools.count()
        self._asleep: set[asyncio.Event] = set()

    def now(self) -> datetime:
        return self._now

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        due = asyncio.Event()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._numbers), due))
        self._asleep.add(due)
        waits = [asyncio.ensure_future(event.wait()) for event in (news, due)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._asleep.discard(due)
            for each in waits:
                each.cancel()

    def turn(self, **by: float) -> datetime:
        """Let so much time pass (`seconds=5`)."""
        self._now += timedelta(**by)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            due = heapq.heappop(self._sleepers)[2]
            due.set()
            self._asleep.discard(due)
        return self._now

    async def turn_and_settle(self, sleepers: int, **by: float) -> None:
        """Let time pass, and then what was woken work until so many wait for the clock again."""
        await self._settled(sleepers)
        self.turn(**by)
        await self._settled(sleepers)

    async def _settled(self, sleepers: int) -> None:
        async with asyncio.timeout(120):
            while len(self._asleep) < sleepers:
                await asyncio.sleep(0.001)


class Provider:
    """Takes letters, or raises what stands in `answers`, one each; `down` is raised always, `cannot_say` when asked."""

    def __init__(
        self, *, after_a_crash: AfterACrash = AfterACrash.SEND_AGAIN, gives_receipts: bool = False, limit: float = 5
    ) -> None:
        self.after_a_crash, self.gives_receipts, self.limit = after_a_crash, gives_receipts, limit
        self.taken: list[Letter] = []
        self.asked: list[str] = []
        self.answers: list[SendProblem | None] = []
        self.down: SendProblem | None = None
        self.cannot_say: SendProblem | None = None
        self.knows: Mapping[str, Accepted] = {}
        self.tries = 0

    async def send(self, letter: Letter) -> Accepted:
        self.tries += 1
        if self.down is not None:
            raise self.down
        if self.answers and (answer := self.answers.pop(0)) is not None:
            raise answer
        self.taken.append(letter)
        return Accepted(f"sms-{len(self.taken)}")

    async def ask(self, letter: Letter) -> Accepted | None:
        self.asked.append(letter.id)
        if self.cannot_say is not None:
            raise self.cannot_say
        return self.knows.get(letter.id)

    @property
    def times(self) -> Counter[str]:
        return Counter(letter.id for letter in self.taken)


def a_notice(key: str = "T1:opened:crew", **also: Any) -> NewNotice:
    return NewNotice(
        **{
            "key": key,
            "occasion": "test",
            "language": "en",
            "to": "crew-1",
            "ways": (Way("sms", "+8613800138000"),),
            "values": {"brand": "Sunshine"},
        }
        | also
    )


async def post(
    database: Database, *notices: NewNotice, now: datetime = NOON, quiet: QuietHours | None = None
) -> list[str]:
    """Write notices into the outbox, all in one transaction."""
    return await database.write(
        lambda transaction: [outbox.write(transaction, each, now=now, quiet=quiet) for each in notices]
    )


async def look(database: Database, notice: str) -> Notice:
    return await database.read(lambda connection: lookup.found(connection, notice))


EMERGENCY = Urgency.EMERGENCY
