"""Keys of other systems, for admins: who has one, make one, take one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field, StringConstraints

from desk.access import MANAGE
from desk.keys import Keys
from desk.routes import Given, Nothing, Shown, answer, delete, get, given, post

System = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,31}$")]


class NewKey(Given):
    """Whose key is wanted; tickets that the system opens have this name as their source."""

    name: System


class HandedKey(Shown):
    """A key, shown this once."""

    name: str
    key: str = Field(repr=False)


class KeyShown(Shown):
    """A system that has a key."""

    name: str
    made: datetime


class KeysShown(Shown):
    """All systems that have one."""

    keys: Sequence[KeyShown]


KEEPER: Final = web.AppKey("keys", Keys)


async def listing(request: web.Request) -> web.StreamResponse:
    """The systems that have a key."""
    return answer(KeysShown(keys=[KeyShown(name=name, made=made) for name, made in await request.app[KEEPER].all()]))


async def make(request: web.Request) -> web.StreamResponse:
    """Make a key for another system, shown this once."""
    name = given(request, NewKey).name
    return answer(HandedKey(name=name, key=await request.app[KEEPER].make(name)), status=201)


async def take_back(request: web.Request) -> web.StreamResponse:
    """Take a key back; whoever has it is out at once."""
    await request.app[KEEPER].take_back(request.match_info["name"])
    return answer(Nothing())


ROUTES: Final = (
    get("/api/keys", listing, MANAGE, answer=KeysShown),
    post("/api/keys", make, MANAGE, body=NewKey, answer=HandedKey, status=201, refusals=(409,)),
    delete("/api/keys/{name}", take_back, MANAGE, refusals=(404,)),
)
