"""The words of a site: which sounds it needs, and making them, at the start and while calls go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from hotline.settings import Settings
from hotline.site import Site
from prompts import migrations
from prompts.build import build
from prompts.calendar.calendar import Calendar
from prompts.catalogue import Catalogue
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.news import News
from prompts.plan import FESTIVAL, Plan, plan
from prompts.speech import Speech
from prompts.store import Store
from routing.database import open_database

AROUND: Final = timedelta(days=3653)
"""So far ahead and back the greetings of festivals that fall together are made: one may listen to any of these days."""


def needed_sounds(
    found: Site, calendar: Calendar | None = None, at: datetime | None = None, news: Iterable[News] = ()
) -> Plan:
    """Every sound this site needs from this moment on; raises CatalogueError."""
    calendar, at = calendar or Calendar(found.rules), at or datetime.now(UTC)
    catalogue, words = Catalogue.read(), calendar.notice.words
    alone = {(festival,) for festival in festivals_with_words(catalogue, calendar)}
    return plan(
        catalogue,
        brands=_brands(found),
        agents=[agent.work_number for agent in found.agents],
        festivals=alone | calendar.said_together(at - AROUND, at + AROUND),
        words=words,
        news={each.prompt: {str(language): text for language, text in each.text.items()} for each in news},
    )


def festivals_with_words(catalogue: Catalogue, calendar: Calendar) -> frozenset[str]:
    """The festivals that something can be said on, in one language at least."""
    ours = {prompt.removeprefix(FESTIVAL) for prompt in catalogue.ids if prompt.startswith(FESTIVAL)}
    return frozenset(ours | calendar.notice.words.keys())


async def speak(pieces: Plan, settings: Settings) -> None:
    """Make the sounds that are missing; calls go on meanwhile. Raises PromptsError."""
    began = time.monotonic()
    built = await asyncio.to_thread(build, pieces, settings.folders.sounds, Espeak())
    seconds = round(time.monotonic() - began, 1)
    structlog.get_logger().info("the prompts are ready", made=len(built.made), kept=built.kept, seconds=seconds)


def open_words(found: Site, settings: Settings) -> Speech:
    """Open the sounds that are there; the almanac makes what is missing."""
    sounds = settings.folders.sounds
    return Speech(Library(sounds), Catalogue.read(), Espeak(), sounds, brands=_brands(found), zone=found.zone)


def _brands(found: Site) -> dict[str, dict[str, str]]:
    return {line.key: {str(language): name for language, name in line.brand.items()} for line in found.numbers}


@asynccontextmanager
async def open_said(url: str) -> AsyncGenerator[Store]:
    """Open what operators have said, in this database; raises SQLAlchemyError, OSError, or alembic's CommandError."""
    database = open_database(url)
    try:
        await migrations.upgrade(database)
        yield Store(database)
    finally:
        await database.close()
