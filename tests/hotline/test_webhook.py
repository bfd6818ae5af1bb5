"""Alarms reach an address outside, in order, also when it fails at first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from hotline.webhook import Webhook
from routing.events import AlarmEnded, AlarmRaised

NOW = datetime(2025, 11, 21, 9, 20, tzinfo=UTC)
RAISED = AlarmRaised(at=NOW, alarm="longest-wait:repair", kind="longest-wait", since=NOW, queue="repair")
ENDED = AlarmEnded(at=NOW, alarm="longest-wait:repair", kind="longest-wait", lasted=timedelta(seconds=9))


class Outside:
    """Somebody's address, which refuses the first few."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.refusals = 0
        self.news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.heard.append(await request.json())
        self.news.set()
        return web.Response()


@pytest_asyncio.fixture
async def outside() -> AsyncIterator[tuple[Outside, str]]:
    """The address, open."""
    peer, app = Outside(), web.Application()
    app.router.add_post("/alarms", peer.take)
    async with TestServer(app) as server:
        yield peer, str(server.make_url("/alarms?key=s3cret"))


async def test_alarms_are_sent_in_order_and_tried_again(outside: tuple[Outside, str]) -> None:
    peer, url = outside
    peer.refusals = 2
    webhook = Webhook(SecretStr(url), first_pause=timedelta(milliseconds=1))
    webhook.start()
    webhook.ring(RAISED)
    webhook.ring(ENDED)
    async with asyncio.timeout(20):
        while len(peer.heard) < 2:
            peer.news.clear()
            await peer.news.wait()
    await webhook.stop()
    assert [each["event"] for each in peer.heard] == ["alarm-raised", "alarm-ended"]
    assert peer.heard[0]["queue"] == "repair"
