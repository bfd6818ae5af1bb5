"""What can be wrong in a centre, one rule each; `routing/alarms.py` makes alarms of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from routing.alarms import Finding
from routing.events import DriftFound, Event, TrunkBack, TrunkLost
from routing.figures import QueueCounts, service_level
from routing.ledger import Ledger
from routing.live import Live
from routing.staff import Queue
from routing.tally import HOUR, Hour
from routing.truth import Truth
from routing.usual import Usual, swing

FEWEST: Final = 20
"""So many callers within two hours make a service level that means something."""
BETTER: Final = 0.02
"""So much above its limit a service level must be for its alarm to end."""
SHORTER: Final = 0.8
"""A wait must be shorter than this share of the limit for its alarm to end."""
MOST_DRIFT: Final = 3
"""So many unexplained differences from Asterisk within an hour are an alarm."""


class Outbox(Protocol):
    """Where promises wait to be sent (casework); an alarm when they do not leave."""

    def stuck(self) -> timedelta | None:
        """How long the oldest one is overdue; None while all is well."""


class NoOutbox:
    """An outbox that is never stuck."""

    def stuck(self) -> None:
        """Nothing waits."""


Area = Callable[[str, datetime], str | None]
"""Names the area that a queue's callers are about since then, where it is known: an outage that was announced."""


class Watchman:
    """Looks at everything that can be wrong."""

    def __init__(
        self,
        queues: Sequence[Queue],
        *,
        live: Live,
        ledger: Ledger,
        truth: Truth,
        usual: Usual,
        log_problem: Callable[[], str | None],
        outbox: Outbox = NoOutbox(),
        area: Area = lambda queue, since: None,  # noqa: ARG005
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._queues, self._live, self._ledger, self._truth, self._usual = queues, live, ledger, truth, usual
        self._log_problem, self._outbox, self._area, self._now = log_problem, outbox, area, now
        self._lost_trunks: dict[str, datetime] = {}
        self._drift: deque[datetime] = deque()

    def take(self, event: Event) -> None:
        """Take a fact: of trunks, and of our own mistakes."""
        match event:
            case TrunkLost():
                self._lost_trunks[event.trunk] = event.at
            case TrunkBack():
                self._lost_trunks.pop(event.trunk, None)
            case DriftFound(after_gap=False):
                self._drift.append(event.at)

    def __call__(self, on: frozenset[str]) -> Iterator[Finding]:
        """Yield what is wrong; while Asterisk is not seen, nothing is said of calls and agents."""
        if self._truth.stale_since is not None:
            yield Finding(kind="asterisk-lost", value=self._seconds_since(self._truth.stale_since))
        else:
            for queue in self._queues:
                yield from self._of_queue(queue, on)
            yield from self._phones()
        yield from (Finding(kind="trunk-lost", of=trunk) for trunk in self._lost_trunks)
        yield from self._of_house()

    def _of_queue(self, queue: Queue, on: frozenset[str]) -> Iterator[Finding]:
        waiting = self._live.waiting[queue.name]
        if waiting:
            yield from self._longest_wait(queue, waiting, on)
            if not self._somebody_will_come(queue.name):
                yield Finding(kind="nobody-ready", queue=queue.name, value=len(waiting))
        yield from self._service_level(queue, on)
        yield from self._swing(queue, on)

    def _longest_wait(self, queue: Queue, waiting: Sequence[str], on: frozenset[str]) -> Iterator[Finding]:
        joined = [self._live.calls[call].progress.joined for call in waiting]
        longest = max((self._seconds_since(since) for since in joined if since is not None), default=0.0)
        limit = queue.longest_wait.total_seconds()
        found = Finding(kind="longest-wait", queue=queue.name, value=round(longest), limit=limit)
        if longest > limit * (SHORTER if found.name in on else 1.0):
            yield found

    def _somebody_will_come(self, queue: str) -> bool:
        """Whether anyone who serves this queue is ready, or will be after a call."""
        return any(
            queue in self._live.queues_of(agent)
            and self._live.state_of(agent) in ("ready", "ringing", "talking", "wrap-up")
            for agent in self._live.states
        )

    def _service_level(self, queue: Queue, on: frozenset[str]) -> Iterator[Finding]:
        """Of this clock hour and the one before."""
        if queue.service_level is None:
            return
        hour = self._hour()
        tally = self._ledger.tally.queues
        counts = tally.get(Hour(queue.name, hour), QueueCounts()) + tally.get(
            Hour(queue.name, hour - HOUR), QueueCounts()
        )
        reached = service_level(counts, "of-offered")
        found = Finding(kind="service-level", queue=queue.name, value=reached, limit=queue.service_level)
        limit = queue.service_level + (BETTER if found.name in on else 0.0)
        if reached is not None and counts.offered >= FEWEST and reached < limit:
            yield found

    def _swing(self, queue: Queue, on: frozenset[str]) -> Iterator[Finding]:
        """The callers of the last sixty minutes against the usual; without a usual, against a fixed number."""
        now, hour = self._now(), self._hour()
        share = (now - hour) / HOUR
        came = self._ledger.calls_in(queue.name, hour) + (1 - share) * self._ledger.calls_in(queue.name, hour - HOUR)
        expected = self._usual.last_hour(queue.name, now, hour)
        found = Finding(
            kind="calls-swing",
            queue=queue.name,
            of=self._area(queue.name, hour),
            value=round(came),
            limit=queue.busy_at,
        )
        if expected is None:
            if queue.busy_at and came > queue.busy_at * (SHORTER if found.name in on else 1.0):
                yield found
        elif swing(came, expected, already=found.name in on) is not None:
            yield Finding(
                kind="calls-swing",
                queue=queue.name,
                of=found.of,
                value=round(came),
                limit=round(expected.callers),
            )

    def _phones(self) -> Iterator[Finding]:
        for agent in self._live.states:
            if self._live.state_of(agent) == "no-phone":
                yield Finding(kind="phone-lost", of=agent)

    def _of_house(self) -> Iterator[Finding]:
        if self._log_problem() is not None:
            yield Finding(kind="log-stuck")
        while self._drift and self._drift[0] < self._now() - HOUR:
            self._drift.popleft()
        if len(self._drift) >= MOST_DRIFT:
            yield Finding(kind="drift", value=len(self._drift), limit=MOST_DRIFT)
        if (overdue := self._outbox.stuck()) is not None:
            yield Finding(kind="outbox-stuck", value=overdue.total_seconds())

    def _seconds_since(self, since: datetime) -> float:
        return (self._now() - since).total_seconds()

    def _hour(self) -> datetime:
        return self._ledger.hour(self._now())
