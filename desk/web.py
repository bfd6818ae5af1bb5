"""Every request's way in: who asks, may they, is it really their browser, is what they bring well formed.

Two kinds of callers come: a browser with the cookie of a session, and a program with the server's token. A route is
used only if it has a rule and the rule allows it (`access.py`); everything else is refused. A change that comes with a
cookie must also bring the session's `X-Hotline-Csrf` and come from our own pages (`Origin`).
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError

from desk.access import COMMAND_LINE, Who
from desk.accounts import Accounts
from desk.errors import Refused
from desk.front import FRONT, Front, with_headers
from desk.routes import GIVEN, SESSION, WHO, Handler, Problem, Route, answer, session, who
from desk.users import UserError

CSRF_HEADER: Final = "X-Hotline-Csrf"
LARGEST_BODY: Final = 64 * 1024
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Owns = Callable[[web.Request, Who], Awaitable[bool]]
"""Whether what a request is about is the asker's own."""
Fallback = Callable[[Exception], tuple[int, str] | None]
"""The status and code of an error of another room; None for a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the way in needs to know."""

    accounts: Accounts
    token: str
    """Whoever has it is the command line."""


GATE: Final = web.AppKey("gate", Gate)
ROUTES: Final = web.AppKey[Mapping[tuple[str, str], Route]]("routes")
OWNS: Final = web.AppKey[Owns]("owns")
FALLBACK: Final = web.AppKey[Fallback]("fallback")


def application(
    gate: Gate, front: Front, routes: Sequence[Route], *, owns: Owns, fallback: Fallback
) -> web.Application:
    """Build the interface of these routes."""
    app = web.Application(middlewares=[_errors, _known, _allowed, _well_formed], client_max_size=LARGEST_BODY)
    app[GATE], app[FRONT], app[OWNS], app[FALLBACK] = gate, front, owns, fallback
    app[ROUTES] = {(route.method, route.path): route for route in routes}
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
    app.on_response_prepare.append(with_headers)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return problem(refused.status, refused.code, str(refused), retry_after=refused.retry_after)
    except UserError as wrong:
        return problem(wrong.status, wrong.code, str(wrong))
    except web.HTTPException as wrong:
        return problem(wrong.status, "http", wrong.reason)
    except ValidationError as wrong:
        return problem(422, "bad-request", _said(wrong))
    except (DBAPIError, OSError, TimeoutError) as wrong:
        structlog.get_logger().error("the database cannot be asked", path=request.path, problem=type(wrong).__name__)
        return problem(503, "database-away", "the database cannot be asked just now; try again")
    except Exception as wrong:
        if (known := request.app[FALLBACK](wrong)) is not None:
            return problem(*known, str(wrong))
        structlog.get_logger().exception("a request failed", method=request.method, path=request.path)
        return problem(500, "internal", "the server made a mistake; its log says more")


@web.middleware
async def _known(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks. A wrong token is refused even where none is needed."""
    gate = request.app[GATE]
    if (credentials := request.headers.get("Authorization")) is not None:
        expected = f"Bearer {gate.token}"
        if (program := await gate.accounts.keys.whose(credentials.removeprefix("Bearer "))) is not None:
            request[WHO] = program
            return await handler(request)
        if credentials and not hmac.compare_digest(credentials.encode("utf-8", "replace"), expected.encode()):
            raise Refused(401, "token", "the token is wrong; it is HOTLINE_API__TOKEN of the server")
        if credentials:
            request[WHO] = COMMAND_LINE
    elif token := request.cookies.get(request.app[FRONT].cookie):
        found = await gate.accounts.session(token)
        if found is not None:
            request[WHO], request[SESSION] = found.user.who(), found
    return await handler(request)


@web.middleware
async def _allowed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Deny by default: without a route that has a rule, and a rule that allows it, nothing is done."""
    route, asker = _route(request), request.get(WHO)
    if route is not None and route.rule.open:
        return await handler(request)
    if not isinstance(asker, Who) and (route is not None or request.path.startswith("/api")):
        raise Refused(401, "sign-in", "sign in first, or send the server's token")
    if route is None:
        if request.match_info.http_exception is not None:
            return await handler(request)  # there is no such path or method
        raise Refused(403, "no-rule", "this route has no rule, so nobody may use it")
    if not await _may(request, route, who(request)):
        raise Refused(403, "not-allowed", f"the role {who(request).role} may not do this")
    _must_be_meant(request)
    return await handler(request)


async def _may(request: web.Request, route: Route, asker: Who) -> bool:
    if route.rule.allows(asker.role):
        return True
    return route.rule.allows(asker.role, own=True) and await request.app[OWNS](request, asker)


def _must_be_meant(request: web.Request) -> None:
    """A change asked for with a cookie must come from our own page, not from one that borrows the browser."""
    mine = session(request)
    live = request.headers.get("Upgrade", "").lower() == "websocket"
    if mine is None or (request.method not in UNSAFE and not live):
        return
    if not request.app[FRONT].is_ours(request):
        raise Refused(403, "origin", "this does not come from the hotline's own pages; see HOTLINE_API__ORIGIN")
    shown = request.headers.get(CSRF_HEADER, "")
    if not live and not hmac.compare_digest(shown.encode("utf-8", "replace"), mine.csrf.encode()):
        raise Refused(403, "csrf", f"the header {CSRF_HEADER} must be what /api/me says")


@web.middleware
async def _well_formed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check what the request brings against what its route asks for."""
    route = _route(request)
    if route is not None and request.path.startswith("/api/"):
        request[GIVEN] = tuple([part async for part in _parts(request, route)])
    return await handler(request)


async def _parts(request: web.Request, route: Route) -> AsyncIterator[BaseModel]:
    twice = [name for name in request.query if len(request.query.getall(name)) > 1]
    unknown = [name for name in request.query if route.query is None or name not in route.query.model_fields]
    if twice or unknown:
        what = "is given twice" if twice else "is no parameter of this"
        raise Refused(422, "bad-request", f"{(twice or unknown)[0]!r:.40} {what}")
    if route.query is not None:
        yield route.query.model_validate_strings(dict(request.query))
    if route.body is not None:
        yield route.body.model_validate_json(await request.read() or b"{}")


def _route(request: web.Request) -> Route | None:
    resource = request.match_info.route.resource
    return None if resource is None else request.app[ROUTES].get((request.method, resource.canonical))


def problem(status: int, code: str, text: str, *, retry_after: int | None = None) -> web.Response:
    """Say what is wrong, as every refusal of ours says it."""
    response = answer(Problem(code=code, error=text), status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _said(wrong: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'the body'}: {error['msg'].removeprefix('Value error, ')}"
        for error in wrong.errors(include_url=False, include_input=False)
    )
