"""The agents, and what they do or are made to do: sign in and out, pause. Who makes another do it is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from aiohttp import web
from pydantic import Field, field_validator

from desk.access import STEP, WATCH
from desk.house import HOUSE
from desk.routes import Given, Shown, answer, get, given, post, who
from routing.agents import AgentUnknown

REASON: Final = re.compile(r"[\w -]{1,40}")


class Reason(Given):
    """Why an agent takes no calls."""

    reason: str = Field(min_length=1, max_length=40, description="letters, digits, blanks, - and _")

    @field_validator("reason")
    @classmethod
    def _short_and_plain(cls, reason: str) -> str:
        if not REASON.fullmatch(reason):
            raise ValueError("1 to 40 letters, digits, blanks, - or _")
        return reason


class Longer(Given):
    """How much more time an agent needs to wrap up."""

    seconds: int = Field(ge=1, le=1800)


class AgentShown(Shown):
    """An agent as people see one."""

    agent: str
    name: str
    state: str
    duty: str
    reason: str | None
    call: str | None
    since: str | None
    until: str | None
    phone: str
    queues: Mapping[str, int]


class Agents(Shown):
    """Every agent of the site, by work number."""

    agents: Sequence[AgentShown]


async def agents(request: web.Request) -> web.StreamResponse:
    """Every agent and what each does now."""
    house = request.app[HOUSE]
    return answer(Agents(agents=[AgentShown(**house.shown(state)) for state in house.roster.states()]))


async def agent(request: web.Request) -> web.StreamResponse:
    """One agent."""
    return _as_now(request)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Offer this agent calls; done and written down when this answers."""
    await request.app[HOUSE].roster.sign_in(request.match_info["number"])
    return _as_now(request)


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Offer this agent no more calls; a talk goes on."""
    await request.app[HOUSE].roster.sign_out(request.match_info["number"], by=_other(request))
    return _as_now(request)


async def pause(request: web.Request) -> web.StreamResponse:
    """Offer this agent no calls for now, for a reason; a talk goes on."""
    reason = given(request, Reason).reason
    await request.app[HOUSE].roster.pause(request.match_info["number"], reason, by=_other(request))
    return _as_now(request)


async def unpause(request: web.Request) -> web.StreamResponse:
    """Offer this agent calls again."""
    await request.app[HOUSE].roster.unpause(request.match_info["number"], by=_other(request))
    return _as_now(request)


async def extend_wrap_up(request: web.Request) -> web.StreamResponse:
    """Give this agent more time to wrap up, up to half an hour from now."""
    length = timedelta(seconds=given(request, Longer).seconds)
    await request.app[HOUSE].wrap_ups.extend(request.match_info["number"], length)
    return _as_now(request)


async def end_wrap_up(request: web.Request) -> web.StreamResponse:
    """End this agent's wrap-up now."""
    await request.app[HOUSE].wrap_ups.end(request.match_info["number"])
    return _as_now(request)


def _other(request: web.Request) -> str | None:
    """Who makes the agent do it; None for the agent's own step."""
    asker = who(request)
    return None if asker.number == request.match_info["number"] else asker.name


def _as_now(request: web.Request) -> web.Response:
    house, number = request.app[HOUSE], request.match_info["number"]
    state = next((state for state in house.roster.states() if state.agent == number), None)
    if state is None:
        raise AgentUnknown(number, [state.agent for state in house.roster.states()])
    return answer(AgentShown(**house.shown(state)))


_CANNOT: Final = (404, 409)
ROUTES: Final = (
    get("/api/agents", agents, WATCH, answer=Agents),
    get("/api/agents/{number}", agent, STEP, answer=AgentShown, refusals=(404,)),
    post("/api/agents/{number}/sign-in", sign_in, STEP, answer=AgentShown, refusals=_CANNOT),
    post("/api/agents/{number}/sign-out", sign_out, STEP, answer=AgentShown, refusals=_CANNOT),
    post("/api/agents/{number}/pause", pause, STEP, body=Reason, answer=AgentShown, refusals=_CANNOT),
    post("/api/agents/{number}/unpause", unpause, STEP, answer=AgentShown, refusals=_CANNOT),
    post("/api/agents/{number}/extend-wrap-up", extend_wrap_up, STEP, body=Longer, answer=AgentShown, refusals=_CANNOT),
    post("/api/agents/{number}/end-wrap-up", end_wrap_up, STEP, answer=AgentShown, refusals=_CANNOT),
)
