"""The board as one process sees it, for any number of onlookers there: pages in browsers, a wallboard, a test.

    mirror = Mirror(board)
    mirror.start()
    with mirror.looking() as look:
        async for item in look:      # first the whole picture, then changes; a slow one gets a whole picture again
            ...

The mirror follows the board by its numbers and looks again whenever one is missing. What it shows has numbers of its
own, and one source more: "board", which is stale when the board cannot be reached or its painter is silent. The things
then stay as they were last seen, and nobody can take them for new.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, cast

import structlog

from routing.board import Board, BoardGone
from routing.picture import SECTIONS, Canvas, Change, Picture, apply, moment
from routing.tasks import ended

AGAIN_AFTER: Final = 0.5
"""Seconds until a board that was gone, or empty, is looked at again."""
BOARD: Final = "board"
"""The mirror's own source: whether the board can be seen."""
ROOM: Final = 100
"""So many changes may wait for one onlooker."""


class Look:
    """What one onlooker sees."""

    def __init__(self, whole: Callable[[], Picture], room: int) -> None:
        self._whole, self._room = whole, room
        self._untaken: deque[Change] = deque()
        self._behind = True
        self._news = asyncio.Event()
        self._news.set()

    def tell(self, change: Change) -> None:
        """Hand over a change; an onlooker without room for it will take the whole picture instead of all of them."""
        if len(self._untaken) >= self._room:
            self._behind = True
        if self._behind:
            self._untaken.clear()
        else:
            self._untaken.append(change)
        self._news.set()

    def __aiter__(self) -> Look:
        return self

    async def __anext__(self) -> Picture | Change:
        while not (self._behind or self._untaken):
            self._news.clear()
            await self._news.wait()
        if self._behind:
            self._behind = False
            return self._whole()
        return self._untaken.popleft()


class Mirror:
    """Follows one board."""

    def __init__(self, board: Board, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._board, self._now = board, now
        self._canvas = Canvas()
        self._looks: set[Look] = set()
        self._task: asyncio.Task[None] | None = None
        self._stale("not seen yet")
        self._canvas.change(now())

    @property
    def picture(self) -> Picture:
        """The whole picture, as it was last seen."""
        return self._canvas.whole(self._now())

    @contextmanager
    def looking(self, *, room: int = ROOM) -> Iterator[Look]:
        """Look for as long as the block lasts."""
        look = Look(lambda: self.picture, room)
        self._looks.add(look)
        try:
            yield look
        finally:
            self._looks.discard(look)

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow_for_ever(), name="board mirror")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            await ended(self._task)

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except BoardGone as gone:
                self._stale(str(gone))
                self._tell()
            except Exception:  # whatever is wrong with the board, the mirror goes on
                structlog.get_logger().exception("the board could not be followed")
            await asyncio.sleep(AGAIN_AFTER)

    async def _follow(self) -> None:
        """Follow from one whole picture on, until a change is missing."""
        async with self._board.news() as news:
            seen = cast(dict[str, Any] | None, await self._board.look())
            if seen is None:
                raise BoardGone("nothing is painted there")
            self._show(seen)  # whether anybody still paints there, the first beat will tell
            async for change in news:
                if change["board"] == seen["board"] and change["seq"] < seen["seq"]:
                    continue  # was in the picture already
                if not apply(change, seen) and not _is_in(change, seen):
                    return
                self._canvas.put("sources", BOARD, {"source": BOARD, "stale_since": None, "why": ""})
                self._repeat(change)

    def _show(self, seen: dict[str, Any]) -> None:
        for section in SECTIONS:
            mine = {BOARD: self._canvas.thing("sources", BOARD)} if section == "sources" else {}
            self._canvas.only(section, {**seen[section], **mine})
        self._tell()

    def _repeat(self, change: Change) -> None:
        """Show the onlookers what has changed on the board."""
        for section, things in change.get("set", {}).items():
            for name, thing in things.items():
                self._canvas.put(section, name, thing)
        for section, names in change.get("gone", {}).items():
            for name in names:
                self._canvas.take_off(section, name)
        self._tell()

    def _tell(self) -> None:
        change = self._canvas.change(self._now()) or self._canvas.beat(self._now())
        for look in self._looks:
            look.tell(change)

    def _stale(self, why: str) -> None:
        shown = self._canvas.thing("sources", BOARD)
        if shown is None or shown["stale_since"] is None:
            self._canvas.put("sources", BOARD, {"source": BOARD, "stale_since": moment(self._now()), "why": why})


def _is_in(change: Change, seen: dict[str, Any]) -> bool:
    """Whether a picture that was looked at after the news began holds this change already."""
    return change["board"] == seen["board"] and change["seq"] == seen["seq"] and "set" in change
