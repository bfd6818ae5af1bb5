"""Who is told what when a ticket changes. It runs in the ticket's own transaction: both are written, or neither.

an emergency is opened        the people concerned, and after five minutes without an answer the duty list rings
it is dispatched              whoever it was dispatched to, with how to answer
somebody has it in hand       nobody is rung any more
an emergency is over          every caller whose ticket is attached to it
a question is answered        the caller
a complaint goes up           whoever has it now
a ticket is reopened          the lead: somebody was not helped
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from casework import book
from casework.notices import outbox
from casework.notices.directory import Notices, Person
from casework.notices.notice import NewNotice, Urgency
from casework.notices.numbers import BadNumber
from casework.notices.pace import QuietHours
from casework.notices.replies import acknowledged
from casework.register import Change
from casework.ticket import Kind, Level, State, Ticket

IN_HAND: Final = (State.ACKNOWLEDGED, State.UNDER_WAY, State.DONE, State.CANCELLED)
RING_FOR: Final = timedelta(hours=2)
"""The duty list is rung, round after round, for so long; then the notice counts as not sent."""

log = structlog.get_logger()


class Tells:
    """A consequence of tickets' changes (`casework/register.py`): `Register(consequences=[Tells(...)])`."""

    def __init__(self, site: Notices, quiet: QuietHours, *, news: Callable[[], None] = lambda: None) -> None:
        """`news` is called when the outbox has something new; it may be called from another thread."""
        self._site, self._quiet, self._news = site, quiet, news

    def __call__(self, transaction: Connection, change: Change) -> None:
        """Write the notices that follow from a change."""
        ticket, told = change.after, _Telling(transaction, self._site, self._quiet, change)
        if ticket.kind is Kind.EMERGENCY and change.came_to(State.OPENED):
            told.people("emergency_people", self._site.concerned, Urgency.EMERGENCY)
            told.ring_duty()
        if change.event.step == "dispatch" and change.event.who != ticket.handler:
            told.handler()
        if change.event.step == "escalate":
            told.people("escalated", [ticket.level or ""], Urgency.SOON)
        if change.came_to(State.REOPENED):
            told.people("reopened", [Level.LEAD], Urgency.SOON)
        if any(change.came_to(state) for state in IN_HAND):
            acknowledged(transaction, ticket.code, now=change.event.at, over=not ticket.is_open)
        if change.came_to(State.DONE):
            told.callers()
        if told.written:
            self._news()


class _Telling:
    """What one change has to tell."""

    def __init__(self, transaction: Connection, site: Notices, quiet: QuietHours, change: Change) -> None:
        self._transaction, self._site, self._quiet = transaction, site, quiet
        self._ticket, self._event = change.after, change.event
        self.written = 0

    def people(self, occasion: str, names: Any, urgency: Urgency) -> None:
        """Tell people of the site; a name that nobody has is passed over, with a line in our log."""
        for name in names:
            person = self._site.person(name)
            if person is None:
                log.warning("a ticket concerns somebody the site does not know", occasion=occasion)
            elif ways := self._site.ways_of(person):
                self._write(occasion, person, ways=ways, urgency=urgency)

    def handler(self) -> None:
        """Tell whoever it was dispatched to."""
        if self._ticket.kind is Kind.EMERGENCY:
            self.people("emergency_opened", [self._ticket.handler], Urgency.EMERGENCY)
        else:
            self.people("dispatched", [self._ticket.handler], Urgency.SOON)

    def ring_duty(self) -> None:
        """Have the duty list's phones ring, one after the other, unless somebody has it in hand before."""
        duty = [person for key in self._site.duty if (person := self._site.person(key)) is not None]
        ways = tuple(way for person in duty for way in self._site.ways_of(person, by_phone=True))
        if ways:
            at = self._event.at + self._site.duty_after
            self._write("duty_call", duty[0], ways=ways, urgency=Urgency.EMERGENCY, not_before=at, keep_trying=RING_FOR)

    def callers(self) -> None:
        """Tell the callers that it is over: of an emergency all whose tickets are attached to it."""
        if self._ticket.kind is Kind.EMERGENCY:
            for attached in book.children(self._transaction, self._ticket.code):
                self._caller("emergency_over", attached)
        elif self._ticket.kind is Kind.MEMO:
            self._caller("answered", self._ticket)

    def _caller(self, occasion: str, of: Ticket) -> None:
        """Tell one caller, who can wait until the morning; a number that cannot have an SMS is passed over."""
        try:
            ways = self._site.ways_to_number(of.phone or of.caller)
        except BadNumber as problem:
            log.info("a caller cannot be told by SMS", ticket=of.code, problem=problem.code)
            return
        if ways:
            self._write(occasion, None, ways=ways, urgency=Urgency.CAN_WAIT, about=of)

    def _write(self, occasion: str, person: Person | None, *, about: Ticket | None = None, **how: Any) -> None:
        about = about or self._ticket
        to = "caller" if person is None else person.key
        values = {
            "brand": self._site.brand if person else self._site.brand_of(about.line),
            "code": about.code,
            "problem": about.problem or self._ticket.problem,
            "address": about.address,
            "name": about.name,
            "phone": about.phone,
            "outcome": about.outcome,
            "crew": about.handler,
        }
        new = NewNotice(
            key=f"{about.code}:{occasion}:{self._event.code}-{self._event.version}:{to}",
            occasion=occasion,
            language=(person.language if person else "") or self._site.language,
            to=to,
            ticket=about.code,
            values=values,
            **how,
        )
        outbox.write(self._transaction, new, now=self._event.at, quiet=self._quiet)
        self.written += 1
