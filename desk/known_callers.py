"""Who is on the line: the call an agent has in hand, and what is known of whoever called.

What an agent takes down from a caller is thereby about the right call, and comes under the right service line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol

from aiohttp import web
from pydantic import Field

from casework.intake import ON_THE_PHONE, Intake
from casework.phone_numbers import callable_number, masked, plain
from casework.ticket import Phone, Ticket
from desk.access import SIGNED_IN
from desk.calls import Reveal
from desk.house import HOUSE
from desk.routes import Given, Shown, answer, get, given, post, who
from desk.ticket_masks import READ, TICKETS, WRITE, sees_whole, shown
from routing.events import PhoneNumber
from routing.live import Handled


class Line(Protocol):
    """A service line."""

    @property
    def key(self) -> str:
        """What a ticket calls it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def dialled(self) -> Sequence[str]:
        """The numbers that lead to it."""


LINES: Final[web.AppKey[Sequence[Line]]] = web.AppKey("lines", Sequence)


class Calling(Given):
    """Whose tickets are wanted."""

    number: Phone = Field(min_length=2)
    reveal: Reveal = None


class History(Given):
    """Whether the caller's history is wanted too: it is looked up."""

    history: Literal["yes"] | None = None


class KnownCaller(Shown):
    """What is known of a caller: what is open, what was before, and how often there was something in the last week."""

    open: Sequence[Ticket]
    earlier: Sequence[Ticket]
    repeated: int
    calls: int
    """Calls from this number, at most 20."""


class AtHand(Shown):
    """The call that the asker has, or had a moment ago: nulls if there is none."""

    call: str | None = None
    caller: str | None = None
    """Masked; null too when it was withheld."""
    line: str = ""
    """The key of the service line it came by, if anybody knows."""
    known: KnownCaller | None = None
    """What is known of whoever called, if it was asked for and a number was shown."""


class OneLine(Shown):
    """A service line, as people call it."""

    key: str
    name: str


class Lines(Shown):
    """The service lines; the first is meant where none is named."""

    lines: Sequence[OneLine]


async def of_caller(request: web.Request) -> web.StreamResponse:
    """What is known of a caller, for whoever picks up."""
    wanted = given(request, Calling)
    return answer(await _known(request, wanted.number, whole=sees_whole(request, wanted.reveal)))


async def at_hand(request: web.Request) -> web.StreamResponse:
    """The call you have, or had a moment ago, and what is known of whoever called."""
    if (handled := _handled(request)) is None:
        return answer(AtHand())
    number = _shown_number(handled)
    looked_up = number and given(request, History).history
    return answer(
        AtHand(
            call=handled.call,
            caller=masked(number) if number else None,
            line=_line(request, handled),
            known=await _known(request, number, whole=False) if looked_up else None,
        )
    )


async def lines(request: web.Request) -> web.StreamResponse:
    """The service lines of the site."""
    return answer(Lines(lines=[OneLine(key=each.key, name=each.name) for each in request.app[LINES]]))


async def about_its_call(request: web.Request, intake: Intake) -> Intake:
    """Say which call it came from, if that is known here and not said: the call, who called, and by which line."""
    found: dict[str, str] = {}
    if intake.call:
        found = {"line": await request.app[HOUSE].line_of(intake.call)}
    elif intake.source == ON_THE_PHONE and (handled := _handled(request)) is not None:
        found = {"call": handled.call, "caller": _shown_number(handled), "line": _line(request, handled)}
    missing = {name: value for name, value in found.items() if not getattr(intake, name)}
    return intake.model_copy(update=missing)


async def _known(request: web.Request, number: str, *, whole: bool) -> KnownCaller:
    caller = await request.app[TICKETS].of_caller(number)
    calls = await request.app[HOUSE].events.calls_from(PhoneNumber(plain(number)))
    return KnownCaller(
        open=[shown(ticket, whole) for ticket in caller.open],
        earlier=[shown(ticket, whole) for ticket in caller.earlier],
        repeated=caller.repeated,
        calls=len(calls),
    )


def _handled(request: web.Request) -> Handled | None:
    number = who(request).number
    return None if number is None else request.app[HOUSE].at_hand(number)


def _line(request: web.Request, handled: Handled) -> str:
    """The key of the line that was dialled, or in whose name we called; empty if nobody knows."""
    return next((line.key for line in request.app[LINES] if handled.number in line.dialled), "")


def _shown_number(handled: Handled) -> str:
    return "" if handled.caller is None else callable_number(handled.caller.digits)


ROUTES: Final = (
    post("/api/tickets/caller", of_caller, READ, body=Calling, answer=KnownCaller),
    get("/api/tickets/at-hand", at_hand, WRITE, query=History, answer=AtHand),
    get("/api/lines", lines, SIGNED_IN, answer=Lines),
)
