"""What a person sees of a ticket: names and numbers are masked, and to see one ticket whole is written on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from casework.phone_numbers import masked
from casework.ticket import Ticket, TicketEvent
from casework.tickets import Tickets
from desk.access import LEADERS, TALK_TO_CALLERS, Role, only
from desk.calls import Reveal, may_reveal
from desk.routes import who

TICKETS: Final = web.AppKey("tickets", Tickets)

READ: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.INSPECTOR, Role.PROGRAM)
WRITE: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.PROGRAM)
"""Whoever talks to callers works on any ticket: who calls back reaches another agent."""

PERSONAL: Final = {"name": lambda name: f"{name[0]}**", "phone": masked, "caller": masked}
"""How each personal field is hidden; the address is needed by whoever goes there."""


def sees_whole(request: web.Request, asked: Reveal = None) -> bool:
    """Whether names and numbers are shown: to the command line if it asks, and to the systems that keep them too."""
    return who(request).role is Role.PROGRAM or may_reveal(request, asked)


def shown(ticket: Ticket, whole: bool) -> Ticket:
    """A ticket as this asker may see it."""
    return ticket if whole else ticket.model_copy(update=_masked(ticket.model_dump(include=set(PERSONAL))))


def masked_event(event: TicketEvent) -> TicketEvent:
    """What happened to a ticket, without names and numbers."""
    return event.model_copy(update={"changes": event.changes | _masked(event.changes)})


def _masked(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: hide(fields[name]) for name, hide in PERSONAL.items() if fields.get(name)}
