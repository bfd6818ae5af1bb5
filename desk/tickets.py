"""Tickets: open, look for, move on. Names and numbers are masked; to see one ticket whole is written on it.

A request may bring an `Idempotency-Key` header: sent again with the same key it is carried out once. A step may say
which version of the ticket it was decided on; if somebody was faster it is refused with both versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from pydantic import AwareDatetime, Field

from casework.errors import ExternalIdTaken, TicketChanged
from casework.idempotency import Request
from casework.intake import Intake
from casework.phone_numbers import masked, plain
from casework.search import Search
from casework.steps import OUR_OWN, Step, allowed
from casework.ticket import Kind, Long, Name, Phone, Slot, Ticket, TicketEvent
from casework.tickets import Tickets
from desk.access import COMMAND_LINE, LEADERS, TALK_TO_CALLERS, Role, only
from desk.calls import Reveal, may_reveal
from desk.errors import Refused
from desk.house import HOUSE
from desk.routes import Given, Shown, answer, get, given, post, who
from desk.sounds import play
from routing.events import PhoneNumber

TICKETS: Final = web.AppKey("tickets", Tickets)
KEY_HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 200

READ: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.INSPECTOR, Role.PROGRAM)
WRITE: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.PROGRAM)
"""Whoever talks to callers works on any ticket: who calls back reaches another agent."""
LISTEN: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.INSPECTOR)
"""Hear what a caller left: an agent makes a ticket of it."""
FIGURES: Final = only(*LEADERS, Role.INSPECTOR)


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


class Calling(Given):
    """Whose tickets are wanted."""

    number: Phone = Field(min_length=2)
    reveal: Reveal = None


class Raising(Given):
    """Why it is an emergency."""

    why: Long = ""


class Days(Given):
    """How far ahead."""

    days: int = Field(7, ge=1, le=60)


class Period(Given):
    """From when till when, by the opening."""

    since: AwareDatetime
    until: AwareDatetime


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


class KnownCaller(Shown):
    """What is known of a caller: what is open, what was before, and how often there was something in the last week."""

    open: Sequence[Ticket]
    earlier: Sequence[Ticket]
    repeated: int
    calls: int
    """Calls from this number, at most 20."""


class FreePlace(Shown):
    """A slot that can be had, and by how many."""

    slot: Slot
    room: int


class FreePlaces(Shown):
    """The slots that can be had."""

    slots: Sequence[FreePlace]


class Counted(Shown):
    """What became of the tickets of one kind; `handled` 1.0 is all of them."""

    opened: int
    done: int
    in_time: int
    cancelled: int
    late: int
    handled: float | None


class AllFigures(Shown):
    """The figures of each kind."""

    kinds: Mapping[Kind, Counted]


class Conflict(Shown):
    """A change that was decided on another version than the ticket has now, or on other facts: both are told."""

    code: str
    error: str
    expected: int | None
    found: int
    ticket: Ticket


async def open_ticket(request: web.Request) -> web.StreamResponse:
    """Open a ticket, or keep a draft. An external id or a key that was used before gives the ticket of then."""
    wanted, tickets = given(request, Opening), request.app[TICKETS]
    intake = Intake(**{name: getattr(wanted, name) for name in wanted.model_fields_set & Intake.model_fields.keys()})
    if who(request).role is Role.PROGRAM and "source" not in wanted.model_fields_set:
        intake = intake.model_copy(update={"source": who(request).name})
    if intake.kind is Kind.EMERGENCY:
        _only_leaders(request, "opens an emergency; raise it out of a ticket")
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
    whole = _whole(request, given(request, Asking).reveal)
    ticket, events, attached = await request.app[TICKETS].story(request.match_info["code"])
    return answer(
        Story(
            ticket=_shown(ticket, whole),
            allowed=sorted(allowed(ticket)),
            events=[event if whole else _masked_event(event) for event in events],
            attached=[_shown(child, whole) for child in attached],
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
    whole = _whole(request, wanted.reveal)
    asked = Search(**{name: getattr(wanted, name) for name in wanted.model_fields_set - {"reveal"}})
    return answer(_some(await request.app[TICKETS].search(asked), whole))


async def of_caller(request: web.Request) -> web.StreamResponse:
    """What is known of a caller, for whoever picks up."""
    wanted = given(request, Calling)
    whole = _whole(request, wanted.reveal)
    caller = await request.app[TICKETS].of_caller(wanted.number)
    calls = await request.app[HOUSE].events.calls_from(PhoneNumber(plain(wanted.number)))
    return answer(
        KnownCaller(
            open=[_shown(ticket, whole) for ticket in caller.open],
            earlier=[_shown(ticket, whole) for ticket in caller.earlier],
            repeated=caller.repeated,
            calls=len(calls),
        )
    )


async def slots(request: web.Request) -> web.StreamResponse:
    """The appointment slots that can be had."""
    free = await request.app[TICKETS].free_slots(days=given(request, Days).days)
    return answer(FreePlaces(slots=[FreePlace(slot=slot, room=room) for slot, room in free]))


async def figures(request: web.Request) -> web.StreamResponse:
    """What became of the tickets that were opened in a period."""
    period = given(request, Period)
    found = await request.app[TICKETS].figures(period.since, period.until)
    return answer(
        AllFigures(kinds={kind: Counted(**each.model_dump(), handled=each.handled) for kind, each in found.items()})
    )


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


def _whole(request: web.Request, asked: Reveal = None) -> bool:
    """Whether names and numbers are shown: to the command line if it asks, and to the systems that keep them too."""
    return who(request).role is Role.PROGRAM or may_reveal(request, asked)


def _one(request: web.Request, ticket: Ticket) -> OneTicket:
    return OneTicket(ticket=_shown(ticket, _whole(request)), allowed=sorted(allowed(ticket)))


def _some(tickets: Sequence[Ticket], whole: bool) -> SomeTickets:
    return SomeTickets(tickets=[_shown(ticket, whole) for ticket in tickets])


def _conflict(code: str, error: str, expected: int | None, ticket: Ticket) -> web.Response:
    shown = Conflict(code=code, error=error, expected=expected, found=ticket.version, ticket=_shown(ticket, False))
    return answer(shown, status=409)


def _shown(ticket: Ticket, whole: bool) -> Ticket:
    return ticket if whole else ticket.model_copy(update=_masked(ticket.model_dump(include=set(PERSONAL))))


def _masked_event(event: TicketEvent) -> TicketEvent:
    return event.model_copy(update={"changes": event.changes | _masked(event.changes)})


def _masked(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: hide(fields[name]) for name, hide in PERSONAL.items() if fields.get(name)}


PERSONAL: Final = {"name": lambda name: f"{name[0]}**", "phone": masked, "caller": masked}
"""How each personal field is hidden; the address is needed by whoever goes there."""


RAISED: Final[Mapping[str, Any]] = {"answer": OneTicket, "status": 201, "refusals": (404, 409)}

ROUTES: Final = (
    post("/api/tickets", open_ticket, WRITE, body=Opening, answer=OneTicket, status=201, refusals=(404, 409)),
    post("/api/tickets/search", search, READ, body=Looking, answer=SomeTickets),
    post("/api/tickets/caller", of_caller, READ, body=Calling, answer=KnownCaller),
    get("/api/tickets/slots", slots, READ, query=Days, answer=FreePlaces),
    get("/api/tickets/figures", figures, FIGURES, query=Period, answer=AllFigures),
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
