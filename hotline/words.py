"""The words of a site: which sounds it needs, and making them, at the start and while calls go on."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from hotline.settings import Settings
from hotline.site import Site
from prompts.build import build
from prompts.calendar.calendar import Calendar
from prompts.catalogue import Catalogue
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.plan import FESTIVAL, Plan, plan
from prompts.speech import Speech

AHEAD: Final = timedelta(days=400)
"""So far ahead the greetings of festivals that fall together are made."""


def needed_sounds(found: Site, calendar: Calendar | None = None, at: datetime | None = None) -> Plan:
    """Every sound this site needs from this moment on; raises CatalogueError."""
    calendar, at = calendar or Calendar(found.rules), at or datetime.now(UTC)
    catalogue, words = Catalogue.read(), calendar.notice.words
    alone = {(festival,) for festival in festivals_with_words(catalogue, calendar)}
    return plan(
        catalogue,
        brands=_brands(found),
        agents=[agent.work_number for agent in found.agents],
        festivals=alone | calendar.said_together(at - timedelta(days=1), at + AHEAD),
        words=words,
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
