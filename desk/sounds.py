"""What callers and callees left on tape: messages, talks, suggestions. Who plays one is written down first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from desk.errors import Refused
from desk.house import HOUSE
from desk.routes import who
from routing.events import RecordingPlayed

FILE: Final = re.compile(r"[A-Za-z0-9_-]{1,80}(\.[A-Za-z0-9_-]{1,80}){0,3}\.wav")
"""A file of ours: no folder, nothing hidden."""
SUGGESTIONS: Final = "visits"
"""Below the messages: what callees said."""


def sounds_of(request: web.Request, call: str, more: Iterable[str] = ()) -> Sequence[str]:
    """Return the names of the recordings of a call that are there: its talks, then `more`."""
    if FILE.fullmatch(f"{call}.wav") is None:
        return []
    talks = sorted(path.name for path in request.app[HOUSE].talks.glob(f"{call}.*.wav"))
    return [*talks, *(file for file in more if _find(request, file) is not None)]


async def play(request: web.Request, file: str, *, call: str) -> web.StreamResponse:
    """Give a sound out; that it was asked for is written down first. Raises Refused when there is none of this name."""
    path, log = _find(request, file), request.app[HOUSE].events
    if path is None:
        raise Refused(404, "no-recording", f"there is no recording {file!r:.60}; it may have been deleted by age")
    log.record(RecordingPlayed(at=datetime.now(UTC), call=call, file=path.name, by=who(request).name))
    await log.flushed()
    return web.FileResponse(path, headers={"Content-Type": "audio/wav"})


def _find(request: web.Request, file: str) -> Path | None:
    if FILE.fullmatch(file) is None:
        return None
    house = request.app[HOUSE]
    folders = (house.talks, house.messages, house.messages / SUGGESTIONS)
    return next((path for folder in folders if (path := folder / file).is_file()), None)
