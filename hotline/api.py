"""The server's HTTP interface: what the command line, and later the pages, ask and do.

Everything under /api needs the token (`Authorization: Bearer ...`); an error is JSON with a `code` that stays and a
sentence that may change. Callers' numbers are masked unless `reveal=yes` is asked for.

    GET  /healthz                          the process works
    GET  /readyz                           calls can be handled now; else 503 and what is wrong
    GET  /api/health                       what is wrong, by part
    GET  /api/calls?limit=                 recent calls, newest first
    POST /api/calls/find {"caller": ...}   one caller's calls (a number has no place in an address)
    GET  /api/calls/{call}                 one call's events; a beginning of the id is enough
    GET  /api/calls/{call}/recordings/{file}   the sound
    GET  /api/events?after=&call=          events as they happen, one JSON object a line
    GET  /api/events/newest                the number of the newest event
    GET  /api/prompts                      what each prompt says, by version
    GET  /api/board                        the live picture: calls, queues, agents, and how fresh it is
    GET  /api/agents                       the agents and their states
    POST /api/agents/{number}/{step}       sign-in, sign-out, pause {"reason": ...}, unpause
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from routing.agents import AgentCannot, AgentError, AgentUnknown
from routing.events import Event, Keys, PhoneNumber
from routing.events_json import to_json
from routing.log import Listener, LoggedCall, Missed, NotWritten, Recorded

if TYPE_CHECKING:
    from hotline.service import Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICE: Final = web.AppKey("service", object)
FILE: Final = re.compile(r"[a-z0-9-]+-\d+\.\d+(\.\d+)?\.wav")
REASON: Final = re.compile(r"[\w -]{1,40}")
KEEP_ALIVE: Final = 10.0


class Pause(BaseModel):
    """Why an agent takes no calls."""

    model_config = ConfigDict(extra="forbid")
    reason: str

    @field_validator("reason")
    @classmethod
    def _short_and_plain(cls, reason: str) -> str:
        if not REASON.fullmatch(reason):
            raise ValueError("1 to 40 letters, digits, blanks, - or _")
        return reason


class Find(BaseModel):
    """Whose calls are wanted."""

    model_config = ConfigDict(extra="forbid")
    caller: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,20}$")]
    limit: int = Field(20, ge=1, le=500)


def application(service: Service) -> web.Application:
    """Build the interface of a running service."""
    app = web.Application(middlewares=[_errors, _only_with_token], client_max_size=64 * 1024)
    app[SERVICE] = service
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/api/health", health),
            web.get("/api/calls", calls),
            web.post("/api/calls/find", calls_of_caller),
            web.get("/api/calls/{call}", call),
            web.get("/api/calls/{call}/recordings/{file}", recording),
            web.get("/api/events", events),
            web.get("/api/events/newest", newest_event),
            web.get("/api/prompts", prompts),
            web.get("/api/board", board),
            web.get("/api/agents", agents),
            web.post("/api/agents/{number}/{step}", agent_step),
        ]
    )
    return app


async def healthz(_: web.Request) -> web.StreamResponse:
    """The process works and its loop is not stuck."""
    return web.json_response({"ok": True})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Calls can be handled, agents signed in, facts written."""
    wrong = _service(request).health()
    return web.json_response({"ok": not wrong, "wrong": sorted(wrong)}, status=503 if wrong else 200)


async def health(request: web.Request) -> web.StreamResponse:
    """What is wrong, by part, and a few counts."""
    service = _service(request)
    counters = service.agi.counters
    return web.json_response(
        {
            "wrong": service.health(),
            "site": service.site.site.name,
            "live_calls": len(service.watch.live),
            "agi": {"now": counters.now, "total": counters.total, "refused": counters.refused, "ended": counters.ended},
            "events_waiting": service.events.waiting,
        }
    )


async def calls(request: web.Request) -> web.StreamResponse:
    """Recent calls, newest first."""
    found = await _service(request).events.calls(limit=_number(request, "limit", 20, most=500))
    return _calls(found, request)


async def calls_of_caller(request: web.Request) -> web.StreamResponse:
    """One caller's calls, newest first."""
    wanted = Find.model_validate_json(await request.read() or b"{}")
    return _calls(await _service(request).events.calls_from(PhoneNumber(wanted.caller), limit=wanted.limit), request)


def _calls(found: Sequence[LoggedCall], request: web.Request) -> web.StreamResponse:
    return web.json_response({"calls": [{"call": each.call, "events": _shown(each.events, request)} for each in found]})


async def call(request: web.Request) -> web.StreamResponse:
    """One call, by its id or an unambiguous beginning of it."""
    log, asked = _service(request).events, request.match_info["call"]
    ids = [asked] if await log.of_call(asked) else await log.find(asked)
    if len(ids) != 1:
        what = "several calls begin" if ids else "no call begins"
        raise Refused(404 if not ids else 409, "which-call", f"{what} with {asked!r}; see: hotline calls")
    return web.json_response({"call": ids[0], "events": _shown(await log.of_call(ids[0]), request)})


async def recording(request: web.Request) -> web.StreamResponse:
    """The sound of a talk. Only names that our own recordings have can be asked for."""
    call_id, file = request.match_info["call"], request.match_info["file"]
    path = _service(request).settings.folders.recordings / file
    if not FILE.fullmatch(file) or not file.startswith(f"{call_id}.") or not path.is_file():
        raise Refused(404, "no-recording", f"call {call_id} has no recording of that name")
    return web.FileResponse(path)


async def events(request: web.Request) -> web.StreamResponse:
    """Events as they are written, one JSON object a line: first those after `after`, then live, until you hang up.

    If the stream ends on its own, ask again from the last number you have.
    """
    log, after = _service(request).events, request.query.get("after")
    async with log.subscribe() as live:
        newest = await log.flushed() if after is None else _number(request, "after", 0, most=2**62)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            await _follow(request, response, live, newest)
        except ConnectionResetError:
            pass  # the reader hung up
        except Exception:
            structlog.get_logger().exception("a stream of events broke off")
        return response


async def _follow(request: web.Request, response: web.StreamResponse, live: Listener, newest: int) -> None:
    """Pass on what was written after `newest`, and then each event as it is written, until the log is closed."""
    log, wanted = _service(request).events, request.query.get("call")

    async def pass_on(some: Sequence[Recorded]) -> None:
        for seq, event in some:
            if wanted in (None, event.call):
                await response.write(_line({"seq": seq} | _masked(to_json(event), request)))

    while True:
        while some := await log.after(newest):
            await pass_on(some)
            newest = some[-1].seq
        while True:
            try:
                item = await asyncio.wait_for(anext(live), KEEP_ALIVE)
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
    return web.json_response({"seq": await _service(request).events.flushed()})


async def agents(request: web.Request) -> web.StreamResponse:
    """Every agent of the site."""
    service = _service(request)
    return web.json_response({"agents": [service.shown(state) for state in service.roster.states()]})


async def prompts(request: web.Request) -> web.StreamResponse:
    """The words of every prompt, by version."""
    return web.json_response({"texts": dict(_service(request).words.texts)})


async def board(request: web.Request) -> web.StreamResponse:
    """The live picture (`routing/picture.py`); its `sources` say what in it may not be believed just now."""
    return web.json_response(_service(request).mirror.picture)


async def agent_step(request: web.Request) -> web.StreamResponse:
    """Let an agent take a step; done and written down when this answers."""
    roster, number, step = _service(request).roster, request.match_info["number"], request.match_info["step"]
    if step == "sign-in":
        await roster.sign_in(number)
    elif step == "sign-out":
        await roster.sign_out(number)
    elif step == "unpause":
        await roster.unpause(number)
    elif step == "pause":
        await roster.pause(number, Pause.model_validate_json(await request.read() or b"{}").reason)
    else:
        raise Refused(404, "no-such-step", f"agents can sign-in, sign-out, pause, unpause; not {step!r:.40}")
    state = next(state for state in roster.states() if state.agent == number)
    return web.json_response(_service(request).shown(state))


class Refused(Exception):
    """A request that cannot be carried out, with a code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, text: str) -> None:
        self.status, self.code = status, code
        super().__init__(text)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return _problem(refused.status, refused.code, str(refused))
    except AgentError as problem:
        status = 404 if isinstance(problem, AgentUnknown) else 409 if isinstance(problem, AgentCannot) else 503
        return _problem(status, problem.code, str(problem))
    except web.HTTPException as problem:
        return _problem(problem.status, "http", problem.reason)
    except ValidationError as problem:
        said = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}"
            for e in problem.errors(include_url=False)
        )
        return _problem(422, "bad-request", said)
    except NotWritten as problem:
        return _problem(503, problem.code, str(problem))
    except Exception:
        structlog.get_logger().exception("a request failed", method=request.method, path=request.path)
        return _problem(500, "internal", "the server made a mistake; its log says more")


@web.middleware
async def _only_with_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/api/"):
        given = request.headers.get("Authorization", "")
        expected = f"Bearer {_service(request).settings.api.token.get_secret_value()}"
        if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
            raise Refused(401, "token", "the token is missing or wrong; it is HOTLINE_API__TOKEN of the server")
    return await handler(request)


def _service(request: web.Request) -> Service:
    service: Any = request.app[SERVICE]
    return service  # type: ignore[no-any-return]


def _problem(status: int, code: str, text: str) -> web.Response:
    return web.json_response({"code": code, "error": text}, status=status)


def _number(request: web.Request, name: str, default: int, *, most: int) -> int:
    given = request.query.get(name)
    if given is None:
        return default
    if not given.isdecimal() or not given.isascii() or int(given) > most:
        raise Refused(422, "bad-request", f"{name} must be a number from 0 to {most}; found {given!r:.40}")
    return int(given)


def _shown(some: Sequence[Event], request: web.Request) -> list[dict[str, Any]]:
    return [_masked(to_json(event), request) for event in some]


def _masked(event: dict[str, Any], request: web.Request) -> dict[str, Any]:
    """Hide the caller's number and keys, unless they were asked for."""
    if request.query.get("reveal") == "yes":
        return event
    if event.get("caller"):
        event["caller"] = PhoneNumber(event["caller"]).masked()
    if event.get("key"):
        event["key"] = Keys(event["key"]).masked()
    return event


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
