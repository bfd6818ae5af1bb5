"""Keeps the board up to date: soon after a change, and with a beat when nothing changes.

Calls never wait for it. A board that cannot be reached is tried again with each beat; when it is back, or when somebody
wiped it, the picture is painted anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import structlog

from routing.board import Board, BoardGone, WipedOut
from routing.picture import Canvas, Change
from routing.tasks import ended

BEAT_EVERY: Final = 2.0
"""Seconds after which an unchanged picture is said to be still true."""
GATHER: Final = 0.05
"""Seconds in which changes are gathered into one: what happens to a call comes as several facts."""
PAINT_EVERY: Final = 0.25
"""Seconds between two changes of a busy board; the first change after a quiet moment does not wait for it."""


class Painter:
    """Paints one board."""

    def __init__(
        self, board: Board, show: Callable[[Canvas], None], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`show` puts what is to be seen at the moment it is called; it is called often, with the same canvas."""
        self._board, self._show, self.now = board, show, now
        self._canvas = Canvas()
        self._changed = asyncio.Event()
        self._hangs = False
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the board cannot be painted just now; None when all is well."""

    def change(self) -> None:
        """Something has changed."""
        self._changed.set()

    def start(self) -> None:
        """Begin to paint."""
        self._task = asyncio.create_task(self._paint_for_ever(), name="board painter")

    async def stop(self) -> None:
        """Stop painting; the last picture fades."""
        if self._task is not None:
            await ended(self._task)
        await self._board.close()

    async def _paint_for_ever(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self._paint()
            except BoardGone as gone:
                self._note(str(gone))
            except Exception:  # a thing that cannot be shown must not end the picture
                structlog.get_logger().exception("the board could not be painted")
            else:
                self._note(None)
            painted_at = asyncio.get_running_loop().time()
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_EVERY):
                    await self._changed.wait()
                quiet_for = asyncio.get_running_loop().time() - painted_at
                await asyncio.sleep(max(GATHER, PAINT_EVERY - quiet_for))

    async def _paint(self) -> None:
        self._show(self._canvas)
        change = self._canvas.change(self.now())
        try:
            if self._hangs:
                await self._board.change(change or self._beat())
                return
        except WipedOut:
            pass
        except BoardGone:
            self._hangs = False  # perhaps it was done, perhaps not
            raise
        self._hangs = False
        await self._board.paint(self._canvas.whole(self.now()))
        await self._board.change(self._beat())
        self._hangs = True

    def _beat(self) -> Change:
        return self._canvas.beat(self.now())

    def _note(self, problem: str | None) -> None:
        if problem is not None and self.problem is None:
            structlog.get_logger().warning("the board is gone; calls go on", problem=problem)
        elif problem is None and self.problem is not None:
            structlog.get_logger().info("the board is back")
        self.problem = problem
