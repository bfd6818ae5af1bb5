"""Clocks that a test turns: a file says by how many seconds one is ahead. In service nobody turns them.

What tells service from a test is the carrier: with a real one behind the lines, a turned clock would call people up at
night or greet them on the wrong day, so the server refuses to start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hotline.settings import Settings, SettingsRefused
from hotline.site import Site


def ahead(file: Path | None) -> timedelta:
    """Return how far this clock is ahead just now; nothing when no file is named, or it is not there."""
    if file is None or not file.exists():
        return timedelta(0)
    return timedelta(seconds=float(file.read_text("utf-8") or 0))


def clock(file: Path | None) -> Callable[[], datetime]:
    """Return a clock (UTC) that is as far ahead as this file says whenever it is read; without a file, the true one."""
    if file is None:
        return lambda: datetime.now(UTC)
    return lambda: datetime.now(UTC) + ahead(file)


def refuse_in_service(settings: Settings, found: Site) -> None:
    """Raise SettingsRefused if a clock can be turned although real people are behind the lines."""
    named = {"HOTLINE_CALENDAR_CLOCK": settings.calendar_clock, "HOTLINE_VISITS_CLOCK": settings.visits_clock}
    if found.carriers and (turned := [name for name, file in named.items() if file is not None]):
        carrier = found.carriers[0].name
        raise SettingsRefused(
            f"{' and '.join(turned)}: only for tests, but the site has a carrier ({carrier}); remove it"
        )
