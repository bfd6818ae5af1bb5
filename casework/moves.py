"""What a step changes about a ticket. Steps that the tables of `casework/steps.py` do not have are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from casework.errors import NotConfirmed, StepIncomplete, TicketCannot
from casework.steps import NEEDED, NEEDS_A_REASON, OUR_OWN, STEPS, WITHOUT_MOVING, Limits, Step, allowed
from casework.ticket import Facts, Kind, Level, Ticket

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """A step as it is being taken."""

    ticket: Ticket
    step: Step
    at: datetime
    limits: Limits


def changes(ticket: Ticket, step: Step, *, at: datetime, limits: Limits) -> Fields:
    """Return the fields this step changes, with their new values.

    Raises TicketCannot when the table does not have it, StepIncomplete or NotConfirmed when something is missing.
    """
    if step.move not in allowed(ticket) | OUR_OWN:
        raise TicketCannot(ticket, step.move, allowed(ticket))
    if step.move in NEEDS_A_REASON and not step.why:
        raise StepIncomplete(f"to {step.move} a ticket needs a reason: say why")
    moved: Fields = {}
    if step.move not in WITHOUT_MOVING:
        moved["state"] = STEPS[ticket.kind][ticket.state][step.move]
    if step.expected is not None:
        moved["expected"] = step.expected
    if step.outcome is not None:
        moved["outcome"] = step.outcome
    if step.move in EFFECTS:
        moved |= EFFECTS[step.move](Taken(ticket, step, at, limits))
    return moved


def check_complete(kind: Kind, facts: Facts, *, on_the_phone: bool) -> None:
    """Raise StepIncomplete if something is missing to open it, NotConfirmed if it was not read back to the caller."""
    needed = NEEDED[kind]
    if missing := [name for name in needed if not getattr(facts, name)]:
        raise StepIncomplete(f"to open a {kind}, {', '.join(needed)} are needed; missing: {', '.join(missing)}")
    if on_the_phone and (unheard := [name for name in needed if name not in facts.confirmed]):
        raise NotConfirmed(unheard)


def on_opening(kind: Kind, *, at: datetime, limits: Limits) -> Fields:
    """What the opening sets: the clock runs from here."""
    level = {"level": Level.AGENT} if kind is Kind.COMPLAINT else {}
    return {"opened": at, "due": at + limits.from_opening[kind], **level}


def _open(taken: Taken) -> Fields:
    check_complete(taken.ticket.kind, taken.ticket, on_the_phone=False)
    return on_opening(taken.ticket.kind, at=taken.at, limits=taken.limits)


def _appoint(taken: Taken) -> Fields:
    if taken.step.slot is None:
        raise StepIncomplete("an appointment needs a slot: from when till when")
    return {"slot": taken.step.slot}


def _dispatch(taken: Taken) -> Fields:
    if taken.step.to is None:
        raise StepIncomplete("to dispatch a ticket, say to whom")
    return {"handler": taken.step.to} | _clock_of_dispatch(taken)


def _escalate(taken: Taken) -> Fields:
    """One level up; in an emergency straight past levels."""
    levels, ticket = list(Level), taken.ticket
    above = levels[levels.index(ticket.level or Level.AGENT) + 1 :]
    if not above:
        raise StepIncomplete("a supervisor has it already; nobody is above")
    within_reach = above if ticket.urgent else above[:1]
    to = above[0] if taken.step.to is None else taken.step.to
    if to not in within_reach:
        raise StepIncomplete(
            f"it can be escalated to {', '.join(within_reach)}, not to {to}; only what is urgent goes past levels"
        )
    return {"level": Level(to), "handler": ""} | _clock_of_dispatch(taken)


def _clock_of_dispatch(taken: Taken) -> Fields:
    """The second clock runs from here."""
    return {"dispatched": taken.at, "answer_due": taken.at + taken.limits.to_acknowledge[taken.ticket.kind]}


def _answered(_: Taken) -> Fields:
    return {"answer_due": None}


def _bounce(taken: Taken) -> Fields:
    """The first clock runs on: the caller has not been helped."""
    return {"bounces": taken.ticket.bounces + 1, "answer_due": None}


def _finish(taken: Taken) -> Fields:
    if taken.ticket.kind is Kind.MEMO and not (taken.step.outcome or taken.ticket.outcome):
        raise StepIncomplete("a question is done when it is answered: give the answer as its outcome")
    return {"done": taken.at, "answer_due": None}


def _reopen(taken: Taken) -> Fields:
    """The caller is as badly off as at the start, so the clock begins anew; what was promised before is void."""
    opening = on_opening(taken.ticket.kind, at=taken.at, limits=taken.limits)
    opening["opened"] = taken.ticket.opened or taken.at
    opening.pop("level", None)
    return {"reopens": taken.ticket.reopens + 1, "done": None, "expected": None, "slot": None} | opening


def _correct(taken: Taken) -> Fields:
    """A fact that changes must be read back again."""
    ticket, facts = taken.ticket, taken.step.facts
    new = {} if facts is None else {name: getattr(facts, name) for name in facts.model_fields_set}
    changed = {name: value for name, value in new.items() if value != getattr(ticket, name)}
    if not changed:
        raise StepIncomplete("nothing to correct: say which fact, and what it is")
    if "confirmed" not in new:
        still = tuple(name for name in ticket.confirmed if name not in changed)
        changed |= {"confirmed": still} if still != ticket.confirmed else {}
    return changed


def _attach(taken: Taken) -> Fields:
    if taken.step.emergency is None or taken.ticket.kind is Kind.EMERGENCY:
        raise StepIncomplete("say to which emergency; an emergency itself cannot be attached to another")
    return {"parent": taken.step.emergency}


def _detach(_: Taken) -> Fields:
    return {"parent": ""}


def _overdue(_: Taken) -> Fields:
    return {"overdue": True}


EFFECTS: Final[Mapping[str, Callable[[Taken], Fields]]] = {
    "open": _open,
    "appoint": _appoint,
    "dispatch": _dispatch,
    "acknowledge": _answered,
    "start": _answered,
    "escalate": _escalate,
    "bounce": _bounce,
    "finish": _finish,
    "reopen": _reopen,
    "cancel": _answered,
    "correct": _correct,
    "attach": _attach,
    "detach": _detach,
    "unanswered": _answered,
    "overdue": _overdue,
}
"""What a step changes beside the state."""
