"""A leader joins a talk, or moves a waiting caller (`routing/floor.py` does it)."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from pydantic import Field

from desk.access import ATTEND, LEAD_SHIFT
from desk.house import HOUSE
from desk.routes import Given, Nothing, answer, given, post, who
from routing.floor import How


class Joining(Given):
    """How to join: listen, whisper (only the agent hears you) or barge (both do)."""

    how: How


class Moving(Given):
    """Where to."""

    to: str = Field(min_length=1, max_length=40, description='a queue, or "message": the caller is asked to leave one')


async def attend(request: web.Request) -> web.StreamResponse:
    """Join a talk: your own phone rings, and when you pick up you are connected. It is written down."""
    asker, how = who(request), given(request, Joining).how
    await request.app[HOUSE].floor.attend(request.match_info["call"], how, number=asker.number, by=asker.name)
    return answer(Nothing())


async def move(request: web.Request) -> web.StreamResponse:
    """Move a waiting caller to another queue, or out of it. It is written down."""
    await request.app[HOUSE].floor.move(request.match_info["call"], given(request, Moving).to, by=who(request).name)
    return answer(Nothing())


ROUTES: Final = (
    post("/api/calls/{call}/attend", attend, ATTEND, body=Joining, refusals=(409,)),
    post("/api/calls/{call}/move", move, LEAD_SHIFT, body=Moving, refusals=(404, 409)),
)
