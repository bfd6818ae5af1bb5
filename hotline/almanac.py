"""The calendar as it is now: the site's rules and what the operator has said, taken up while calls go on.

A change is heard only once its sounds are made, so it never costs a caller a greeting; one that cannot be used changes
nothing and is reported. A call asks anew for each prompt, so a change holds from the next prompt on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from hotline.settings import Settings
from hotline.site import Site
from hotline.words import festivals_with_words, needed_sounds, speak
from prompts.calendar.calendar import Calendar
from prompts.calendar.notice import Notice, read_notice
from prompts.catalogue import Catalogue
from prompts.errors import PromptsError
from prompts.plan import Plan
from prompts.speech import Speech

LOOK_EVERY: Final = 2.0
"""Seconds after which the operator's file is looked at again."""


class Almanac:
    """Today's calendar (`ivr/rooms.py`: Almanac), and the task that keeps it so."""

    def __init__(self, found: Site, settings: Settings, words: Speech) -> None:
        """`start` reads what the operator has said; until then the site's rules hold."""
        self._site, self._settings, self._words = found, settings, words
        self._catalogue = Catalogue.read()
        self._use(Calendar(found.rules))
        self._made: tuple[Plan, date] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._refused: Notice | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the operator's last change is not in use; None if all is."""

    def festivals(self, at: datetime) -> Sequence[str]:
        """See ivr.rooms.Almanac. A festival without words is passed over."""
        return [name for name in self.calendar.festivals(at + self.ahead()) if name in self._speakable]

    def is_open(self, hours: str, at: datetime) -> bool:
        """See ivr.rooms.Almanac."""
        return self.calendar.is_open(hours, at + self.ahead())

    def ahead(self) -> timedelta:
        """How far the calendar is ahead of the clock: nothing, but in tests (HOTLINE_CALENDAR_CLOCK)."""
        file = self._settings.calendar_clock
        if file is None or not file.exists():
            return timedelta(0)
        return timedelta(seconds=float(file.read_text("utf-8") or 0))

    async def start(self) -> None:
        """Make all sounds, take up what the operator has said, and look for changes from now on.

        Raises PromptsError if not even the site's own sounds can be made.
        """
        await self.refresh()
        if self._made is None:
            await self._take_up(Calendar(self._site.rules))
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Look no more."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def refresh(self) -> None:
        """Take up what has changed; in use when this returns, or `problem` says why not."""
        async with self._one_at_a_time:
            notice: Notice | None = None
            try:
                notice = self._notice()
                if notice == self._refused:
                    return
                await self._take_up(Calendar(self._site.rules, notice))
            except (PromptsError, OSError) as problem:
                if str(problem) != self.problem:
                    structlog.get_logger().error("a change of the calendar is not in use", problem=str(problem))
                self.problem, self._refused = str(problem), notice
            else:
                self.problem = self._refused = None

    def _notice(self) -> Notice:
        return read_notice(notice_file(self._settings))

    async def _take_up(self, calendar: Calendar) -> None:
        today = datetime.now(UTC).date()
        if calendar.notice == self.calendar.notice and self._made is not None and self._made[1] == today:
            return
        pieces = await asyncio.to_thread(needed_sounds, self._site, calendar, datetime.now(UTC) + self.ahead())
        if self._made is None or self._made[0] != pieces:
            await speak(pieces, self._settings)
            self._words.look_again()
        self._use(calendar)
        self._made = pieces, today

    def _use(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._speakable = festivals_with_words(self._catalogue, calendar)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.refresh()


def notice_file(settings: Settings) -> Path:
    """The operator's file: beside the site file."""
    return settings.site.with_name("calendar.toml")
