"""The blackboard: who is on duty and which calls are up, now, for whoever wants to look.

It holds nothing that cannot be rebuilt. `MemoryBoard` is enough for one process; `RedisBoard` shows the same picture to
others. A picture carries the time it was painted, and an old one is never shown as new: without its painter it fades.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import redis.asyncio
import structlog
from redis.exceptions import RedisError

Picture = Mapping[str, Any]
"""What can be written as JSON; `painted` is its time (ISO 8601, UTC)."""

KEY: Final = "hotline:board"
NEWS: Final = "hotline:board:news"
FADES_AFTER: Final = 15
"""Seconds that Redis shows a picture nobody paints over."""
REPAINT_EVERY: Final = 5.0
"""Seconds after which an unchanged picture is painted again, so that it stays fresh."""
GATHER: Final = 0.5
"""Seconds in which changes are gathered into one picture."""
ANSWER_WITHIN: Final = 2.0


class BoardGone(Exception):
    """The board cannot be reached; calls do not depend on it."""

    code = "board-gone"


class Board(Protocol):
    """Where the picture hangs."""

    async def paint(self, picture: Picture) -> None:
        """Show this picture instead of the last; raises BoardGone."""

    async def look(self) -> Picture | None:
        """Return the picture, or None when there is none that is fresh; raises BoardGone."""

    async def close(self) -> None:
        """Let go of the board."""


class MemoryBoard:
    """A board in this process."""

    def __init__(self) -> None:
        self._picture: Picture | None = None

    async def paint(self, picture: Picture) -> None:
        """See Board."""
        self._picture = picture

    async def look(self) -> Picture | None:
        """See Board."""
        return self._picture

    async def close(self) -> None:
        """See Board."""


class RedisBoard:
    """A board that other processes see too; each new picture is also announced on the channel `NEWS`."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.from_url(url, socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN)

    async def paint(self, picture: Picture) -> None:
        """See Board."""
        body = json.dumps(picture, ensure_ascii=False)
        try:
            async with self._redis.pipeline(transaction=True) as both:
                both.set(KEY, body, ex=FADES_AFTER)
                both.publish(NEWS, body)
                await both.execute()
        except (RedisError, OSError) as problem:
            raise BoardGone(_reason(problem)) from problem

    async def look(self) -> Picture | None:
        """See Board."""
        try:
            body = await self._redis.get(KEY)
        except (RedisError, OSError) as problem:
            raise BoardGone(_reason(problem)) from problem
        return None if body is None else dict(json.loads(body))

    async def close(self) -> None:
        """See Board."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()


class Painter:
    """Keeps a board up to date: soon after each change, and now and then without one."""

    def __init__(
        self, board: Board, scene: Callable[[], Picture], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`scene` returns the picture as it is at the moment it is called."""
        self._board, self._scene, self._now = board, scene, now
        self._changed = asyncio.Event()
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
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._board.close()

    async def _paint_for_ever(self) -> None:
        while True:
            self._changed.clear()
            await self._paint()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), REPAINT_EVERY)
            await asyncio.sleep(GATHER)

    async def _paint(self) -> None:
        try:
            await self._board.paint({"painted": self._now().isoformat(), **self._scene()})
        except BoardGone as gone:
            if self.problem is None:
                structlog.get_logger().warning("the board is gone; calls go on", problem=str(gone))
            self.problem = str(gone)
        else:
            if self.problem is not None:
                structlog.get_logger().info("the board is back")
            self.problem = None


def board_at(url: str | None) -> Board:
    """The board at this Redis address, or one in memory."""
    return MemoryBoard() if url is None else RedisBoard(url)


def _reason(problem: Exception) -> str:
    """What went wrong, without the address: it holds the password."""
    return f"Redis: {type(problem).__name__}"
