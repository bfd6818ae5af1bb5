"""The calendar and the news as they are now: the site's rules and what operators have said, taken up in mid-call.

A change is heard only once its sounds are made, so it never costs a caller a greeting; one that cannot be used changes
nothing and is reported. A call asks anew for each prompt, so a change holds from the next prompt on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hotline.clocks import ahead
from hotline.settings import Settings
from hotline.site import Site
from hotline.words import festivals_with_words, needed_sounds, speak, texts_of
from prompts.build import Built
from prompts.calendar.calendar import Calendar
from prompts.calendar.notice import Notice, read_notice
from prompts.calendar.year import told
from prompts.errors import BuildFailed, NewsRefused, NoticeRefused, PromptsError
from prompts.news import Announcement, News, area_of, concerning
from prompts.plan import Plan
from prompts.speech import Speech
from prompts.store import Change, Kind, Said, Store
from routing.events import PhoneNumber

LOOK_EVERY: Final = 2.0
"""Seconds after which the operator's file is looked at again."""


class Almanac:
    """Today's calendar (`ivr/rooms.py`: Almanac), and the task that keeps it so."""

    def __init__(self, found: Site, settings: Settings, words: Speech, store: Store | None = None) -> None:
        """`start` reads what the operator has said; until then the site's rules hold."""
        self._site, self._settings, self._words, self._store = found, settings, words, store
        self._said = Said()
        self._catalogue = texts_of(settings.site)
        self._use(Calendar(found.rules))
        self._made: tuple[Plan, date] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._refused: tuple[Notice, Said] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the operator's last change is not in use; None if all is."""

    def festivals(self, at: datetime) -> Sequence[str]:
        """See ivr.rooms.Almanac. A festival without words is passed over."""
        return [name for name in self.calendar.festivals(at + self.ahead()) if name in self._speakable]

    def is_open(self, hours: str, at: datetime) -> bool:
        """See ivr.rooms.Almanac."""
        return self.calendar.is_open(hours, at + self.ahead())

    def concerning(self, caller: PhoneNumber | None, language: str, at: datetime) -> Sequence[News]:
        """See ivr.rooms.NewsDesk."""
        area = area_of(caller.digits if caller else None, self._site.areas)
        return concerning(self._said.news, area, language, at + self.ahead())

    @property
    def news(self) -> Sequence[News]:
        """What is announced and not withdrawn, over or not."""
        return self._said.news

    @property
    def changes(self) -> Sequence[Change]:
        """What was changed by command and not withdrawn."""
        return self._said.changes

    @property
    def plan(self) -> Plan:
        """Every sound that there is to be now."""
        return self._made[0] if self._made is not None else ()

    async def announce(self, news: Announcement) -> News:
        """Have it spoken, then announce it: callers hear it when this returns. Raises NewsRefused, PromptsError."""
        store = self._opened()
        async with self._one_at_a_time:
            numbered = News(number=await store.next_number(), **news.model_dump())
            try:
                await self._take_up(self.calendar, replace(self._said, news=[*self._said.news, numbered]))
            except BuildFailed as problem:
                raise NewsRefused(next(iter(problem.failures.values()))) from problem
            return await store.announce(numbered.number, news, at=datetime.now(UTC))

    async def was_announced(self, about: str) -> bool:
        """Say whether anything about this was ever announced, withdrawn or not."""
        return await self._opened().was_announced(about)

    def area_in_trouble(self) -> str | None:
        """Return the area that was last announced to be in trouble and still is; None if there is none."""
        now = datetime.now(UTC) + self.ahead()
        held = [news for news in self._said.news if news.area is not None and news.begins <= now < news.ends]
        return held[-1].area if held else None

    async def change(self, notice: Notice, *, by: str) -> int:
        """Change the calendar; in use when this returns. Raises NoticeRefused and changes nothing, PromptsError."""
        store = self._opened()
        async with self._one_at_a_time:
            try:
                await self._take_up(Calendar(self._site.rules, self.calendar.notice + notice), self._said)
            except BuildFailed as problem:
                raise NoticeRefused("the change", [str(next(iter(problem.failures.values())))]) from problem
            number = await store.change(notice, by=by)
        await self.refresh()
        return number

    def year(self, year: int) -> Sequence[str]:
        """A year of the calendar, line by line."""
        return told(self.calendar, year, self._speakable)

    async def withdraw(self, kind: Kind, number: int) -> None:
        """Let an announcement or a change hold no longer; raises NoSuchWords."""
        await self._opened().withdraw(kind, number, at=datetime.now(UTC))
        await self.refresh()

    def _opened(self) -> Store:
        assert self._store is not None, "the server has a database"
        return self._store

    def is_holiday(self, on: date) -> bool:
        """Whether this is a public holiday: people are then not called."""
        return self.calendar.day(on).kind == "holiday"

    def season(self, on: date) -> str:
        """The day's season, several in one word; empty outside of all: hours of different ones are not alike."""
        return "+".join(self.calendar.seasons_of(on))

    def ahead(self) -> timedelta:
        """How far the calendar is ahead of the clock: nothing, but in tests (HOTLINE_CALENDAR_CLOCK)."""
        return ahead(self._settings.calendar_clock)

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
            wanted: tuple[Notice, Said] | None = None
            try:
                said = await self._store.said() if self._store else Said()
                wanted = self._notice(said), said
                if wanted == self._refused:
                    return
                await self._take_up(Calendar(self._site.rules, wanted[0]), said)
            except (PromptsError, SQLAlchemyError, OSError) as problem:
                if str(problem) != self.problem:
                    structlog.get_logger().error("a change of the calendar is not in use", problem=str(problem))
                self.problem, self._refused = str(problem), wanted
            else:
                self.problem = self._refused = None

    async def take_up_words(self) -> Built:
        """Take up texts and recordings that have changed; calls go on, and hear them from their next prompt on.

        Raises PromptsError for words that cannot be used; then all stays as it was.
        """
        async with self._one_at_a_time:
            texts = await asyncio.to_thread(texts_of, self._settings.site)
            now = datetime.now(UTC) + self.ahead()
            pieces = await asyncio.to_thread(needed_sounds, self._site, texts, self.calendar, now, self._said.news)
            built = await speak(pieces, self._settings)
            self._catalogue, self._made = texts, (pieces, now.date())
            self._words.look_again(texts)
            self._use(self.calendar)
            return built

    def _notice(self, said: Said) -> Notice:
        """What the operator's file says, and then what was said by command."""
        notice = read_notice(notice_file(self._settings))
        for change in said.changes:
            notice += change.notice
        return notice

    async def _take_up(self, calendar: Calendar, said: Said = Said()) -> None:
        as_it_is = calendar.notice == self.calendar.notice and said.news == self._said.news
        now = datetime.now(UTC) + self.ahead()
        if as_it_is and self._made is not None and self._made[1] == now.date():
            self._said = said
            return
        pieces = await asyncio.to_thread(needed_sounds, self._site, self._catalogue, calendar, now, said.news)
        if self._made is None or self._made[0] != pieces:
            await speak(pieces, self._settings)
            self._words.look_again()
        self._use(calendar)
        self._said, self._made = said, (pieces, now.date())

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
