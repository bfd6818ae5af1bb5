"""The event log: every fact is recorded once, in order, and everything else is computed from it.

`EventLog` is what the other rooms rely on. `MemoryLog` keeps it in this process, for tests and rehearsals;
`routing/log_sql.py` keeps it for good.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import structlog

from routing.events import (
    AgentStep,
    CallEnded,
    CallPlaced,
    CallQueued,
    CallRang,
    Event,
    Gap,
    MessageLeft,
    PhoneNumber,
    TalkStarted,
)
from routing.events_json import BadEvent, from_json, to_json

Kinds = tuple[type[Event], ...]
"""The kinds of event that somebody is concerned with."""


class Recorded(NamedTuple):
    """An event and its sequence number. Numbers start at 1, have no gaps, only grow and are never used again."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class Missed:
    """The listener was too slow: all it has not taken after this number was skipped. `EventLog.after` has it."""

    after: int


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call and its own events, oldest first; `first` is the number of the first that tells of a caller."""

    call: str
    first: int
    events: Sequence[Event]


class NotWritten(Exception):
    """What was recorded is not yet on disk: the log is still trying, nothing is lost so far."""

    code = "not-written"

    def __init__(self, waiting: int, problem: str | None) -> None:
        super().__init__(f"{waiting} events wait to be written: {problem or 'the database is slow'}")


class Listener:
    """A reader of events as they are written, with room for so many it has not taken yet."""

    def __init__(self, *, room: int, after: int, only: Kinds = (Event,)) -> None:
        self._room, self._only = max(room, 1), only
        self._taken = after
        self._waiting: deque[Recorded | Missed] = deque()
        self._arrived = asyncio.Event()
        self._over = False

    def tell(self, recorded: Recorded) -> None:
        """Hand over an event; a listener without room left forgets all that waits and learns that it missed."""
        if not isinstance(recorded.event, self._only):
            return
        if len(self._waiting) >= self._room:
            self._waiting.clear()
            self._waiting.append(Missed(self._taken))
        self._waiting.append(recorded)
        self._arrived.set()

    def forget(self) -> None:
        """Forget all that waits: who reads it in the log need not hear of it."""
        self._waiting.clear()

    def end(self) -> None:
        """Tell that nothing more will come; what waits can still be taken."""
        self._over = True
        self._arrived.set()

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Recorded | Missed:
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        item = self._waiting.popleft()
        if isinstance(item, Recorded):
            self._taken = item.seq
        return item


class Audience:
    """All listeners of one log."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    @asynccontextmanager
    async def listening(self, *, room: int, after: int, only: Kinds = (Event,)) -> AsyncGenerator[Listener]:
        """Add a listener who knows everything up to `after`, for as long as the block lasts."""
        listener = Listener(room=room, after=after, only=only)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, recorded: Recorded) -> None:
        """Hand an event to every listener."""
        for listener in self._listeners:
            listener.tell(recorded)

    def dismiss(self) -> None:
        """Tell every listener that nothing more will come."""
        for listener in self._listeners:
            listener.end()


BEGINS: Final = (CallRang, CallQueued, TalkStarted, MessageLeft, CallEnded)
"""What makes a call one of a caller's, if its ring was not seen. An agent who dials a code hears prompts, no more."""


class EventLog(Protocol):
    """Where events are kept. All methods belong to one event loop."""

    @property
    def problem(self) -> str | None:
        """Why events are not being written just now, for an operator; None when all is well."""

    @property
    def waiting(self) -> int:
        """How many events are recorded but not yet written."""

    def record(self, event: Event) -> None:
        """Keep this event, after all recorded before. Returns at once and never raises: a call must not suffer."""

    async def flushed(self, *, within: float = 10.0, hurry: bool = True) -> int:
        """Wait, at most so many seconds, until all that was recorded so far is written; return the newest number.

        Without `hurry` the events may wait for company as they would anyway: a group costs as much as one.

        What is acknowledged here outlives a crash. Raises NotWritten when the time is up.
        """

    async def of_call(self, call: str) -> Sequence[Event]:
        """Return the call's events, oldest first, and the gaps (`events.Gap`) between its first and its last."""

    async def of_calls(self, calls: Collection[str], *, only: Kinds) -> Mapping[str, Sequence[Event]]:
        """Return of each of these calls what it has of these kinds, oldest first; a call without any is left out."""

    async def calls(
        self, *, limit: int = 20, before: int | None = None, since: datetime | None = None
    ) -> Sequence[LoggedCall]:
        """Return callers' calls, newest first; for the next page give the last one's `first` as `before`."""

    async def calls_from(self, caller: PhoneNumber, *, limit: int = 20) -> Sequence[LoggedCall]:
        """Return this caller's calls, newest first. The number must be written as the carrier sent it."""

    async def find(self, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """Return the ids of calls that begin so, newest first."""

    async def after(self, seq: int, *, limit: int = 1000, only: Kinds = (Event,)) -> Sequence[Recorded]:
        """Return what was written after this number, oldest first; if you say so, only what is of these kinds."""

    async def last_agent_steps(self) -> Mapping[str, AgentStep]:
        """Return each agent's latest sign-in, sign-out, pause or end of a pause, by work number."""

    def subscribe(self, *, room: int = 1000, only: Kinds = (Event,)) -> AbstractAsyncContextManager[Listener]:
        """Hear every event once it is written, from now on: `async with log.subscribe() as live: async for ...`.

        `only` some kinds: the others do not wake you. Only this process's events are heard. A listener with `room`
        events untaken gets a Missed instead.
        """


class MemoryLog:
    """An event log that lasts as long as the process. It keeps events exactly as the SQL log would."""

    problem: str | None = None
    waiting = 0

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._audience = Audience()

    def record(self, event: Event) -> None:
        """See EventLog."""
        try:
            kept = from_json(to_json(event))
        except BadEvent as bad:
            structlog.get_logger().error("an event was refused", problem=str(bad))
            return
        self._events.append(kept)
        self._audience.tell(Recorded(len(self._events), kept))

    async def flushed(self, *, within: float = 10.0, hurry: bool = True) -> int:
        """See EventLog; here there is nothing to wait for."""
        del within, hurry
        return len(self._events)

    async def of_call(self, call: str) -> Sequence[Event]:
        """See EventLog."""
        numbers = [number for number, event in enumerate(self._events) if event.call == call]
        if not numbers:
            return []
        between = self._events[numbers[0] : numbers[-1] + 1]
        return [event for event in between if event.call == call or isinstance(event, Gap)]

    async def of_calls(self, calls: Collection[str], *, only: Kinds) -> Mapping[str, Sequence[Event]]:
        """See EventLog."""
        found: dict[str, list[Event]] = {}
        for event in self._events:
            if event.call is not None and event.call in calls and isinstance(event, only):
                found.setdefault(event.call, []).append(event)
        return found

    async def calls(
        self, *, limit: int = 20, before: int | None = None, since: datetime | None = None
    ) -> Sequence[LoggedCall]:
        """See EventLog."""
        return [
            logged
            for logged in self._newest_first()
            if (before is None or logged.first < before)
            and (since is None or self._events[logged.first - 1].at >= since)
        ][:limit]

    async def calls_from(self, caller: PhoneNumber, *, limit: int = 20) -> Sequence[LoggedCall]:
        """See EventLog."""
        return [
            logged
            for logged in self._newest_first()
            if any(isinstance(event, CallRang | CallPlaced) and event.caller == caller for event in logged.events)
        ][:limit]

    async def find(self, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """See EventLog."""
        return [logged.call for logged in self._newest_first() if logged.call.startswith(prefix)][:limit]

    async def after(self, seq: int, *, limit: int = 1000, only: Kinds = (Event,)) -> Sequence[Recorded]:
        """See EventLog."""
        numbered = enumerate(self._events, 1)
        return [Recorded(seen, event) for seen, event in numbered if seen > seq and isinstance(event, only)][:limit]

    async def last_agent_steps(self) -> Mapping[str, AgentStep]:
        """See EventLog."""
        return {event.agent: event for event in self._events if isinstance(event, AgentStep)}

    def subscribe(self, *, room: int = 1000, only: Kinds = (Event,)) -> AbstractAsyncContextManager[Listener]:
        """See EventLog."""
        return self._audience.listening(room=room, after=len(self._events), only=only)

    def _newest_first(self) -> Sequence[LoggedCall]:
        firsts: dict[str, int] = {}
        for number, event in enumerate(self._events, 1):
            if event.call is not None and isinstance(event, BEGINS):
                firsts.setdefault(event.call, number)
        return [
            LoggedCall(call, first, [event for event in self._events if event.call == call])
            for call, first in reversed(firsts.items())
        ]
