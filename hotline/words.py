"""The words of a site: which sounds it needs, and making them, at the start and while calls go on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from hotline.settings import Settings
from hotline.site import Site, own_recordings, own_texts
from prompts import migrations
from prompts.build import Built, Progress, build
from prompts.calendar.calendar import Calendar
from prompts.catalogue import Catalogue
from prompts.errors import CatalogueError, VoiceMissing
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.news import News
from prompts.plan import FESTIVAL, Plan, plan
from prompts.speech import Speech
from prompts.store import Store
from prompts.studio import Studio
from prompts.voice import Voice
from prompts.voices import Spared, voice_named
from storage.database import open_database

AROUND: Final = timedelta(days=3653)
"""So far ahead and back the greetings of festivals that fall together are made: one may listen to any of these days."""


def needed_sounds(
    found: Site,
    catalogue: Catalogue,
    calendar: Calendar | None = None,
    at: datetime | None = None,
    news: Iterable[News] = (),
) -> Plan:
    """Every sound this site needs from this moment on."""
    calendar, at = calendar or Calendar(found.rules), at or datetime.now(UTC)
    words = calendar.notice.words
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


async def speak(pieces: Plan, settings: Settings, *, progress: Progress = lambda *_: None) -> Built:
    """Make the sounds that are missing; calls go on meanwhile.

    Raises CatalogueError for a recording that cannot be used, before anything is made, and other PromptsErrors.
    """
    began = time.monotonic()
    studio = studio_of(settings.site, settings.folders.spoken)
    if problems := await asyncio.to_thread(lambda: list(studio.problems(pieces))):
        raise CatalogueError(problems)
    make = partial(build, spare=Espeak(), studio=studio, progress=progress)
    built = await asyncio.to_thread(make, pieces, settings.folders.sounds, voice_of(settings))
    seconds = round(time.monotonic() - began, 1)
    log = structlog.get_logger()
    log.info("the prompts are ready", made=len(built.made), kept=built.kept, seconds=seconds)
    if built.fell_back:
        why = next(iter(built.fell_back.values()))
        log.warning("espeak-ng spoke for the voice that was set", sounds=len(built.fell_back), problem=why)
    return built


def open_words(found: Site, settings: Settings) -> Speech:
    """Open the sounds that are there; the almanac makes what is missing. Raises CatalogueError, VoiceMissing."""
    sounds, voice = settings.folders.sounds, Spared(voice_of(settings), Espeak())
    catalogue = texts_of(settings.site)
    return Speech(Library(sounds), catalogue, voice, sounds, brands=_brands(found), zone=found.zone)


def texts_of(site: Path) -> Catalogue:
    """The product's texts, and the operator's own beside this site file; raises CatalogueError."""
    return Catalogue.read(own=own_texts(site))


def studio_of(site: Path, by_phone: Path | None = None) -> Studio:
    """The operator's recordings; those that were made by phone lie with the server."""
    return Studio(own_recordings(site), by_phone)


def voice_of(settings: Settings) -> Voice:
    """The voice that the settings name; raises VoiceMissing."""
    chosen, options = settings.voice, dict(settings.voice.options)
    if chosen.secret_headers is not None:
        try:
            options["headers"] = json.loads(chosen.secret_headers.get_secret_value())
        except ValueError as wrong:
            raise VoiceMissing('HOTLINE_VOICE__SECRET_HEADERS is not JSON such as {"Authorization": "..."}') from wrong
    return voice_named(chosen.engine, options)


def _brands(found: Site) -> dict[str, dict[str, str]]:
    return {line.key: {str(language): name for language, name in line.brand.items()} for line in found.numbers}


@asynccontextmanager
async def open_said(url: str) -> AsyncGenerator[Store]:
    """Open what operators have said, in this database; raises SQLAlchemyError, OSError, or alembic's CommandError."""
    database = open_database(url)
    try:
        await migrations.HISTORY.upgrade(database)
        yield Store(database)
    finally:
        await database.close()
