"""A further web process beside the server: the same pages, the same picture, and what is done there is done here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSServerHandshakeError

from desk import signing_in, stream
from desk.access import Role
from desk.front import HEADERS
from desk.serving import BUILT
from desk.web import CSRF_HEADER
from hotline.settings import SettingsRefused, web_process
from hotline.web import serving_pages
from routing.events import AgentSignedIn
from routing.picture import apply
from tests.desk.desks import NOON, PASSWORD, QUICK, TOKEN, Desk, a_desk
from tests.desk.test_stream import until
from tests.routing.redis_servers import RedisServer, a_redis


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with a_redis() as server:
        yield server


class Beside:
    """A server whose picture is painted into a Redis, and a web process beside it."""

    def __init__(self, desk: Desk, http: aiohttp.ClientSession, url: str) -> None:
        self.desk, self.http, self.url = desk, http, url

    async def as_seen(self, role: Role) -> dict[str, str]:
        """What the browser of somebody of this role sends to the web process."""
        return await self.desk.signed_in(role, "1024") | {"Origin": self.url}

    async def looks(self, role: Role = Role.LEAD, **changed: str) -> aiohttp.ClientWebSocketResponse:
        headers = await self.as_seen(role) | changed
        headers.pop(CSRF_HEADER)  # a browser cannot send it with a WebSocket
        return await self.http.ws_connect(f"{self.url}/api/live", headers=headers)


@pytest_asyncio.fixture
async def beside(tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Beside]:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(a_desk(tmp_path, redis=redis_server.url, proxies="127.0.0.1"))
        assert desk.http.app is not None
        desk.http.app._state[signing_in.PASSWORDS] = QUICK
        desk.service.painter.start()
        stack.push_async_callback(desk.service.painter.stop)
        told = web_process(server=desk.origin, redis=redis_server.url, origin=None, proxies="")
        port = await stack.enter_async_context(serving_pages(told, host="127.0.0.1", port=0))
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        yield Beside(desk, http, f"http://127.0.0.1:{port}")


async def code(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def test_the_picture_comes_from_redis_and_follows_it(beside: Beside) -> None:
    socket = await beside.looks()
    before = await until(socket, "signed-out")
    beside.desk.service.events.record(AgentSignedIn(at=NOON, agent="1024"))
    await until(socket, "ready", before)
    await socket.close()


async def test_when_redis_dies_the_picture_is_old_and_is_right_again_when_it_is_back(
    beside: Beside, redis_server: RedisServer
) -> None:
    socket = await beside.looks()
    seen = await until(socket, "signed-out")
    redis_server.kill()
    try:
        async with asyncio.timeout(20):
            while seen["sources"]["board"]["stale_since"] is None:
                item = await socket.receive_json()
                if "calls" in item:
                    seen = item
                else:
                    assert apply(item, seen)
    finally:
        redis_server.start()
    beside.desk.service.events.record(AgentSignedIn(at=NOON, agent="1024"))
    await until(socket, "ready", seen)
    await socket.close()


@pytest.mark.parametrize(
    ("role", "changed", "status"),
    [
        (Role.AGENT, {}, 403),
        (Role.LEAD, {"Origin": "https://evil.example"}, 403),
        (Role.LEAD, {"Cookie": "hotline=guessed"}, 401),
    ],
)
async def test_the_picture_is_for_who_may_see_it(
    beside: Beside, role: Role, changed: dict[str, str], status: int
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await beside.looks(role, **changed)
    assert refused.value.status == status


async def test_who_is_signed_out_at_the_server_is_hung_up_on_here(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STILL_SIGNED_IN_EVERY", 0.1)
    socket = await beside.looks()
    await until(socket, "signed-out")
    await beside.desk.accounts.remove("lead-1024")
    async with asyncio.timeout(20):
        while not socket.closed:
            await socket.receive()
    assert socket.close_code == stream.SIGNED_OUT


async def test_signing_in_and_steps_are_passed_on_with_the_address_they_came_from(beside: Beside) -> None:
    await beside.desk.add("li", Role.SUPERVISOR)
    tries: list[str] = []
    assert beside.desk.http.app is not None
    throttle = beside.desk.http.app[signing_in.THROTTLE]
    may_try = throttle.may_try

    async def noted(name: str, address: str) -> bool:
        tries.append(address)
        return bool(await may_try(name, address))

    throttle.may_try = noted
    body = {"name": "li", "password": PASSWORD}
    lie = {"Origin": beside.url, "X-Forwarded-For": "203.0.113.9"}
    signed = await beside.http.post(f"{beside.url}/api/sign-in", json=body, headers=lie)
    cookie, mine = signed.cookies["hotline"], await signed.json()
    assert (signed.status, tries, cookie["httponly"]) == (200, ["127.0.0.1"], True)
    headers = {"Cookie": f"hotline={cookie.value}", "Origin": beside.url}
    assert await code(await beside.http.post(f"{beside.url}/api/sign-out", headers=headers)) == (403, "csrf")
    out = await beside.http.post(f"{beside.url}/api/sign-out", headers=headers | {CSRF_HEADER: mine["csrf"]})
    assert out.status == 200
    assert await code(await beside.http.get(f"{beside.url}/api/me", headers=headers)) == (401, "sign-in")


async def test_pages_come_from_here_and_a_server_that_is_gone_is_said(beside: Beside) -> None:
    socket = await beside.looks()
    seen = await until(socket, "signed-out")
    await beside.desk.http.close()
    page = await beside.http.get(beside.url)
    assert (page.status, await page.read()) == (200, (BUILT / "index.html").read_bytes())
    assert page.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    assert await code(await beside.http.get(f"{beside.url}/api/me")) == (503, "server-away")
    beside.desk.service.events.record(AgentSignedIn(at=NOON, agent="1024"))
    await until(socket, "ready", seen)  # who looks already goes on looking
    await socket.close()


async def test_the_answer_to_the_command_line_is_passed_on_too(beside: Beside) -> None:
    users = await beside.http.get(f"{beside.url}/api/users", headers={"Authorization": f"Bearer {TOKEN}"})
    told: dict[str, Any] = await users.json()
    assert users.status == 200
    assert "users" in told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"server": "hotline:8080"}, "--server: must be http://HOST:PORT"),
        ({"redis": "localhost"}, "--redis: must be redis://"),
        ({"origin": "http://board"}, "--origin: must be https://NAME"),
        ({"proxies": "everybody"}, "--proxies: 'everybody' does not appear to be"),
    ],
)
def test_what_it_was_told_wrong_is_named(given: dict[str, str], said: str) -> None:
    right = {"server": "http://hotline:8080", "redis": "redis://:x@localhost/0", "origin": None, "proxies": ""}
    with pytest.raises(SettingsRefused, match=said):
        web_process(**(right | given))
