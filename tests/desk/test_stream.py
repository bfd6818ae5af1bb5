"""The live picture over a WebSocket: whole, then changes; who may look; what becomes of the slow and the signed out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from desk import stream
from desk.access import Role
from desk.web import CSRF_HEADER
from routing.events import AgentSignedIn
from routing.picture import apply
from tests.desk.desks import NOON, TOKEN, Desk, a_desk


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose picture is painted."""
    async with a_desk(tmp_path) as opened:
        opened.service.painter.start()
        opened.service.mirror.start()
        yield opened
        await opened.service.mirror.stop()
        await opened.service.painter.stop()


async def looks(desk: Desk, role: Role = Role.LEAD, **changed: str) -> ClientWebSocketResponse:
    headers = await desk.signed_in(role) | changed
    headers.pop(CSRF_HEADER)  # a browser cannot send it with a WebSocket
    socket: ClientWebSocketResponse = await desk.http.ws_connect("/api/live", headers=headers)
    return socket


async def until(socket: ClientWebSocketResponse, state: str, seen: dict[str, Any] | None = None) -> dict[str, Any]:
    """Follow the picture as a page does, from what was seen so far, until agent 1024 is in this state."""
    picture = seen or {}
    async with asyncio.timeout(20):
        while picture.get("agents", {}).get("1024", {}).get("state") != state:
            item = await socket.receive_json()
            if "calls" in item:
                picture = item
            else:
                assert apply(item, picture), "every change follows the one before"
    return picture


async def test_a_page_sees_the_picture_and_then_each_change(desk: Desk) -> None:
    socket = await looks(desk)
    before = await until(socket, "signed-out")
    desk.service.events.record(AgentSignedIn(at=NOON, agent="1024"))
    picture = await until(socket, "ready", before)
    assert picture["queues"]["consult"]["ready"] == ["1024"]
    assert "13800135678" not in str(picture), "numbers are masked"
    await socket.close()


async def test_two_pages_see_the_same(desk: Desk) -> None:
    one, other = await looks(desk), await looks(desk, Role.INSPECTOR)
    desk.service.events.record(AgentSignedIn(at=NOON, agent="1024"))
    seen = await asyncio.gather(until(one, "ready"), until(other, "ready"))
    assert seen[0]["agents"] == seen[1]["agents"]


@pytest.mark.parametrize("role", [Role.AGENT, Role.COMPLAINT_HANDLER])
async def test_who_has_no_business_with_the_whole_centre_sees_nothing_of_it(desk: Desk, role: Role) -> None:
    with pytest.raises(WSServerHandshakeError, match="403"):
        await looks(desk, role)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null", ""])
async def test_a_foreign_page_cannot_look_with_its_visitors_cookie(desk: Desk, origin: str) -> None:
    with pytest.raises(WSServerHandshakeError, match="403"):
        await looks(desk, Origin=origin)


async def test_nobody_looks_without_signing_in_and_a_program_looks_with_its_token(desk: Desk) -> None:
    with pytest.raises(WSServerHandshakeError, match="401"):
        await desk.http.ws_connect("/api/live")
    async with desk.http.ws_connect("/api/live", headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        assert "calls" in await socket.receive_json()


async def test_a_page_is_told_when_its_session_is_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STILL_SIGNED_IN_EVERY", 0.05)
    socket = await looks(desk)
    await desk.accounts.remove("lead-nobody")
    async with asyncio.timeout(10):
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            pass
    assert (message.type, message.data) == (WSMsgType.CLOSE, stream.SIGNED_OUT)


async def test_a_page_that_takes_nothing_is_hung_up_on_and_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "TAKEN_WITHIN", 0.2)
    monkeypatch.setattr(stream.Readers, "written", lambda *_: "x" * 4_000_000)
    assert desk.http.app is not None
    readers = desk.http.app[stream.READERS]
    await looks(desk)  # and never reads
    async with asyncio.timeout(20):
        while readers.now == 0:
            await asyncio.sleep(0.01)
        while readers.now:
            desk.service.painter.change()
            await asyncio.sleep(0.05)
    assert len(desk.service.mirror._looks) == 0


async def test_an_address_that_speaks_websocket_says_so(desk: Desk) -> None:
    answer = await desk.http.get("/api/live", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status, (await answer.json())["code"]) == (400, "no-websocket")
