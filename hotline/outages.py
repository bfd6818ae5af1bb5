"""An emergency that is open in an area of the site is announced there before the menu, for as long as it is open.

The tickets say what should be announced, the news what is; whatever differs is put right every few seconds. So nothing
is lost in a crash, and an emergency is announced however it was opened: by a lead, out of a repair, by another system.
Callers hear the area and the expected end, never what the ticket says: that may be personal. One that a lead has ended
(`hotline news end`) stays ended. An emergency without an area, or with one that the site does not know, is announced by
hand only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from casework.search import Search
from casework.ticket import Kind, Ticket
from prompts.errors import PromptsError
from prompts.news import LONGEST, Announcement, Area, News
from prompts.store import Kind as Words

LOOK_EVERY: Final = 2.0
"""Seconds between two looks at the emergencies that are open."""
AFTER_REFUSAL: Final = 30.0
"""Seconds after which one that could not be spoken is tried again."""
BY: Final = "hotline"
SAID: Final[Mapping[str, tuple[str, str]]] = {
    "zh": ("{area}正在进行抢修，工作人员正在处理，给您带来不便，敬请谅解。", "部分区域"),
    "en": ("An emergency repair is under way in {area}. Our people are working on it.", "part of our area"),
    "es": ("Hay una reparación de urgencia en {area}. Estamos trabajando en ello.", "parte de nuestra zona"),
}
"""What is said in each language, and what the area is called where a voice cannot read its name."""

log = structlog.get_logger()


class Emergencies(Protocol):
    """Where emergencies are looked for (`casework/tickets.py`)."""

    async def search(self, asked: Search) -> Sequence[Ticket]:
        """Return the tickets this is true of, newest first."""


class NewsRoom(Protocol):
    """Where they are announced (`hotline/almanac.py`)."""

    @property
    def news(self) -> Sequence[News]:
        """What is announced and not withdrawn."""

    def ahead(self) -> timedelta:
        """How far the calendar is ahead of the clock: nothing, but in tests."""

    async def announce(self, news: Announcement) -> News:
        """Have it spoken, then announce it; raises PromptsError."""

    async def was_announced(self, about: str) -> bool:
        """Say whether anything about this was ever announced."""

    async def withdraw(self, kind: Words, number: int) -> None:
        """Announce it no longer; raises NoSuchWords."""


class Outages:
    """Keeps what is announced of emergencies in step with their tickets."""

    def __init__(
        self, tickets: Emergencies, news: NewsRoom, areas: Sequence[Area], languages: Collection[str] = ("zh", "en")
    ) -> None:
        """`languages` are those that callers of the site may speak."""
        self._tickets, self._news, self._areas = tickets, news, areas
        self._languages = [language for language in SAID if language in languages]
        self._refused: dict[str, float] = {}

    async def run(self) -> None:
        """Put right what differs, for ever."""
        while True:
            try:
                await self.look()
            except (PromptsError, SQLAlchemyError, OSError) as problem:
                log.error("emergencies are not announced just now", problem=type(problem).__name__)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Announce what is open and not announced; withdraw what is over, or said otherwise now."""
        found = await self._tickets.search(Search(kinds=(Kind.EMERGENCY,), is_open=True, limit=500))
        wanted = {_about(ticket): wish for ticket in found if (wish := self._wish(ticket)) is not None}
        held: dict[str, News] = {}
        for each in self._announced():
            older = held.get(each.about)
            if older is not None:  # we were stopped between saying it anew and withdrawing the old one
                await self._news.withdraw("news", older.number)
            held[each.about] = each
        for about, each in held.items():
            if about not in wanted:
                await self._news.withdraw("news", each.number)
        for about, wish in wanted.items():
            await self._announce(about, wish, held.get(about))

    async def _announce(self, about: str, wish: Announcement, held: News | None) -> None:
        if held is not None and _same(held, wish):
            return
        if held is None and await self._news.was_announced(about):
            return  # a lead has ended it
        now = asyncio.get_running_loop().time()
        if self._refused.get(about, now) > now:
            return
        try:
            told = await self._news.announce(wish)
        except PromptsError as problem:
            self._refused[about] = now + AFTER_REFUSAL
            log.error("an emergency cannot be announced", about=about, problem=str(problem))
            return
        self._refused.pop(about, None)
        log.info("an emergency is announced", about=about, news=told.number)
        if held is not None:
            await self._news.withdraw("news", held.number)

    def _announced(self) -> Iterator[News]:
        """What is announced of emergencies and not run out, oldest first."""
        return (each for each in sorted(self._news.news, key=lambda one: one.number) if each.about)

    def _wish(self, ticket: Ticket) -> Announcement | None:
        """What is to be announced of an emergency; None if its area is not known."""
        area = next((each for each in self._areas if ticket.area.strip() in (each.key, each.name)), None)
        if area is None:
            return None
        begins = datetime.now(UTC) + self._news.ahead()
        return Announcement(
            area=area.key,
            text={language: _words(language, area.name) for language in self._languages},
            expected_end=ticket.expected_end(),
            begins=begins,
            ends=begins + LONGEST,
            by=BY,
            about=_about(ticket),
        )


def _about(ticket: Ticket) -> str:
    """An emergency that is reopened is announced again (`prompts/news.py`: ABOUT_TICKET)."""
    return f"ticket-{ticket.code}-{ticket.reopens}"


def _same(held: News, wish: Announcement) -> bool:
    """Whether what is announced is what should be, and holds for a while yet."""
    lasts = held.ends > wish.begins + timedelta(days=1) and held.begins <= wish.begins
    return lasts and (held.area, held.text, held.expected_end) == (wish.area, wish.text, wish.expected_end)


def _words(language: str, name: str) -> str:
    text, unnamed = SAID[language]
    chinese = any(letter.isalpha() and ord(letter) > 0x24F for letter in name)
    readable = (language == "zh") == chinese
    return text.format(area=name if readable else unnamed)
