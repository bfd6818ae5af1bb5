"""A repair that is done is followed by a return visit, ordered in the transaction that ends the ticket: never lost.

After an emergency every caller concerned is visited, each for the ticket of his own. The visit of a ticket has a key:
however often it is ordered, there is one for each time the ticket was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection

from casework import book
from casework.register import Change
from casework.ticket import Kind, State, Ticket
from casework.visits.office import Office
from casework.visits.visit import NewVisit

VISITED: Final = {Kind.REPAIR: "return-visit", Kind.EMERGENCY: "return-visit", Kind.SURVEY: "new-account"}
"""The script of the visit after each kind of ticket; the others have none."""


class VisitWhenDone:
    """What follows from a ticket that is done (`casework/register.py`: Consequence)."""

    def __init__(self, office: Office, queues: Mapping[Kind, str] | None = None) -> None:
        """`queues` has the people who know most about each kind: a callee who asks for a person is led there."""
        self._office, self._queues = office, queues or {}

    def follow(self, transaction: Connection, change: Change) -> None:
        """Order the visits, if this change calls for some."""
        done = change.came_to(State.DONE) or change.came_to(State.VISIT_DUE)
        if not done or change.after.kind not in VISITED:
            return
        at = self._office.now() + self._office.rules.wait_before
        for ticket in self._concerned(transaction, change.after):
            if number := ticket.phone or ticket.caller:
                self._office.add_in(
                    transaction,
                    NewVisit(
                        script=VISITED[change.after.kind],
                        number=number,
                        key=f"ticket:{ticket.code}:{ticket.reopens}",
                        due=at,
                        ticket=ticket.code,
                        line=ticket.line,
                        crew=change.after.handler,
                        area=ticket.area[:80],
                        queue=self._queues.get(change.after.kind, ""),
                    ),
                )

    @staticmethod
    def _concerned(transaction: Connection, ticket: Ticket) -> Iterator[Ticket]:
        yield ticket
        if ticket.kind is Kind.EMERGENCY:
            yield from book.children(transaction, ticket.code)
