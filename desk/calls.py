"""What became of calls: the events, the story, the recording. Numbers and keys are masked.

The command line may ask with `reveal=yes`; a user reveals one number at a time, and plays one recording at a time, and
each time that is written down with the user's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from desk.access import COMMAND_LINE, HEAR, LEADERS, READ_CALLS, REVEAL, Role, Who, only
from desk.errors import Refused
from desk.house import HOUSE
from desk.routes import Given, Shown, answer, get, given, post, who
from routing.events import CallRang, Event, Keys, NumberRevealed, PhoneNumber, RecordingPlayed
from routing.events_json import to_json
from routing.log import LoggedCall

FILE: Final = re.compile(r"[a-z0-9-]+-\d+(\.\d+){0,2}\.wav")
FIND: Final = only(*LEADERS, Role.COMPLAINT_HANDLER)
"""Ask for a caller's calls: who has the number has it already."""

Reveal = Literal["yes"] | None


class Find(Given):
    """Whose calls are wanted."""

    caller: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,20}$")]
    limit: int = Field(20, ge=1, le=500)


class Recent(Given):
    """How many calls are wanted."""

    limit: int = Field(20, ge=0, le=500)
    reveal: Reveal = None


class Revealing(Given):
    """How it is wanted."""

    reveal: Reveal = None


class OneCall(Shown):
    """A call and its events, oldest first."""

    call: str
    events: Sequence[Mapping[str, Any]]


class SomeCalls(Shown):
    """Calls, newest first."""

    calls: Sequence[OneCall]


class Number(Shown):
    """A caller's whole number; null when it was withheld."""

    caller: str | None


async def calls(request: web.Request) -> web.StreamResponse:
    """Recent calls, newest first."""
    wanted = given(request, Recent)
    return _calls(await request.app[HOUSE].events.calls(limit=wanted.limit), whole=may_reveal(request, wanted.reveal))


async def calls_of_caller(request: web.Request) -> web.StreamResponse:
    """One caller's calls, newest first; in the body, because a number has no place in an address."""
    wanted = given(request, Find)
    found = await request.app[HOUSE].events.calls_from(PhoneNumber(wanted.caller), limit=wanted.limit)
    return _calls(found, whole=False)


def _calls(found: Sequence[LoggedCall], *, whole: bool) -> web.StreamResponse:
    return answer(SomeCalls(calls=[OneCall(call=each.call, events=shown(each.events, whole=whole)) for each in found]))


async def call(request: web.Request) -> web.StreamResponse:
    """One call, by its id or an unambiguous beginning of it."""
    log, asked = request.app[HOUSE].events, request.match_info["call"]
    whole = may_reveal(request, given(request, Revealing).reveal)
    ids = [asked] if await log.of_call(asked) else await log.find(asked)
    if len(ids) != 1:
        what = "several calls begin" if ids else "no call begins"
        raise Refused(404 if not ids else 409, "which-call", f"{what} with {asked!r:.60}; see: hotline calls")
    return answer(OneCall(call=ids[0], events=shown(await log.of_call(ids[0]), whole=whole)))


async def reveal(request: web.Request) -> web.StreamResponse:
    """A caller's whole number; that it was asked for is written down first."""
    log, asked = request.app[HOUSE].events, request.match_info["call"]
    rang = next((event for event in await log.of_call(asked) if isinstance(event, CallRang)), None)
    if rang is None:
        raise Refused(404, "which-call", "there is no such call")
    log.record(NumberRevealed(at=datetime.now(UTC), call=asked, by=who(request).name))
    await log.flushed()
    return answer(Number(caller=rang.caller.digits if rang.caller else None))


async def recording(request: web.Request) -> web.StreamResponse:
    """The sound of a talk; that it was asked for is written down first. Only our own recordings can be asked for."""
    path, log = recording_file(request), request.app[HOUSE].events
    played = RecordingPlayed(
        at=datetime.now(UTC), call=request.match_info["call"], file=path.name, by=who(request).name
    )
    log.record(played)
    await log.flushed()
    return web.FileResponse(path, headers={"Content-Type": "audio/wav"})


def recording_file(request: web.Request) -> Path:
    """The recording that a route names; raises Refused for anything that is not one of this call's."""
    call_id, file = request.match_info["call"], request.match_info["file"]
    path = request.app[HOUSE].talks / file
    if not FILE.fullmatch(file) or not file.startswith(f"{call_id}.") or not path.is_file():
        raise Refused(404, "no-recording", f"call {call_id!r:.60} has no recording of that name")
    return path


async def owns(request: web.Request, asker: Who) -> bool:
    """Whether what a route names is the asker's own: the agent, or a call that the asker has had."""
    if asker.number is None:
        return False
    if (number := request.match_info.get("number")) is not None:
        return number == asker.number
    if (asked := request.match_info.get("call")) is not None:
        events = await request.app[HOUSE].events.of_call(asked)
        return any(event.agent == asker.number for event in events)
    return False


def may_reveal(request: web.Request, asked: Reveal) -> bool:
    """Whether numbers are shown whole, all at once: to the command line, if it asks. Raises Refused for others."""
    if asked and who(request) is not COMMAND_LINE:
        raise Refused(403, "not-allowed", "numbers are revealed one by one, and that is written down")
    return asked is not None


def shown(some: Sequence[Event], *, whole: bool) -> list[dict[str, Any]]:
    """Events as JSON, numbers and keys masked unless they are to be shown whole."""
    return [as_json(event, whole=whole) for event in some]


def as_json(event: Event, *, whole: bool) -> dict[str, Any]:
    """One event, see `shown`."""
    written = to_json(event)
    if not whole and written.get("caller"):
        written["caller"] = PhoneNumber(written["caller"]).masked()
    if not whole and written.get("key"):
        written["key"] = Keys(written["key"]).masked()
    return written


ROUTES: Final = (
    get("/api/calls", calls, READ_CALLS, query=Recent, answer=SomeCalls),
    post("/api/calls/find", calls_of_caller, FIND, body=Find, answer=SomeCalls),
    get("/api/calls/{call}", call, READ_CALLS, query=Revealing, answer=OneCall, refusals=(404, 409)),
    post("/api/calls/{call}/reveal", reveal, REVEAL, answer=Number, refusals=(404,)),
    get("/api/calls/{call}/recordings/{file}", recording, HEAR, answer="audio/wav", refusals=(404,)),
)
