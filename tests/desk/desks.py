"""A desk to test: the whole interface over a real service without an Asterisk, and people of every role."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from pydantic import SecretStr

from casework.notices.directory import Notices
from desk.access import Role
from desk.accounts import Accounts, open_accounts
from desk.users import Passwords, User
from desk.web import CSRF_HEADER
from hotline import api
from hotline.casework import casework_in_memory
from hotline.service import Service
from hotline.settings import Ami, Api, Folders, Settings
from hotline.settings import Voice as VoiceChosen
from hotline.site import load
from hotline.stack import ROOT
from hotline.words import open_said
from prompts import voices
from prompts.voice import Voice
from routing.events import AgentAnswered, CallRang, PhoneNumber, TalkStarted
from routing.log import MemoryLog
from tests.prompts.conftest import Hummer
from tests.words import words_in

TOKEN = "n7Qw2ZxT9kLmP4vR"
NOON = datetime(2026, 2, 3, 4, 0, tzinfo=UTC)
OWN, OTHERS = "pbx-1770091200.1", "pbx-1770091200.2"
"""Two calls, of which agent 1024 had the first."""
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
PASSWORD = "hemlock-42-Quartz"

Http = TestClient[Any, Any]


@dataclass
class Desk:
    """The interface, who may sign in, and the service behind it."""

    http: Http
    accounts: Accounts
    service: Service
    events: MemoryLog

    @property
    def origin(self) -> str:
        """Where our own pages come from."""
        return str(self.http.make_url("/")).rstrip("/")

    async def add(self, name: str, role: Role, number: str | None = None) -> User:
        """Somebody who may sign in with PASSWORD."""
        user = User(name, role, number)
        await self.accounts.add(user, await QUICK.hash(PASSWORD))
        return user

    async def signed_in(self, role: Role, number: str | None = None) -> dict[str, str]:
        """What the browser of somebody signed in sends."""
        name = f"{role}-{number or 'nobody'}"
        if (found := await self.accounts.find(name)) is None:
            user = await self.add(name, role, number)
        else:
            user = found[0]
        token, session = await self.accounts.begin(user)
        return {"Cookie": f"hotline={token}", CSRF_HEADER: session.csrf, "Origin": self.origin}


@asynccontextmanager
async def a_desk(
    folder: Path,
    *,
    routes: Any = None,
    notices: Mapping[str, Any] | None = None,
    redis: str | None = None,
    proxies: str = "",
) -> AsyncGenerator[Desk]:
    """The interface at a real port; `routes` takes the place of the real ones, `notices` of the site's."""
    (folder / "recordings" / "live").mkdir(parents=True)
    events = MemoryLog()
    number = PhoneNumber("13800135678")
    for event in (
        CallRang(at=NOON, call=OWN, caller=number, dialled="4001234567"),
        AgentAnswered(at=NOON, call=OWN, agent="1024", queue="repair", waited=NOON - NOON),
        TalkStarted(at=NOON, call=OWN, agent="1024"),
        CallRang(at=NOON, call=OTHERS, caller=number, dialled="4001234567"),
    ):
        events.record(event)
    secret = SecretStr(TOKEN)
    settings = Settings(
        ami=Ami(watch_secret=secret, desk_secret=secret, dial_secret=secret),
        api=Api.model_validate({"token": secret, "proxies": proxies}),
        redis=SecretStr(redis) if redis else None,
        link_secret=SecretStr(f"{TOKEN}-links"),
        voice=VoiceChosen(engine="hum"),
        folders=Folders(
            sounds=folder / "sounds",
            recordings=folder / "recordings",
            messages=folder / "messages",
            spoken=folder / "spoken",
        ),
    )
    site = load(ROOT / "tests/asterisk/site.toml")
    if notices is not None:
        site = site.model_copy(update={"notices": Notices.model_validate(notices)})
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.dict(cast("dict[str, Callable[..., Voice]]", voices.OURS), {"hum": Hummer}))
        casework = await stack.enter_async_context(casework_in_memory(site))
        said = await stack.enter_async_context(open_said(f"sqlite:///{folder / 'said.db'}"))
        service = Service(settings, site, events, words_in(folder / "sounds"), casework, said)
        accounts = await stack.enter_async_context(open_accounts(f"sqlite:///{folder / 'users.db'}"))
        app = api.application(service, accounts, **({} if routes is None else {"routes": routes}))
        http = await stack.enter_async_context(TestClient(TestServer(app)))
        yield Desk(http, accounts, service, events)
