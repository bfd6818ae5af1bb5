"""Tickets: open, look for, move on. Names and numbers are masked; to see one ticket whole is written on it.

A request may bring an `Idempotency-Key` header: sent again with the same key it is carried out once. A step may say
which version of the ticket it was decided on; if somebody was faster it is refused with both versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from aiohttp import web
from pydantic import AwareDatetime, Field

from casework.errors import ExternalIdTaken, TicketChanged
from casework.idempotency import Request
from casework.intake import ON_THE_PHONE, Intake
from casework.names import name_of
from casework.phone_numbers import callable_number, masked, plain
from casework.search import Search
from casework.steps import OUR_OWN, Step, allowed
from casework.ticket import Kind, Long, Name, Phone, Slot, Ticket, TicketEvent
from casework.tickets import Tickets
from desk.access import COMMAND_LINE, LEADERS, SIGNED_IN, TALK_TO_CALLERS, Role, only
from desk.calls import Reveal, may_reveal
from desk.errors import Refused
from desk.house import HOUSE
from desk.routes import Given, Shown, answer, get, given, post, who
from desk.sheets import FILES, AsFile, Table, table
from desk.sounds import play
from routing.events import PhoneNumber
from routing.figures_table import Column, Row
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


TICKETS: Final = web.AppKey("tickets", Tickets)
LINES: Final[web.AppKey[Sequence[Line]]] = web.AppKey("lines", Sequence)
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


class Period(AsFile):
    """From when till when, by the opening."""

    since: AwareDatetime
    until: AwareDatetime


class History(Given):
    """Whether the caller's history is wanted too: it is looked up."""

    history: Literal["yes"] | None = None


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
    intake = await _about_its_call(request, intake)
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
    return answer(await _known(request, wanted.number, whole=_whole(request, wanted.reveal)))


async def at_hand(request: web.Request) -> web.StreamResponse:
    """The call you have, or had a moment ago, and what is known of whoever called."""
    if (handled := _handled(request)) is None:
        return answer(AtHand())
    shown = _shown_number(handled)
    looked_up = shown and given(request, History).history
    return answer(
        AtHand(
            call=handled.call,
            caller=masked(shown) if shown else None,
            line=_line(request, handled),
            known=await _known(request, shown, whole=False) if looked_up else None,
        )
    )


async def lines(request: web.Request) -> web.StreamResponse:
    """The service lines of the site."""
    return answer(Lines(lines=[OneLine(key=each.key, name=each.name) for each in request.app[LINES]]))


async def _known(request: web.Request, number: str, *, whole: bool) -> KnownCaller:
    caller = await request.app[TICKETS].of_caller(number)
    calls = await request.app[HOUSE].events.calls_from(PhoneNumber(plain(number)))
    return KnownCaller(
        open=[_shown(ticket, whole) for ticket in caller.open],
        earlier=[_shown(ticket, whole) for ticket in caller.earlier],
        repeated=caller.repeated,
        calls=len(calls),
    )


async def slots(request: web.Request) -> web.StreamResponse:
    """The appointment slots that can be had."""
    free = await request.app[TICKETS].free_slots(days=given(request, Days).days)
    return answer(FreePlaces(slots=[FreePlace(slot=slot, room=room) for slot, room in free]))


async def ticket_figures(request: web.Request) -> web.StreamResponse:
    """What became of the tickets that were opened in a period; `handled` 1.0 is all of them."""
    period = given(request, Period)
    found = await request.app[TICKETS].figures(period.since, period.until)
    names = {kind: name_of(kind, period.language) if period.file else kind.value for kind in found}
    rows: list[Row] = [
        {"kind": names[kind], **each.model_dump(), "handled": each.handled} for kind, each in found.items()
    ]
    return table(period, "tickets", COUNTED, rows)


async def _about_its_call(request: web.Request, intake: Intake) -> Intake:
    """Say which call it came from, if that is known here and not said: the call, who called, and by which line."""
    found: dict[str, str] = {}
    if intake.call:
        found = {"line": await request.app[HOUSE].line_of(intake.call)}
    elif intake.source == ON_THE_PHONE and (handled := _handled(request)) is not None:
        found = {"call": handled.call, "caller": _shown_number(handled), "line": _line(request, handled)}
    missing = {name: value for name, value in found.items() if not getattr(intake, name)}
    return intake.model_copy(update=missing)


def _handled(request: web.Request) -> Handled | None:
    number = who(request).number
    return None if number is None else request.app[HOUSE].at_hand(number)


def _line(request: web.Request, handled: Handled) -> str:
    """The key of the line that was dialled; empty for a call of ours."""
    return next((line.key for line in request.app[LINES] if handled.dialled in line.dialled), "")


def _shown_number(handled: Handled) -> str:
    return "" if handled.caller is None else callable_number(handled.caller.digits)


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


COUNTED: Final = (
    Column("kind", "kind", "类型", "text"),
    Column("opened", "opened", "开单", "count"),
    Column("done", "done", "办结", "count"),
    Column("in_time", "in time", "按时办结", "count"),
    Column("late", "late", "超时", "count"),
    Column("cancelled", "cancelled", "取消", "count"),
    Column("handled", "handled", "办结率", "share"),
)

RAISED: Final[Mapping[str, Any]] = {"answer": OneTicket, "status": 201, "refusals": (404, 409)}

ROUTES: Final = (
    post("/api/tickets", open_ticket, WRITE, body=Opening, answer=OneTicket, status=201, refusals=(404, 409)),
    post("/api/tickets/search", search, READ, body=Looking, answer=SomeTickets),
    post("/api/tickets/caller", of_caller, READ, body=Calling, answer=KnownCaller),
    get("/api/tickets/at-hand", at_hand, WRITE, query=History, answer=AtHand),
    get("/api/lines", lines, SIGNED_IN, answer=Lines),
    get("/api/tickets/slots", slots, READ, query=Days, answer=FreePlaces),
    get("/api/tickets/figures", ticket_figures, FIGURES, query=Period, answer=Table, also=FILES),
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
