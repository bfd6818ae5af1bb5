"""What somebody must know at once: raised once, with its beginning, and ended once.

Every few seconds all that can be wrong is looked at (`findings`), and compared with the alarms that are on. What is
found long enough becomes an alarm, what is no longer found long enough ends it: an event each, from which the board,
the webhook and our own log hear of it. So a server that starts anew knows the alarms that are on from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from routing.events import AlarmEnded, AlarmKind, AlarmRaised, Event
from routing.picture import Canvas, moment

LOOK_EVERY: Final = 2.0
"""Seconds between two looks."""
SOON: Final = timedelta(0)
STEADY: Final[Mapping[AlarmKind, timedelta]] = {
    "longest-wait": SOON,
    "nobody-ready": timedelta(seconds=30),
    "service-level": timedelta(minutes=2),
    "calls-swing": timedelta(minutes=5),
    "trunk-lost": timedelta(seconds=5),
    "phone-lost": timedelta(seconds=30),
    "asterisk-lost": timedelta(seconds=5),
    "log-stuck": timedelta(seconds=5),
    "drift": SOON,
    "outbox-stuck": SOON,
}
"""How long each must be found, or not found any more, before it counts: what comes and goes is no alarm."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong now. `kind`, `queue` and `of` name the alarm; the rest is for people and may change."""

    kind: AlarmKind
    queue: str | None = None
    of: str | None = None
    """The agent, the trunk, or the area that it is about, where that is known."""
    value: float | None = None
    limit: float | None = None

    @property
    def name(self) -> str:
        """The alarm's name; the area is not part of it, for it may become known later."""
        about = self.of if self.kind in ("phone-lost", "trunk-lost") else self.queue
        return f"{self.kind}:{about}" if about else self.kind


class Bell(Protocol):
    """Tells the world outside about an alarm (`hotline/webhook.py`)."""

    def ring(self, alarm: AlarmRaised | AlarmEnded) -> None:
        """Pass it on; returns at once."""


Findings = Callable[[frozenset[str]], Iterable[Finding]]
"""Looks at everything; it is given the names of the alarms that are on, for limits that differ then."""


class Alarms:
    """All alarms that are on."""

    def __init__(
        self,
        findings: Findings,
        *,
        record: Callable[[Event], None],
        bell: Bell | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`take` must be given every fact when it is recorded."""
        self._findings, self._record, self._bell, self._now = findings, record, bell, now
        self.on: dict[str, AlarmRaised] = {}
        self._found_since: dict[str, datetime] = {}
        self._quiet_since: dict[str, datetime] = {}
        self._told: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def take(self, event: Event) -> None:
        """Take a fact: an alarm that begins or ends."""
        if isinstance(event, AlarmRaised):
            self.on[event.alarm] = event
        elif isinstance(event, AlarmEnded):
            self.on.pop(event.alarm, None)

    def look(self) -> None:
        """Look at everything once."""
        now = self._now()
        found = {finding.name: finding for finding in self._findings(frozenset(self.on))}
        for name in [name for name in self._found_since if name not in found]:
            del self._found_since[name]
        for name, finding in found.items():
            since = self._found_since.setdefault(name, now)
            self._quiet_since.pop(name, None)
            if name not in self.on and now - since >= STEADY[finding.kind]:
                self._raise(finding, since)
        for name, alarm in list(self.on.items()):
            if name not in found and now - self._quiet_since.setdefault(name, now) >= STEADY[alarm.kind]:
                self._end(alarm)

    def show(self, canvas: Canvas) -> None:
        """Put the alarms that are on."""
        canvas.only("alarms", {name: shown(alarm) for name, alarm in self.on.items()})

    def start(self) -> None:
        """Look now and then from now on."""
        self._task = asyncio.create_task(self._look_for_ever(), name="alarms")

    async def stop(self) -> None:
        """Look no more; alarms that are on stay on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                self.look()
            except Exception:
                log.exception("the alarms could not be looked at")

    def _raise(self, finding: Finding, since: datetime) -> None:
        alarm = AlarmRaised(
            at=self._now(),
            alarm=finding.name,
            kind=finding.kind,
            queue=finding.queue,
            of=finding.of,
            since=since,
            value=_text(finding.value),
            limit=_text(finding.limit),
        )
        self._record(alarm)
        log.warning("alarm", **{name: value for name, value in shown(alarm).items() if value is not None})
        self._pass_on(alarm)

    def _end(self, alarm: AlarmRaised) -> None:
        self._quiet_since.pop(alarm.alarm, None)
        ended = AlarmEnded(at=self._now(), alarm=alarm.alarm, kind=alarm.kind, lasted=self._now() - alarm.since)
        self._record(ended)
        log.warning("alarm ended", alarm=alarm.alarm, lasted=str(ended.lasted))
        self._pass_on(ended)

    def _pass_on(self, alarm: AlarmRaised | AlarmEnded) -> None:
        if self._bell is not None:
            self._bell.ring(alarm)


def shown(alarm: AlarmRaised) -> dict[str, Any]:
    """An alarm as people see it."""
    return {
        "alarm": alarm.alarm,
        "kind": alarm.kind,
        "queue": alarm.queue,
        "of": alarm.of,
        "since": moment(alarm.since),
        "value": alarm.value,
        "limit": alarm.limit,
    }


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
