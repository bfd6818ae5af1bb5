"""The server's HTTP interface, put together: what each room offers, and how the house is.

Programs and the command line come with the token (`Authorization: Bearer ...`), people with a session; both meet the
same rules (`desk/access.py`). An error is JSON with a `code` that stays and a sentence that may change. The whole is
told by /api/openapi.json, made from the same routes that answer.

    desk/signing_in.py   sign in and out, users
    desk/calls.py        what became of calls
    desk/agents.py       agents and their steps
    desk/tickets.py      tickets; desk/ticket_figures.py counts them
    desk/known_callers.py  who is on the line, and what is known of the caller
    desk/notices.py      what people are told of tickets, and what they answer
    desk/announcements.py  outages and news, the calendar, listening in advance
    desk/booth.py        prompts recorded by phone
    desk/figures.py      figures of any time
    desk/visits.py       return visits; desk/visit_figures.py counts them
    desk/key_routes.py   keys of other systems
    desk/imports.py      tickets out of tables
    desk/stories.py      calls for people to read
    desk/floor.py        a leader joins a talk, or moves a waiting caller
    desk/stream.py       the live picture, over a WebSocket
    desk/serving.py      the pages themselves
    here                 how the house is, events as they happen, the board, the prompts' words
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp import web
from pydantic import Field

from casework.errors import CaseworkError, LineUnknown, NotConfirmed, StepIncomplete, TicketUnknown
from casework.notices.notice import NoticeError, NoticeUnknown
from casework.notices.numbers import BadNumber
from casework.notices.post import ChannelUnknown
from casework.visits.office import ScriptUnknown
from casework.visits.states import VisitCannot
from casework.visits.visit import VisitUnknown
from desk import (
    agents,
    announcements,
    booth,
    calls,
    figures,
    floor,
    imports,
    key_routes,
    known_callers,
    notices,
    openapi,
    serving,
    signing_in,
    stories,
    stream,
    ticket_figures,
    ticket_masks,
    tickets,
    visit_figures,
    visits,
)
from desk import web as interface
from desk.access import MANAGE, OPEN, SIGNED_IN, WATCH
from desk.accounts import Accounts
from desk.calls import Reveal, as_json, may_reveal
from desk.front import Front
from desk.house import HOUSE
from desk.routes import Given, Route, Shown, answer, get, given, post
from desk.throttle import throttle_at
from desk.users import Passwords
from hotline.booth import NoSuchPhone, NothingRecorded
from hotline.hear import NotHeard, hear
from hotline.metrics import exposition
from prompts.errors import NewsRefused, NoSuchSound, NoSuchWords, NoticeRefused, PromptsError
from routing.agents import AgentError, AgentUnknown, NotDone
from routing.floor import FloorError
from routing.log import Listener, Missed, NotWritten, Recorded

if TYPE_CHECKING:
    from hotline.service import Service

SERVICE: Final = web.AppKey("service", object)
KEEP_ALIVE: Final = 10.0


class Following(Given):
    """From where events are wanted."""

    after: int | None = Field(None, ge=0, le=2**62)
    call: str | None = Field(None, max_length=200)
    reveal: Reveal = None


class Alive(Shown):
    """The process works."""

    ok: bool


class Ready(Shown):
    """Whether calls can be handled, and else which parts cannot."""

    ok: bool
    wrong: Sequence[str]


class Health(Shown):
    """What is wrong, by part, and a few counts."""

    wrong: Mapping[str, str]
    alarms: Mapping[str, str]
    """What a person must look at, though calls can be handled."""
    site: str
    live_calls: int
    agi: Mapping[str, Any]
    events_waiting: int


class Newest(Shown):
    """The number of the newest event."""

    seq: int


class Texts(Shown):
    """The words of every prompt, by version."""

    texts: Mapping[str, str]


class WordsBuilt(Shown):
    """What came of taking up the operator's words: sounds made, kept, removed, and spoken by the spare voice."""

    made: int
    kept: int
    removed: int
    fell_back: int


def application(service: Service, accounts: Accounts, *, routes: Sequence[Route] | None = None) -> web.Application:
    """Build the interface of a running service; a test may put other routes in the place of ours."""
    settings = service.settings
    gate = interface.Gate(accounts, settings.api.token.get_secret_value())
    front = Front(settings.api.origin, settings.api.proxies)
    app = interface.application(
        gate, front, ROUTES if routes is None else routes, owns=calls.owns, fallback=_refusal_of
    )
    app[SERVICE] = app[HOUSE] = service
    app[key_routes.KEEPER] = accounts.keys
    app[ticket_masks.TICKETS] = service.casework.tickets
    app[known_callers.LINES] = service.site.numbers
    app[announcements.WORDS] = service.almanac
    app[announcements.AREAS] = service.site.areas
    app[announcements.EAR] = partial(hear, service.rooms, settings.folders.sounds)
    app[booth.BOOTH] = service.booth
    app[visits.OFFICE] = service.visits.office
    app[imports.IMPORTS] = service.casework.imports
    app[notices.POST] = service.notices.post
    app[stream.READERS] = stream.Readers()
    app[signing_in.PASSWORDS] = Passwords()
    app[signing_in.THROTTLE] = throttle_at(settings.redis.get_secret_value() if settings.redis else None)
    return app


async def healthz(_: web.Request) -> web.StreamResponse:
    """The process works and its loop is not stuck."""
    return answer(Alive(ok=True))


async def readyz(request: web.Request) -> web.StreamResponse:
    """Calls can be handled, agents signed in, facts written."""
    wrong = _service(request).health()
    return answer(Ready(ok=not wrong, wrong=sorted(wrong)), status=503 if wrong else 200)


async def health(request: web.Request) -> web.StreamResponse:
    """What is wrong, by part, and a few counts."""
    service = _service(request)
    counters = service.agi.counters
    agi = {"now": counters.now, "total": counters.total, "refused": counters.refused, "ended": counters.ended}
    return answer(
        Health(
            wrong=service.health(),
            alarms=service.notices.alarms(),
            site=service.site.site.name,
            live_calls=len(service.watch.live),
            agi=agi,
            events_waiting=service.events.waiting,
        )
    )


async def events(request: web.Request) -> web.StreamResponse:
    """Events as they are written, one JSON object a line: first those after `after`, then live, until you hang up.

    If the stream ends on its own, ask again from the last number you have.
    """
    log, wanted = _service(request).events, given(request, Following)
    whole = may_reveal(request, wanted.reveal)
    async with log.subscribe() as live:
        newest = await log.flushed() if wanted.after is None else wanted.after
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            await _follow(request, response, live, newest, call=wanted.call, whole=whole)
        except ConnectionResetError:
            pass  # the reader hung up
        except Exception:
            structlog.get_logger().exception("a stream of events broke off")
        return response


async def _follow(
    request: web.Request, response: web.StreamResponse, live: Listener, newest: int, *, call: str | None, whole: bool
) -> None:
    """Pass on what was written after `newest`, and then each event as it is written, until the log is closed."""
    log = _service(request).events

    async def pass_on(some: Sequence[Recorded]) -> None:
        for seq, event in some:
            if call in (None, event.call):
                await response.write(_line({"seq": seq} | as_json(event, whole=whole)))

    while True:
        while some := await log.after(newest):
            await pass_on(some)
            newest = some[-1].seq
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    item = await anext(live)
            except TimeoutError:
                await response.write(b"\n")  # a reader who is gone shows when we write
                continue
            except StopAsyncIteration:
                return
            if isinstance(item, Missed) or item.seq > newest + 1:
                break
            if item.seq == newest + 1:
                await pass_on([item])
                newest = item.seq


async def newest_event(request: web.Request) -> web.StreamResponse:
    """The number of the newest event, everything before it written."""
    return answer(Newest(seq=await _service(request).events.flushed()))


async def build_prompts(request: web.Request) -> web.StreamResponse:
    """Take up texts and recordings that have changed, and make their sounds; calls go on."""
    built = await _service(request).almanac.take_up_words()
    return answer(
        WordsBuilt(made=len(built.made), kept=built.kept, removed=len(built.removed), fell_back=len(built.fell_back))
    )


async def prompts(request: web.Request) -> web.StreamResponse:
    """The words of every prompt, by version."""
    return answer(Texts(texts=dict(_service(request).words.texts)))


async def board(request: web.Request) -> web.StreamResponse:
    """The live picture (`routing/picture.py`); its `sources` say what in it may not be believed just now."""
    return web.json_response(_service(request).mirror.picture)


async def metrics(request: web.Request) -> web.StreamResponse:
    """What a monitoring system counts and measures (Prometheus)."""
    return web.Response(body=exposition(_service(request)), headers={"Content-Type": "text/plain; version=0.0.4"})


async def described(_: web.Request) -> web.StreamResponse:
    """The interface as an OpenAPI document."""
    return web.json_response(openapi.document(ROUTES, version=version("hotline")))


def _refusal_of(problem: Exception) -> tuple[int, str] | None:
    """The status and code of what the other rooms raise."""
    match problem:
        case AgentUnknown():
            return 404, problem.code
        case FloorError():
            return problem.status, problem.code
        case NotDone() | NotWritten():
            return 503, problem.code
        case TicketUnknown() | NoSuchWords() | NothingRecorded() | NoticeUnknown() | ChannelUnknown():
            return 404, problem.code
        case NewsRefused() | NoticeRefused() | NotHeard() | BadNumber() | NoSuchSound() | NoSuchPhone():
            return 422, problem.code
        case PromptsError():
            return 503, problem.code
        case StepIncomplete() | NotConfirmed() | LineUnknown():
            return 422, problem.code
        case VisitUnknown() | ScriptUnknown():
            return 404, problem.code
        case AgentError() | CaseworkError() | NoticeError() | VisitCannot() | PromptsError():
            return 409, problem.code
    return None


def _service(request: web.Request) -> Service:
    service: Any = request.app[SERVICE]
    return service  # type: ignore[no-any-return]


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


ROUTES: Final = (
    get("/healthz", healthz, OPEN, answer=Alive),
    get("/readyz", readyz, OPEN, answer=Ready, refusals=(503,)),
    *serving.ROUTES,
    *signing_in.ROUTES,
    *stories.ROUTES,
    *calls.ROUTES,
    *floor.ROUTES,
    *agents.ROUTES,
    *key_routes.ROUTES,
    *imports.ROUTES,
    *known_callers.ROUTES,
    *ticket_figures.ROUTES,
    *tickets.ROUTES,
    *notices.ROUTES,
    *announcements.ROUTES,
    *booth.ROUTES,
    *figures.ROUTES,
    get("/metrics", metrics, WATCH, answer="text/plain"),
    *visit_figures.ROUTES,
    *visits.ROUTES,
    *stream.ROUTES,
    get("/api/health", health, WATCH, answer=Health),
    get("/api/events", events, MANAGE, query=Following, answer="application/x-ndjson"),
    get("/api/events/newest", newest_event, WATCH, answer=Newest),
    get("/api/prompts", prompts, SIGNED_IN, answer=Texts),
    post("/api/prompts/build", build_prompts, MANAGE, answer=WordsBuilt),
    get("/api/board", board, WATCH, answer="application/json"),
    get("/api/openapi.json", described, SIGNED_IN, answer="application/json"),
)
