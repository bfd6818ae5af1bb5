"""Today's figures, kept as events happen; and those of any other time, computed from the log when they are asked for.

What is kept can be proven: `check` computes the same from the log, up to the same event, and tells what differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, get_args

from routing.events import Event
from routing.figures import Formula, QueueCounts, service_level, total
from routing.figures_table import By, Column, Row, columns, of_queue, table
from routing.log import EventLog
from routing.picture import Canvas
from routing.replay import Taker, Together, replay
from routing.staff import Queue
from routing.tally import Hour, Tally
from routing.usual import Usual

CENTRE: Final = "*"
"""The name of all queues together among the figures on the board."""
SHOWN_EVERY: Final = timedelta(seconds=1)
FORMULAS: Final[tuple[Formula, ...]] = get_args(Formula)


class Ledger:
    """Counts from the log's end on; `start` reads what there was of today before."""

    def __init__(
        self,
        log: EventLog,
        queues: Sequence[Queue],
        zone: tzinfo,
        *,
        usual: Usual | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`usual` is shown beside today's hours.

        `take` must be given every event that is recorded in the log after `start`, in its order, and no other.
        """
        self._log, self._zone, self._now = log, zone, now
        self._queues: Mapping[str, Queue] = {queue.name: queue for queue in queues}
        self._day = self._today()
        self.tally = Tally(self._queues, zone, since=self._day)
        self._newest = 0
        self._shown_at: datetime | None = None
        self._usual = usual or Usual(zone)

    async def start(self, *others: Taker) -> None:
        """Read what there was of today, and let others read it too."""
        self._newest = await self._log.flushed()
        readers = Together(self.tally, *others)
        await replay(self._log, readers, since=self._day, until=self._end_of_time(), up_to=self._newest)

    def take(self, event: Event) -> None:
        """Take the next event."""
        self._newest += 1
        self._turn_the_page()
        self.tally.take(event)

    # What is shown

    def show(self, canvas: Canvas) -> None:
        """Put today's figures, at most once a second."""
        now = self._now()
        if self._shown_at is not None and now - self._shown_at < SHOWN_EVERY:
            return
        self._shown_at = now
        self._turn_the_page()
        for name in (CENTRE, *self._queues):
            canvas.put("figures", name, self._figures(name))

    def today(self, queue: str) -> QueueCounts:
        """Today's counts of a queue, or of all (CENTRE)."""
        return total(
            (counts for hour, counts in self.tally.queues.items() if queue in (CENTRE, hour.of)), QueueCounts()
        )

    def hour(self, at: datetime) -> datetime:
        """When the hour of this moment began."""
        return self.tally.hour(at)

    def calls_in(self, queue: str, begins: datetime) -> int:
        """How many callers came in this hour of today."""
        return sum(
            counts.offered
            for hour, counts in self.tally.queues.items()
            if hour.begins == begins and queue in (CENTRE, hour.of)
        )

    def _figures(self, queue: str) -> dict[str, Any]:
        counts = self.today(queue)
        hours = [(self._day + timedelta(hours=hour)) for hour in range(24)]
        return {
            "queue": queue,
            "day": self._day.astimezone(self._zone).date().isoformat(),
            **of_queue(counts, "of-offered"),
            "service_levels": {formula: service_level(counts, formula) for formula in FORMULAS},
            "calls_by_hour": [self.calls_in(queue, hour.astimezone(UTC)) for hour in hours],
            "usual_by_hour": [self._usual_callers(queue, hour.astimezone(UTC)) for hour in hours],
        }

    def _usual_callers(self, queue: str, hour: datetime) -> float | None:
        each = [self._usual.expected(name, hour) for name in self._queues if queue in (CENTRE, name)]
        known = [expected.callers for expected in each if expected is not None]
        return sum(known) if known and len(known) == len(each) else None

    # What is asked for

    async def table(
        self, since: datetime, until: datetime, by: By, *, formula: Formula = "of-offered", queue: str | None = None
    ) -> tuple[Sequence[Column], list[Row]]:
        """The figures of this time, from the log. Reading takes its time: a second for some 20,000 events."""
        tally = Tally(self._queues, self._zone, since=since)
        await replay(self._log, tally, since=since, until=until)
        tally.spend_to(min(until, self._now()))
        rows = await asyncio.to_thread(table, tally, by, zone=self._zone, formula=formula, queue=queue)
        return columns(by), rows

    async def check(self) -> list[str]:
        """Compute today's figures from the log too, and return what differs, one line each; nothing when all agree."""
        kept, up_to, now = deepcopy(self.tally), self._newest, self._now()
        again = Tally(self._queues, self._zone, since=self._day)
        await replay(self._log, again, since=self._day, until=self._end_of_time(), up_to=up_to)
        for tally in (kept, again):
            tally.spend_to(now)
        return [*_differences(kept.queues, again.queues), *_differences(kept.agents, again.agents)]

    # Days

    def _turn_the_page(self) -> None:
        if self._now() >= self._day + timedelta(days=1) and self._today() > self._day:
            self._day = self._today()
            self.tally.begin_at(self._day)

    def _today(self) -> datetime:
        local = self._now().astimezone(self._zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def _end_of_time(self) -> datetime:
        return datetime.max.replace(tzinfo=UTC)


def _differences(kept: Mapping[Hour, object], again: Mapping[Hour, object]) -> Iterator[str]:
    for hour in sorted(kept.keys() | again.keys()):
        mine, theirs = kept.get(hour), again.get(hour)
        if mine != theirs:
            when = f"{hour.begins:%Y-%m-%d %H:%M} UTC"
            yield f"{hour.of}, {when}: kept {mine or 'nothing'}, the log says {theirs or 'nothing'}"
