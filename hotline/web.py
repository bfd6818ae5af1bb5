"""`hotline web`: a further process that serves the pages, for more onlookers than one can, here or on another machine.

    browser ─► hotline web ─► /, /assets       the pages, from here
                          ├─► /api/live        the live picture, from Redis (routing/mirror.py)
                          └─► anything else    asked of the server that answers calls, and passed back as it is

Who may do what, the server alone knows: this process has no secret but the way to Redis, keeps nothing, and may be
killed and started at will. When the server is gone it says so, and shows the picture with the moment it stood still.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
import structlog
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from desk import serving, stream
from desk.access import WATCH, Role
from desk.errors import Refused
from desk.front import FRONT, Front, with_headers
from desk.routes import Handler
from desk.web import UNSAFE, problem
from hotline.settings import WebProcess
from routing.board import RedisBoard
from routing.mirror import Mirror

CONNECT_WITHIN: Final = 5.0
SILENT_AT_MOST: Final = 60.0
"""Seconds without a byte from the server; what it sends for long, it keeps alive every 10 s."""
LARGEST_BODY: Final = 1 << 20
ONE_HOP: Final = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
    }
)
"""Headers that are between two neighbours only, and those that are said anew."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What this process stands before."""

    server: str
    """`http://host:port` of the server that answers calls."""
    asks: aiohttp.ClientSession
    mirror: Mirror


BEHIND: Final = web.AppKey("behind", Behind)


def application(behind: Behind, front: Front) -> web.Application:
    """Build the interface."""
    app = web.Application(middlewares=[_errors], client_max_size=LARGEST_BODY)
    app[BEHIND], app[FRONT], app[stream.READERS] = behind, front, stream.Readers()
    for route in serving.ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    app.router.add_get("/api/live", live)
    app.router.add_route("*", "/{rest:.*}", passed_on)
    app.on_response_prepare.append(with_headers)
    return app


async def live(request: web.Request) -> web.StreamResponse:
    """The live picture, to whom the server would show it, and to our own pages only."""
    if not request.app[FRONT].is_ours(request) and "Authorization" not in request.headers:
        raise Refused(403, "origin", "this does not come from the hotline's own pages; see --origin")
    role = await _role(request)
    if role is None or not WATCH.allows(role):
        raise Refused(401 if role is None else 403, "sign-in", "sign in first, as somebody who may see the board")

    async def still_signed_in() -> bool:
        try:
            return await _role(request) is role
        except Refused:
            return True  # the server is away: nobody was signed out, and the picture says that it stands still

    return await stream.show(request, request.app[BEHIND].mirror, still_signed_in)


async def passed_on(request: web.Request) -> web.StreamResponse:
    """Ask the server, as if the browser did, and give its answer back."""
    body = await request.read() if request.method in UNSAFE else None
    path = request.rel_url.raw_path_qs
    if not path.startswith("/"):  # else it would be read as a part of the server's name
        raise Refused(400, "bad-request", "the path must begin with /")
    async with await _ask(request, request.method, path, request.headers, body) as answered:
        response = web.StreamResponse(status=answered.status, reason=answered.reason, headers=_kept(answered.headers))
        response.content_length = answered.content_length
        await response.prepare(request)
        try:
            async for piece in answered.content.iter_any():
                await response.write(piece)
            await response.write_eof()
        except aiohttp.ClientError:  # one of the two is gone in mid-answer: the other must not take it for whole
            if request.transport is not None:
                request.transport.close()
        return response


async def _role(request: web.Request) -> Role | None:
    """Who asks, as the server knows it; None for a stranger. Raises Refused when the server is away."""
    shown = {name: request.headers[name] for name in ("Cookie", "Authorization") if name in request.headers}
    async with await _ask(request, "GET", "/api/me", shown) as answered:
        return Role((await answered.json())["role"]) if answered.status == 200 else None


async def _ask(
    request: web.Request, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> aiohttp.ClientResponse:
    """Ask the server in the name of who asks us. Raises Refused when it is away."""
    behind, said = request.app[BEHIND], _kept(headers)
    said["X-Forwarded-For"] = request.app[FRONT].address(request)
    try:
        return await behind.asks.request(
            method, URL(behind.server + path, encoded=True), data=body, headers=said, allow_redirects=False
        )
    except (aiohttp.ClientError, TimeoutError) as wrong:
        structlog.get_logger().warning("the server does not answer", problem=type(wrong).__name__)
        raise Refused(503, "server-away", "the server that answers calls cannot be reached; try again") from wrong


def _kept(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """What goes on to the next neighbour."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in ONE_HOP)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return problem(refused.status, refused.code, str(refused))
    except web.HTTPException as wrong:
        return problem(wrong.status, "http", wrong.reason)


@asynccontextmanager
async def serving_pages(told: WebProcess, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve for as long as the block lasts; gives the port (which `port` 0 leaves to the system)."""
    async with AsyncExitStack() as stack:
        board = RedisBoard(told.redis.get_secret_value())
        stack.push_async_callback(board.close)
        mirror = Mirror(board)
        mirror.start()
        stack.push_async_callback(mirror.stop)
        patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN, sock_read=SILENT_AT_MOST)
        asks = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=patience, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        )
        app = application(Behind(told.server, asks, mirror), Front(told.origin, told.proxies))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
