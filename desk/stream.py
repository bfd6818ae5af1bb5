"""The live picture for browsers, over a WebSocket: first the whole, then each change as it comes (docs/board.md).

What is sent is what `routing/mirror.py` gives an onlooker, as JSON. A reader who is slow is not buffered for: behind a
hundred changes the whole picture comes next, and one who takes nothing at all is hung up on. So is one whose session
is over. A reader has nothing to say.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from aiohttp import web

from desk.access import WATCH
from desk.errors import Refused
from desk.front import FRONT
from desk.house import HOUSE
from desk.routes import get, session
from desk.web import GATE
from routing.mirror import Look, Mirror
from routing.picture import Change, Picture

MOST_READERS: Final = 500
HEARTBEAT: Final = 10.0
TAKEN_WITHIN: Final = 20.0
"""Seconds in which a reader must take something."""
STILL_SIGNED_IN_EVERY: Final = 10.0
SIGNED_OUT: Final = 4401
"""The close code for a session that is over."""

StillSignedIn = Callable[[], Awaitable[bool]]
"""Whether the reader's session is not over; asked now and then."""


class Readers:
    """How many there are, and what they are sent: written as JSON once, however many read it."""

    def __init__(self) -> None:
        self.now = 0
        self._last: tuple[Picture | Change | None, str] = (None, "")

    def written(self, item: Picture | Change) -> str:
        """The item as JSON; all readers are given the same change one after the other."""
        if self._last[0] is not item:
            self._last = (item, _json(item))
        return self._last[1]


READERS: Final = web.AppKey("readers", Readers)


async def live(request: web.Request) -> web.StreamResponse:
    """The live picture and its changes, as a WebSocket."""
    mine, token = session(request), request.cookies.get(request.app[FRONT].cookie, "")

    async def still_signed_in() -> bool:
        found = await request.app[GATE].accounts.session(token) if mine is not None else None
        return mine is None or (found is not None and found.user.role is mine.user.role)

    return await show(request, request.app[HOUSE].mirror, still_signed_in)


async def show(request: web.Request, mirror: Mirror, still_signed_in: StillSignedIn) -> web.StreamResponse:
    """Show a reader what the mirror shows, until he hangs up or is signed out. Raises Refused."""
    readers = request.app[READERS]
    if readers.now >= MOST_READERS:
        raise Refused(503, "too-many-readers", f"{MOST_READERS} look at the board already")
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=1024, compress=False)
    if not socket.can_prepare(request).ok:
        raise Refused(400, "no-websocket", "this address speaks WebSocket only")
    await socket.prepare(request)
    readers.now += 1
    try:
        with mirror.looking() as look:
            await _until_one_ends(_send(socket, look, readers), _hear(socket), _watch(socket, still_signed_in))
    finally:
        readers.now -= 1
    return socket


async def _until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(socket: web.WebSocketResponse, look: Look, readers: Readers) -> None:
    async for item in look:
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                await socket.send_str(readers.written(item))
        except (TimeoutError, ConnectionError):
            return


async def _hear(socket: web.WebSocketResponse) -> None:
    """Wait until the reader hangs up; what it says is not listened to."""
    async for _ in socket:
        pass


async def _watch(socket: web.WebSocketResponse, still_signed_in: StillSignedIn) -> None:
    """Hang up when the session is over: signed out, removed, given another role, or too old."""
    while True:
        await asyncio.sleep(STILL_SIGNED_IN_EVERY)
        if not await still_signed_in():
            break
    await socket.close(code=SIGNED_OUT, message=b"signed out")


def _json(item: Picture | Change) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


ROUTES: Final = (get("/api/live", live, WATCH, status=101, answer="application/json", refusals=(400, 503)),)
