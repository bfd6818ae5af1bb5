"""What a route is: an address, who may use it, what goes in and what comes out. Written once, used three times.

From it come the check of every request (`web.py`), the OpenAPI document (`openapi.py`) and the tests' matrix.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from desk.access import Rule, Who
from desk.accounts import Session

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Model = TypeVar("Model", bound=BaseModel)


class Given(BaseModel):
    """What a request brings; a name we do not know is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Shown):
    """How we say no: a code for programs that stays, a sentence for people that may change."""

    code: str
    error: str


class Nothing(Shown):
    """It is done; there is nothing to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address of the interface. Its handler's first line is what it is for."""

    method: str
    path: str
    handler: Handler
    rule: Rule
    query: type[Given] | None = None
    body: type[Given] | None = None
    answer: type[BaseModel] | str = Nothing
    """The model of a JSON answer, or else the content type."""
    also: tuple[str, ...] = ()
    """The content types in which it comes, too, if they are asked for."""
    status: int = 200
    refusals: tuple[int, ...] = ()
    """What else it may be refused with: other than 401, 403, 413 and 422, which follow from the rest."""

    @property
    def says(self) -> str:
        """What it is for."""
        return (self.handler.__doc__ or "").strip()


def get(path: str, handler: Handler, rule: Rule, **more: Any) -> Route:
    """Something to look at."""
    return Route(method="GET", path=path, handler=handler, rule=rule, **more)


def post(path: str, handler: Handler, rule: Rule, **more: Any) -> Route:
    """Something to do."""
    return Route(method="POST", path=path, handler=handler, rule=rule, **more)


def delete(path: str, handler: Handler, rule: Rule, **more: Any) -> Route:
    """Something to take away."""
    return Route(method="DELETE", path=path, handler=handler, rule=rule, **more)


WHO: Final = web.RequestKey("who", object)
SESSION: Final = web.RequestKey("session", object)
GIVEN: Final = web.RequestKey("given", tuple[BaseModel, ...])


def who(request: web.Request) -> Who:
    """Who asks, where the route needs to know; the rule has been asked already."""
    found = request.get(WHO)
    assert isinstance(found, Who), "only an open route is used by nobody in particular"
    return found


def session(request: web.Request) -> Session | None:
    """The session of somebody who asks from a browser; None for the command line."""
    found = request.get(SESSION)
    return found if isinstance(found, Session) else None


def given(request: web.Request, model: type[Model]) -> Model:
    """What the request brings in its query or body, checked already."""
    return next(each for each in request[GIVEN] if isinstance(each, model))


def answer(model: BaseModel, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(text=model.model_dump_json(), content_type="application/json", status=status)
