"""What can go wrong with a ticket. `code` is part of the API, the sentence is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from casework.ticket import Ticket


class CaseworkError(Exception):
    """Something about a ticket could not be done; nothing was changed."""

    code = "casework"


class TicketUnknown(CaseworkError):
    """There is no such ticket."""

    code = "ticket-unknown"

    def __init__(self, asked: str) -> None:
        super().__init__(f"there is no ticket {asked!r:.40}; a code has nine digits, for example 271828188")


class TicketCannot(CaseworkError):
    """The ticket's present state does not allow this step."""

    code = "ticket-cannot"

    def __init__(self, ticket: Ticket, step: str, allowed: Iterable[str]) -> None:
        self.step, self.state, self.allowed = step, ticket.state, tuple(sorted(allowed))
        options = ", ".join(self.allowed) or "nothing"
        super().__init__(f"a {ticket.kind} that is {ticket.state} cannot {step}; possible now: {options}")


class TicketChanged(CaseworkError):
    """Somebody else was faster: the ticket is not the version that was expected."""

    code = "ticket-changed"

    def __init__(self, ticket: Ticket, expected: int) -> None:
        self.ticket, self.expected = ticket, expected
        super().__init__(
            f"ticket {ticket.code} is at version {ticket.version} ({ticket.state}), not {expected}; look at it again"
        )


class StepIncomplete(CaseworkError):
    """Something that this step needs was not said."""

    code = "step-incomplete"


class NotConfirmed(CaseworkError):
    """A ticket taken on the phone has facts that were not read back to the caller."""

    code = "not-confirmed"

    def __init__(self, facts: Iterable[str]) -> None:
        self.facts = tuple(facts)
        super().__init__(f"read back to the caller and have confirmed: {', '.join(self.facts)}")


class LineUnknown(CaseworkError):
    """Something is said to have come by a service line that the site does not have."""

    code = "line-unknown"

    def __init__(self, line: str, known: Iterable[str]) -> None:
        super().__init__(f"no line is called {line!r:.40}; there are {', '.join(known)}; without one it is the first")


def check_line(line: str, known: Collection[str] | None) -> None:
    """Raise LineUnknown if there is no such line; none is named by an empty one, and None knows them all."""
    if line and known is not None and line not in known:
        raise LineUnknown(line, known)


class SlotTaken(CaseworkError):
    """The appointment cannot be had."""

    code = "slot-taken"


class KeyReused(CaseworkError):
    """An idempotency key came again with another request."""

    code = "key-reused"

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another request; each request needs a key of its own")


class ExternalIdTaken(CaseworkError):
    """Another system already gave us a ticket of that id, and it said otherwise."""

    code = "external-id-taken"

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        super().__init__(f"{ticket.source} {ticket.external_id!r:.60} is ticket {ticket.code}, which says otherwise")
