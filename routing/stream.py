"""One ordered stream of facts: flows, Asterisk's events and agents' steps enter here, one after the other.

Each fact is given to the log and to everyone who derives something from it, all in the same order, whoever tells it. A
fact that somebody draws from another one comes after it, for everybody. The log writes a moment later and may be out of
reach for long; the live picture does not wait for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import structlog

from routing.events import AgentStep, Event, PhoneNumber
from routing.log import EventLog, Kinds, Listener, LoggedCall, Recorded

Taker = Callable[[Event], None]


class Stream:
    """An event log (see EventLog) whose facts are also taken by others, at the moment they are recorded."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._takers: list[Taker] = []
        self._ahead: deque[Event] = deque()
        self._under_way = False

    def taken_by(self, taker: Taker) -> None:
        """Give every fact to this one too, from now on. What it raises is logged and hinders nobody else."""
        self._takers.append(taker)

    def record(self, event: Event) -> None:
        """See EventLog."""
        self._ahead.append(event)
        if self._under_way:
            return
        self._under_way = True
        try:
            while self._ahead:
                self._pass_on(self._ahead.popleft())
        finally:
            self._under_way = False

    def _pass_on(self, event: Event) -> None:
        self._log.record(event)
        for taker in self._takers:
            try:
                taker(event)
            except Exception:
                structlog.get_logger().exception("a fact could not be taken", kind=type(event).__name__)

    # What the log does is the log's

    @property
    def problem(self) -> str | None:
        """See EventLog."""
        return self._log.problem

    @property
    def waiting(self) -> int:
        """See EventLog."""
        return self._log.waiting

    async def flushed(self, *, within: float = 10.0, hurry: bool = True) -> int:
        """See EventLog."""
        return await self._log.flushed(within=within, hurry=hurry)

    async def of_call(self, call: str) -> Sequence[Event]:
        """See EventLog."""
        return await self._log.of_call(call)

    async def of_calls(self, calls: Collection[str], *, only: Kinds) -> Mapping[str, Sequence[Event]]:
        """See EventLog."""
        return await self._log.of_calls(calls, only=only)

    async def calls(
        self, *, limit: int = 20, before: int | None = None, since: datetime | None = None
    ) -> Sequence[LoggedCall]:
        """See EventLog."""
        return await self._log.calls(limit=limit, before=before, since=since)

    async def calls_from(self, caller: PhoneNumber, *, limit: int = 20) -> Sequence[LoggedCall]:
        """See EventLog."""
        return await self._log.calls_from(caller, limit=limit)

    async def find(self, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """See EventLog."""
        return await self._log.find(prefix, limit=limit)

    async def after(self, seq: int, *, limit: int = 1000, only: Kinds = (Event,)) -> Sequence[Recorded]:
        """See EventLog."""
        return await self._log.after(seq, limit=limit, only=only)

    async def last_agent_steps(self) -> Mapping[str, AgentStep]:
        """See EventLog."""
        return await self._log.last_agent_steps()

    def subscribe(self, *, room: int = 1000, only: Kinds = (Event,)) -> AbstractAsyncContextManager[Listener]:
        """See EventLog."""
        return self._log.subscribe(room=room, only=only)
