"""Calls for people to read: the recent ones in a line each, one call's story, and its recordings as waves."""

from __future__ import annotations

import array
import asyncio
import wave
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

from aiohttp import web
from pydantic import Field

from desk.access import HEAR, READ_CALLS
from desk.calls import recording_file
from desk.errors import Refused
from desk.house import HOUSE
from desk.routes import Given, Shown, answer, get, given
from routing.events import CallQueued, CallRang, Event, RecordingKept, TalkEnded, TalkStarted
from routing.log import LoggedCall
from routing.story import Line, summary, tell
from routing.story_words import WORDS, Language

PIECES: Final = 400
"""So many peaks of each side, however long the recording is."""

By = Literal["caller", "hotline", "queue", "agent"]
Kind = TypeVar("Kind", bound=Event)


class Tongue(Given):
    """In which language."""

    lang: Language = "en"


class Latest(Tongue):
    """How many, and in which language."""

    limit: int = Field(60, ge=1, le=200)


class InShort(Shown):
    """A call in one line. `talked` is in seconds, null while nobody has."""

    call: str
    began: datetime
    caller: str | None
    dialled: str | None
    queue: str | None
    agent: str | None
    talked: float | None
    outcome: str
    recorded: bool


class Recent(Shown):
    """Recent calls, newest first."""

    calls: Sequence[InShort]


class Told(Shown):
    """A line of a story; `offset` is in seconds from its beginning, `by` whose doing it is."""

    at: datetime
    offset: float
    who: str
    what: str
    by: By


class Story(Shown):
    """A call told, and the names of its recordings."""

    call: str
    summary: str
    lines: Sequence[Told]
    recordings: Sequence[str]


class Peaks(Shown):
    """The two sides of a recording, loudest moment by loudest moment, 0 to 1."""

    seconds: float
    agent: Sequence[float]
    caller: Sequence[float]


async def recent(request: web.Request) -> web.StreamResponse:
    """Recent calls in one line each, newest first."""
    wanted = given(request, Latest)
    found = await request.app[HOUSE].events.calls(limit=wanted.limit)
    return answer(Recent(calls=[_in_short(each, wanted.lang) for each in found]))


async def story(request: web.Request) -> web.StreamResponse:
    """One call told line by line, numbers and keys masked."""
    house, call, language = request.app[HOUSE], request.match_info["call"], given(request, Tongue).lang
    events = await house.events.of_call(call)
    if not events:
        raise Refused(404, "which-call", "there is no such call")
    told = tell(events, language, texts=house.texts)
    recordings = [event.file for event in events if isinstance(event, RecordingKept)]
    lines = [_told(line, language) for line in told]
    return answer(Story(call=call, summary=summary(events, language), lines=lines, recordings=recordings))


async def peaks(request: web.Request) -> web.StreamResponse:
    """How loud a recording is, to draw it; nobody learns from it what was said, so it is no playback."""
    return answer(await asyncio.to_thread(loudest, recording_file(request)))


def loudest(file: Path) -> Peaks:
    """The peaks of a stereo recording of ours: left the agent, right the caller."""
    with wave.open(str(file)) as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
        seconds = sound.getnframes() / sound.getframerate()
    return Peaks(seconds=round(seconds, 2), agent=_peaks(samples[0::2]), caller=_peaks(samples[1::2]))


def _peaks(side: array.array[int]) -> list[float]:
    """Drawn on a root scale, as loudness is heard: a quiet voice is still seen."""
    step = max(1, -(-len(side) // PIECES))
    pieces = (side[at : at + step] for at in range(0, len(side), step))
    return [round((max(max(piece), -min(piece)) / 32768) ** 0.5, 3) for piece in pieces]


def _in_short(logged: LoggedCall, language: Language) -> InShort:
    events = logged.events
    rang = _last(events, CallRang)
    queued, talking = _last(events, CallQueued), _last(events, TalkStarted)
    talks = [event.talked.total_seconds() for event in events if isinstance(event, TalkEnded)]
    return InShort(
        call=logged.call,
        began=events[0].at,
        caller=rang.caller.masked() if rang and rang.caller else None,
        dialled=rang.dialled if rang else None,
        queue=queued.queue if queued else None,
        agent=talking.agent if talking else None,
        talked=sum(talks) if talks else None,
        outcome=summary(events, language),
        recorded=_last(events, RecordingKept) is not None,
    )


def _last(events: Sequence[Event], kind: type[Kind]) -> Kind | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def _told(line: Line, language: Language) -> Told:
    place = ("en", "zh").index(language)
    sides: tuple[By, ...] = ("caller", "hotline", "queue")
    by = next((side for side in sides if WORDS[side][place] == line.who), "agent")
    return Told(at=line.at, offset=line.offset.total_seconds(), who=line.who, what=line.what, by=by)


ROUTES: Final = (
    get("/api/calls/recent", recent, READ_CALLS, query=Latest, answer=Recent),
    get("/api/calls/{call}/story", story, READ_CALLS, query=Tongue, answer=Story, refusals=(404,)),
    get("/api/calls/{call}/recordings/{file}/peaks", peaks, HEAR, answer=Peaks, refusals=(404,)),
)
