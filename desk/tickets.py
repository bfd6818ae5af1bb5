"""Tickets: open, look for, move on. Names and numbers are masked; to see one ticket whole is written on it.

A request may bring an `Idempotency-Key` header: sent again with the same key it is carried out once. A step may say
which version of the ticket it was decided on; if somebody was faster it is refused with both versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from casework.errors import ExternalIdTaken, TicketChanged
from casework.idempotency import Request
from casework.intake import Intake
from casework.search import Search
from casework.steps import OUR_OWN, Step, allowed
from casework.ticket import Kind, Long, Name, Slot, Ticket, TicketEvent
from desk.access import COMMAND_LINE, LEADERS, TALK_TO_CALLERS, Role, only
from desk.calls import Reveal
from desk.errors import Refused
from desk.known_callers import about_its_call
from desk.routes import Given, Shown, answer, get, given, post, who
from desk.sounds import play
from desk.ticket_masks import READ, TICKETS, WRITE, masked_event, sees_whole, shown

KEY_HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 200
LISTEN: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.INSPECTOR)
"""Hear what a caller left: an agent makes a ticket of it."""


class Asking(Given):
    """How it is wanted."""

    reveal: Reveal = None


class Opening(Given, Intake):
    """A ticket to be opened."""

    why: Long = ""
    by: Name | None = Field(None, description="who opens it, where the command line asks for somebody else")


class Taking(Given, Step):
    """A step to be taken."""

    expected_version: int | None = Field(None, ge=1, description="refused if the ticket is another version by now")
    by: Name | None = Field(None, description="who takes it, where the command line asks for somebody else")


class Looking(Given, Search):
    """What is looked for."""

    reveal: Reveal = None


class Raising(Given):
    """Why it is an emergency."""

    why: Long = ""


class Days(Given):
    """How far ahead."""

    days: int = Field(7, ge=1, le=60)


class OneTicket(Shown):
    """A ticket as it stands, and what can be done with it."""

    ticket: Ticket
    allowed: Sequence[str]


class Story(OneTicket):
    """A ticket, everything that happened to it, oldest first, and what is attached to it."""

    events: Sequence[TicketEvent]
    attached: Sequence[Ticket]


class SomeTickets(Shown):
    """Tickets, newest first."""

    tickets: Sequence[Ticket]


class FreePlace(Shown):
    """A slot that can be had, and by how many."""

    slot: Slot
    room: int


class FreePlaces(Shown):
    """The slots that can be had."""

    slots: Sequence[FreePlace]


class Conflict(Shown):
    """A change that was decided on another version than the ticket has now, or on other facts: both are told."""

    code: str
    error: str
    expected: int | None
    found: int
    ticket: Ticket


async def open_ticket(request: web.Request) -> web.StreamResponse:
    """Open a ticket, or keep a draft. An external id or a key that was used before gives the ticket of then.

    What an agent takes down from a caller is about the call the agent has, or had a moment ago, unless it names one.
    """
    wanted, tickets = given(request, Opening), request.app[TICKETS]
    intake = Intake(**{name: getattr(wanted, name) for name in wanted.model_fields_set & Intake.model_fields.keys()})
    if who(request).role is Role.PROGRAM and "source" not in wanted.model_fields_set:
        intake = intake.model_copy(update={"source": who(request).name})
    if intake.kind is Kind.EMERGENCY:
        _only_leaders(request, "opens an emergency; raise it out of a ticket")
    intake = await about_its_call(request, intake)
    try:
        ticket, made = await tickets.open(
            intake, who=_by(request, wanted.by), why=wanted.why, request=_request(request, wanted)
        )
    except ExternalIdTaken as taken:
        return _conflict(taken.code, str(taken), None, taken.ticket)
    return answer(_one(request, ticket), status=201 if made else 200)


async def take_step(request: web.Request) -> web.StreamResponse:
    """Take a step; done and written down when this answers."""
    wanted, tickets, code = given(request, Taking), request.app[TICKETS], request.match_info["code"]
    if wanted.move in OUR_OWN:
        raise Refused(422, "bad-request", f"{wanted.move} is written down by the machine alone")
    step = Step(**{name: getattr(wanted, name) for name in wanted.model_fields_set & Step.model_fields.keys()})
    if (await tickets.get(code)).kind is Kind.EMERGENCY:
        _only_leaders(request, "works on an emergency")
    try:
        ticket = await tickets.step(
            code,
            step,
            who=_by(request, wanted.by),
            expected=wanted.expected_version,
            request=_request(request, wanted),
        )
    except TicketChanged as changed:
        return _conflict(changed.code, str(changed), changed.expected, changed.ticket)
    return answer(_one(request, ticket))


async def raise_emergency(request: web.Request) -> web.StreamResponse:
    """Open an emergency out of this ticket, which is attached to it."""
    wanted = given(request, Raising)
    tickets, code = request.app[TICKETS], request.match_info["code"]
    return answer(
        _one(request, await tickets.raise_emergency(code, who=_by(request, None), why=wanted.why)), status=201
    )


async def story(request: web.Request) -> web.StreamResponse:
    """One ticket and everything that happened to it."""
    whole = sees_whole(request, given(request, Asking).reveal)
    ticket, events, attached = await request.app[TICKETS].story(request.match_info["code"])
    return answer(
        Story(
            ticket=shown(ticket, whole),
            allowed=sorted(allowed(ticket)),
            events=[event if whole else masked_event(event) for event in events],
            attached=[shown(child, whole) for child in attached],
        )
    )


async def reveal(request: web.Request) -> web.StreamResponse:
    """One ticket with name and numbers; that it was looked at is written on it first."""
    ticket = await request.app[TICKETS].reveal(request.match_info["code"], who=_by(request, None))
    return answer(OneTicket(ticket=ticket, allowed=sorted(allowed(ticket))))


async def recording(request: web.Request) -> web.StreamResponse:
    """What the caller left on tape, or the talk the ticket came from; who plays it is written down first."""
    ticket = await request.app[TICKETS].get(request.match_info["code"])
    if not ticket.recording:
        raise Refused(404, "no-recording", f"ticket {ticket.code} came without a recording")
    return await play(request, ticket.recording, call=ticket.call or ticket.recording.partition(".")[0])


async def search(request: web.Request) -> web.StreamResponse:
    """Look for tickets, newest first; in the body, because a number has no place in an address."""
    wanted = given(request, Looking)
    whole = sees_whole(request, wanted.reveal)
    asked = Search(**{name: getattr(wanted, name) for name in wanted.model_fields_set - {"reveal"}})
    return answer(_some(await request.app[TICKETS].search(asked), whole))


async def slots(request: web.Request) -> web.StreamResponse:
    """The appointment slots that can be had."""
    free = await request.app[TICKETS].free_slots(days=given(request, Days).days)
    return answer(FreePlaces(slots=[FreePlace(slot=slot, room=room) for slot, room in free]))


def _by(request: web.Request, named: str | None) -> str:
    """Who does it: whoever has signed in, by work number; the command line may name somebody."""
    asker = who(request)
    if named is not None and asker is not COMMAND_LINE:
        raise Refused(403, "not-allowed", "what you do is written down under your own name")
    return named or asker.number or asker.name


def _only_leaders(request: web.Request, what: str) -> None:
    if who(request).role not in (*LEADERS, Role.PROGRAM):
        raise Refused(403, "not-allowed", f"a lead {what}")


def _request(request: web.Request, wanted: Given) -> Request | None:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Refused(422, "bad-request", f"{KEY_HEADER} must have 1 to {LONGEST_KEY} characters; found {len(key)}")
    return Request.of(who(request).name, key, [request.path, wanted.model_dump(mode="json", exclude_unset=True)])


def _one(request: web.Request, ticket: Ticket) -> OneTicket:
    return OneTicket(ticket=shown(ticket, sees_whole(request)), allowed=sorted(allowed(ticket)))


def _some(tickets: Sequence[Ticket], whole: bool) -> SomeTickets:
    return SomeTickets(tickets=[shown(ticket, whole) for ticket in tickets])


def _conflict(code: str, error: str, expected: int | None, ticket: Ticket) -> web.Response:
    clash = Conflict(code=code, error=error, expected=expected, found=ticket.version, ticket=shown(ticket, False))
    return answer(clash, status=409)


RAISED: Final[Mapping[str, Any]] = {"answer": OneTicket, "status": 201, "refusals": (404, 409)}

ROUTES: Final = (
    post("/api/tickets", open_ticket, WRITE, body=Opening, answer=OneTicket, status=201, refusals=(404, 409)),
    post("/api/tickets/search", search, READ, body=Looking, answer=SomeTickets),
    get("/api/tickets/slots", slots, READ, query=Days, answer=FreePlaces),
    get("/api/tickets/{code}", story, READ, query=Asking, answer=Story, refusals=(404,)),
    post("/api/tickets/{code}/steps", take_step, WRITE, body=Taking, answer=OneTicket, refusals=(404, 409)),
    post(
        "/api/tickets/{code}/raise",
        raise_emergency,
        WRITE,
        body=Raising,
        answer=OneTicket,
        status=201,
        refusals=(404, 409),
    ),
    get("/api/tickets/{code}/recording", recording, LISTEN, answer="audio/wav", refusals=(404,)),
    post("/api/tickets/{code}/reveal", reveal, WRITE, answer=OneTicket, refusals=(404,)),
)
