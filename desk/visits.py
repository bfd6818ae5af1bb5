"""Return visits: what waits, what was answered; and what a lead does about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from casework.visits import book
from casework.visits.answers import Recorded
from casework.visits.office import Office
from casework.visits.states import State
from casework.visits.visit import CALL, NewVisit, Talked, Visit, VisitUnknown
from desk.access import HEAR, LEAD_SHIFT, READ_CALLS, WATCH
from desk.errors import Refused
from desk.routes import Given, Shown, answer, get, given, post, who
from desk.sounds import play, sounds_of
from routing.events import PhoneNumber

OFFICE: Final = web.AppKey("visits", Office)
MOST: Final = 1000


class Wanted(NewVisit, Given):
    """A visit as another program asks for it."""


class Several(Given):
    """Visits to be taken in together, all or none."""

    visits: Sequence[NewVisit] = Field(min_length=1, max_length=MOST)


class Choice(Given):
    """Which visits are wanted."""

    state: State | None = None
    script: str = Field("", max_length=40)
    after: int = Field(0, ge=0, le=2**53)
    limit: int = Field(100, ge=1, le=MOST)


class Why(Given):
    """Why a step is taken."""

    why: str = Field("", max_length=200)


class Which(Given):
    """The script that is meant; `*` is all of them."""

    script: str = Field("*", pattern=r"^([a-z][a-z0-9-]{0,30}|\*)$")


class Number(Given):
    """A number that is not to be called, or may be again."""

    number: str = Field(pattern=r"^\+?[0-9][0-9 ()/.-]{2,29}$")
    blocked: bool = True
    why: str = Field("", max_length=200)


class Added(Shown):
    """A visit's number, and whether it is new."""

    id: int
    new: bool


class AddedSeveral(Shown):
    """How many were new."""

    new: int


class VisitShown(Shown):
    """A visit as people see it; the number is masked."""

    id: int
    script: str
    number: str
    state: State
    due: str
    priority: int
    attempt: int
    ticket: str
    crew: str
    area: str
    created: str


class Visits(Shown):
    """Some visits, in the order of their ids."""

    visits: Sequence[VisitShown]


class AnswerShown(Shown):
    """One answer."""

    step: str
    value: str
    at: str


class TalkShown(Shown):
    """One call of a visit."""

    call: str
    began: str
    answered: str | None
    fate: str | None
    cause: int | None
    tech_cause: str
    hint: str
    outcome: str | None
    answers: Sequence[AnswerShown]
    recordings: Sequence[str]
    """The whole talk, and what the callee said in it; see `/api/visits/{visit}/recordings/{file}`."""


class VisitWhole(VisitShown):
    """A visit with everything that happened to it."""

    calls: Sequence[TalkShown]
    steps: Sequence[Mapping[str, str]]
    facts: Mapping[str, str]


class Progress(Shown):
    """How many visits are in each state, and what is not dialled for now."""

    states: Mapping[str, int]
    paused: Sequence[str]


async def visits(request: web.Request) -> web.StreamResponse:
    """Visits, in the order of their ids."""
    choice = given(request, Choice)
    states = [choice.state] if choice.state else []
    found = await _office(request).read(
        lambda transaction: book.listed(
            transaction, states=states, script=choice.script, limit=choice.limit, after_id=choice.after
        )
    )
    return answer(Visits(visits=[VisitShown(**_shown(visit)) for visit in found]))


async def visit(request: web.Request) -> web.StreamResponse:
    """One visit, its calls with their answers, and its steps."""
    return await _whole(request, _id(request))


async def visit_of_call(request: web.Request) -> web.StreamResponse:
    """The visit that a call of ours is about: what an agent has to know to whom a callee was handed over."""
    call = CALL.fullmatch(request.match_info["call"])
    if call is None:
        raise Refused(404, "no-visit", "that call is no call of ours")
    return await _whole(request, int(call["visit"]))


async def _whole(request: web.Request, wanted: int) -> web.StreamResponse:
    def look(transaction: Connection) -> tuple[Visit, Sequence[Talked], Sequence[Mapping[str, str]]]:
        found = book.get(transaction, wanted)
        return found, book.calls_of(transaction, wanted), book.steps_of(transaction, wanted)

    found, talks, steps = await _office(request).read(look)
    calls = [_talk(talk, sounds_of(request, talk.call, _said(talk))) for talk in talks]
    return answer(VisitWhole(**_shown(found), calls=calls, steps=steps, facts=dict(found.facts)))


async def recording(request: web.Request) -> web.StreamResponse:
    """A talk of this visit, or what the callee said in it; who plays it is written down first."""
    wanted, file = _id(request), request.match_info["file"]
    talks = await _office(request).read(lambda transaction: book.calls_of(transaction, wanted))
    call = next((talk.call for talk in talks if file.startswith(f"{talk.call}.")), None)
    if call is None:
        raise Refused(404, "no-recording", f"visit {wanted} has no recording of that name")
    return await play(request, file, call=call)


async def add(request: web.Request) -> web.StreamResponse:
    """Have somebody called; the same key is never taken twice."""
    wanted = NewVisit(**given(request, Wanted).model_dump())
    added, new = await _office(request).add(wanted, who=who(request).name)
    return answer(Added(id=added, new=new), status=201 if new else 200)


async def add_several(request: web.Request) -> web.StreamResponse:
    """Have several people called."""
    return answer(
        AddedSeveral(new=await _office(request).add_all(given(request, Several).visits, who=who(request).name))
    )


async def progress(request: web.Request) -> web.StreamResponse:
    """How many visits are in each state, and what is paused."""
    found = await _office(request).read(
        lambda transaction: Progress(states=book.counts(transaction), paused=book.paused(transaction))
    )
    return answer(found)


async def again(request: web.Request) -> web.StreamResponse:
    """Call somebody again whose visit is over."""
    return await _step(request, "again")


async def cancel(request: web.Request) -> web.StreamResponse:
    """Do not call: this visit is not wanted any more."""
    return await _step(request, "cancel")


async def first(request: web.Request) -> web.StreamResponse:
    """Call this one before all others that are due."""
    return await _step(request, "first")


async def pause(request: web.Request) -> web.StreamResponse:
    """Dial nobody for this script until it is resumed; who is on a line stays there."""
    await _office(request).pause(given(request, Which).script, who=who(request).name)
    return await progress(request)


async def resume(request: web.Request) -> web.StreamResponse:
    """Dial again."""
    await _office(request).resume(given(request, Which).script)
    return await progress(request)


async def do_not_call(request: web.Request) -> web.StreamResponse:
    """Put a number on the do-not-call list, or take it off."""
    asked = given(request, Number)
    if asked.blocked:
        await _office(request).block(asked.number, why=asked.why)
    else:
        await _office(request).unblock(asked.number)
    return await progress(request)


async def _step(request: web.Request, step: str) -> web.StreamResponse:
    moved = await _office(request).step(_id(request), step, who=who(request).name, why=given(request, Why).why)
    return answer(VisitShown(**_shown(moved)))


def _office(request: web.Request) -> Office:
    return request.app[OFFICE]


def _id(request: web.Request) -> int:
    asked = request.match_info["visit"]
    if not asked.isascii() or not asked.isdecimal() or len(asked) > 15:
        raise VisitUnknown(asked)
    return int(asked)


def _shown(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "script": visit.script,
        "number": PhoneNumber(visit.number).masked(),
        "state": visit.state,
        "due": visit.due.isoformat(),
        "priority": visit.priority,
        "attempt": visit.attempt,
        "ticket": visit.ticket,
        "crew": visit.crew,
        "area": visit.area,
        "created": visit.created.isoformat(),
    }


def _said(talk: Talked) -> Sequence[str]:
    """The files of what the callee said."""
    return [each.value for each in talk.answers if isinstance(each, Recorded)]


def _talk(talk: Talked, recordings: Sequence[str]) -> TalkShown:
    return TalkShown(
        call=talk.call,
        began=talk.began.isoformat(),
        answered=talk.answered.isoformat() if talk.answered else None,
        fate=talk.fate,
        cause=talk.cause,
        tech_cause=talk.tech_cause,
        hint=talk.hint,
        outcome=talk.outcome,
        recordings=recordings,
        answers=[AnswerShown(step=each.step, value=each.value, at=each.at.isoformat()) for each in talk.answers],
    )


_STEP: Final[Mapping[str, Any]] = {"body": Why, "answer": VisitShown, "refusals": (404, 409)}
ROUTES: Final = (
    get("/api/visits", visits, WATCH, query=Choice, answer=Visits),
    get("/api/visits/progress", progress, WATCH, answer=Progress),
    get("/api/visits/{visit}", visit, WATCH, answer=VisitWhole, refusals=(404,)),
    get("/api/calls/{call}/visit", visit_of_call, READ_CALLS, answer=VisitWhole, refusals=(404,)),
    get("/api/visits/{visit}/recordings/{file}", recording, HEAR, answer="audio/wav", refusals=(404,)),
    post("/api/visits", add, LEAD_SHIFT, body=Wanted, answer=Added, status=201, refusals=(404,)),
    post("/api/visits/several", add_several, LEAD_SHIFT, body=Several, answer=AddedSeveral, refusals=(404,)),
    post("/api/visits/pause", pause, LEAD_SHIFT, body=Which, answer=Progress),
    post("/api/visits/resume", resume, LEAD_SHIFT, body=Which, answer=Progress),
    post("/api/visits/do-not-call", do_not_call, LEAD_SHIFT, body=Number, answer=Progress),
    post("/api/visits/{visit}/again", again, LEAD_SHIFT, **_STEP),
    post("/api/visits/{visit}/cancel", cancel, LEAD_SHIFT, **_STEP),
    post("/api/visits/{visit}/first", first, LEAD_SHIFT, **_STEP),
)
