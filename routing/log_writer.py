"""Writes what a running call must not wait for: in order, in groups, and again until it succeeds.

One commit costs the same for one event as for a hundred, so the writer lingers a moment for more to come. When the
database refuses (disk full, locked, link lost), everything is kept in order and tried again, up to a limit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from routing.log import NotWritten

Item = TypeVar("Item")


class Refused(Exception):
    """The store did not take a group; the sentence tells an operator why and holds nothing private."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a writer works. Times are in seconds, the rest are numbers of events."""

    linger: float = 0.2
    group: int = 500
    limit: int = 100_000
    first_retry: float = 0.1
    slowest_retry: float = 5.0


class GroupWriter(Generic[Item]):
    """Takes single items at once and gives them to `write` in groups, one group at a time.

    `write` either takes the whole group or raises; the same group is then given again. Items beyond the limit are
    dropped, and `dropped(count)` makes the item that says so in their place.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[None]],
        *,
        dropped: Callable[[int], Item],
        pace: Pace,
    ) -> None:
        self._write, self._dropped, self._pace = write, dropped, pace
        self._queue: deque[Item] = deque()
        self._added = self._written = 0
        self._untold = 0
        self._refusal: str | None = None
        self._some, self._hurry = asyncio.Event(), asyncio.Event()
        self._flushes: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._hurried = False
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    @property
    def waiting(self) -> int:
        """How many items are not yet written."""
        return self._added - self._written

    @property
    def problem(self) -> str | None:
        """Why nothing is being written just now; None when all is well."""
        if self._refusal is None:
            return None
        lost = f", {self._untold} are lost" if self._untold else ""
        return f"the event log cannot be written: {self._refusal} ({self.waiting} events wait{lost})"

    def add(self, item: Item) -> None:
        """Take an item to be written after all before it."""
        if self.waiting >= self._pace.limit:
            self._untold += 1
            return
        self._append(item)

    async def flushed(self, within: float, *, hurry: bool = True) -> None:
        """Wait until all items so far are written. Raises NotWritten after so many seconds, or if some are lost.

        Without `hurry` the writer lingers as long as ever.
        """
        if self._untold:
            raise NotWritten(self.waiting, self.problem)
        await self._drained(within, hurry=hurry)

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write_for_ever(), name="event log writer")

    async def close(self, within: float) -> int:
        """Write what waits, for at most so many seconds, then stop; return how many items were not written."""
        if self._task is not None:
            with suppress(NotWritten):
                await self._drained(within)
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
            if self.waiting:
                self._log.error("the event log was closed before all was written", waiting=self.waiting)
        return self.waiting

    async def _drained(self, within: float, *, hurry: bool = True) -> None:
        if self._written >= self._added:
            return
        done = asyncio.get_running_loop().create_future()
        self._flushes.append((self._added, done))
        if hurry:
            self._hurried = True
            self._hurry.set()
        try:
            async with asyncio.timeout(within):
                await done
        except TimeoutError:
            raise NotWritten(self.waiting, self.problem) from None

    def _append(self, item: Item) -> None:
        self._queue.append(item)
        self._added += 1
        self._some.set()
        if len(self._queue) >= self._pace.group:
            self._hurry.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._some.wait()
            await self._linger()
            self._hurried = False
            group = [self._queue.popleft() for _ in range(min(len(self._queue), self._pace.group))]
            await self._write_group(group)
            self._acknowledge(len(group))

    async def _linger(self) -> None:
        """Let more items gather, unless the group is full or somebody is in a hurry."""
        if len(self._queue) < self._pace.group and not self._hurried:
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.linger):
                    await self._hurry.wait()

    async def _write_group(self, group: Sequence[Item]) -> None:
        pause = self._pace.first_retry
        while True:
            try:
                await self._write(group)
            except Exception as error:
                # A writer that stops for an unforeseen error would lose every later event, hence no narrower class.
                self._note(str(error) if isinstance(error, Refused) else type(error).__name__)
            else:
                self._note(None)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._pace.slowest_retry)

    def _acknowledge(self, count: int) -> None:
        self._written += count
        if self._untold:
            self._append(self._dropped(self._untold))
            self._untold = 0
        if not self._queue:
            self._some.clear()
        while self._flushes and self._flushes[0][0] <= self._written:
            _, done = self._flushes.popleft()
            if not done.done():
                done.set_result(None)

    def _note(self, refusal: str | None) -> None:
        if refusal is not None and self._refusal is None:
            self._log.error("the event log cannot be written", problem=refusal, waiting=self.waiting)
        elif refusal is None and self._refusal is not None:
            self._log.warning("the event log is written again", waiting=self.waiting, lost=self._untold)
        self._refusal = refusal
