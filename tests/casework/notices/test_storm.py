"""A provider is down for two hours while notices pour in: all are sent within a minute of its return."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from casework.notices import lookup
from casework.notices.channels.providers import Twilio
from casework.notices.channels.sms import HttpSms
from casework.notices.directory import Sms
from casework.notices.notice import State, Urgency, Way
from casework.notices.pace import Caps
from casework.notices.sender import Lane, Sender
from casework.notices.texts import Texts
from tests.casework.databases import a_database
from tests.casework.notices.pretend import NOON, TurnedClock, a_notice, post

NOTICES = 300
A_MESSAGE = 0.02
"""Seconds a provider takes for a message, on the turned clock."""


class HttpProvider:
    """Answers as Twilio does, at a real port: it is there and refuses, it is gone, or it takes messages."""

    def __init__(self, clock: TurnedClock) -> None:
        self._clock = clock
        self.refuses = True
        self.asked = 0
        self.taken: list[str] = []
        self._server: TestServer | None = None
        self.port: int | None = None

    async def open(self) -> None:
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/me/Messages.json", self._message)
        self._server = TestServer(app, port=self.port)
        await self._server.start_server()
        self.port = self._server.port

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _message(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.refuses:
            return web.json_response({"code": 20500}, status=503)
        self._clock.turn(seconds=A_MESSAGE)
        self.taken.append(str((await request.post())["To"]))
        return web.json_response({"sid": f"SM{len(self.taken)}"}, status=201)


def some_notices(first: int, count: int, fate: random.Random) -> Mapping[str, Urgency]:
    """What pours in: by number, how urgent it is."""
    return {f"+8613{first + each:09}": fate.choice(list(Urgency)) for each in range(count)}


@pytest.mark.timeout(400)
async def test_a_provider_down_for_two_hours_loses_nothing_and_emergencies_go_first(tmp_path: Path) -> None:
    fate = random.Random(7)
    clock = TurnedClock()
    provider = HttpProvider(clock)
    await provider.open()
    site = Sms(name="sms", kind="twilio", account="me", sender="+1", url=f"http://127.0.0.1:{provider.port}")
    urgency: dict[str, Urgency] = {}
    async with a_database("memory", tmp_path) as database, aiohttp.ClientSession() as session:
        channel = HttpSms(Twilio(site, SecretStr("secret")), session, now=clock.now)
        sender = Sender(database, {"sms": Lane(channel)}, Texts.read(), caps=Caps(total=100_000), clock=clock)
        sender.start()
        while clock.now() - NOON < timedelta(hours=2):
            if len(urgency) < NOTICES:
                came = some_notices(len(urgency), 5, fate)
                urgency |= came
                new = [a_notice(number, urgency=came[number], ways=(Way("sms", number),)) for number in came]
                await post(database, *new, now=clock.now())
            if clock.now() - NOON == timedelta(hours=1):
                await provider.close()  # first it refuses, then nobody is there at all
            await clock.turn_and_settle(2, seconds=30)
        assert len(urgency) == NOTICES
        assert (await database.read(lookup.counts))[State.WAITING] == NOTICES
        assert 0 < provider.asked < 200, "a provider that is down is tried, and not hammered"
        assert "sms" in sender.down
        returned = clock.now()
        provider.refuses = False
        await provider.open()
        while len(provider.taken) < NOTICES:
            await clock.turn_and_settle(2, seconds=1)
            assert clock.now() - returned <= timedelta(seconds=60)
        counts = await database.read(lookup.counts)
        await sender.stop()
    await provider.close()
    assert counts[State.SENT] == NOTICES
    assert sorted(provider.taken) == sorted(urgency), "each once"
    # The first that got through was the one that tried whether the provider is back: also an emergency.
    order = [urgency[number] for number in provider.taken]
    assert order == sorted(order)
    assert {Urgency.EMERGENCY, Urgency.CAN_WAIT} < set(order)
