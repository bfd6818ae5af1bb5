"""Which step a ticket can take from where: a table for each kind. `casework/moves.py` says what a step changes.

draft ─open─► opened ─appoint─► appointed ─dispatch─► dispatched ─acknowledge─► acknowledged ─start─► under way
└──────────bounce──────────┴──────► bounced      │
closed ◄─close─ visited ◄─visit─ visit due ◄─order-visit─ done ◄─────────────────finish─────────────────────┘
└───────────────────────────────reopen──────────────────────────────► reopened (as opened)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from casework.ticket import OVER, Code, Facts, Kind, Long, Name, Slot, State, Ticket

Move = Literal[
    "open", "appoint", "dispatch", "acknowledge", "start", "bounce", "escalate", "finish",
    "order-visit", "visit", "close", "reopen", "cancel", "correct", "note", "attach", "detach",
    "unanswered", "overdue", "reveal",
]  # fmt: skip
MOVES: Final[tuple[Move, ...]] = get_args(Move)
OUR_OWN: Final = frozenset({"unanswered", "overdue", "reveal"})
"""Written down by the machine: a clock has run out, or somebody has looked at what is personal."""

Table = Mapping[State, Mapping[str, State]]

_WAITING: Final[Mapping[str, State]] = {
    "appoint": State.APPOINTED,
    "dispatch": State.DISPATCHED,
    "finish": State.DONE,
    "cancel": State.CANCELLED,
}
_GIVEN: Final[Mapping[str, State]] = {
    "dispatch": State.DISPATCHED,
    "start": State.UNDER_WAY,
    "bounce": State.BOUNCED,
    "finish": State.DONE,
    "cancel": State.CANCELLED,
}
WORK: Final[Table] = {
    State.DRAFT: {"open": State.OPENED, "cancel": State.CANCELLED},
    State.OPENED: _WAITING,
    State.APPOINTED: _WAITING,
    State.BOUNCED: _WAITING,
    State.REOPENED: _WAITING,
    State.DISPATCHED: {"acknowledge": State.ACKNOWLEDGED, "appoint": State.APPOINTED, **_GIVEN},
    State.ACKNOWLEDGED: {"appoint": State.APPOINTED, **_GIVEN},
    State.UNDER_WAY: {"bounce": State.BOUNCED, "dispatch": State.DISPATCHED, "finish": State.DONE},
    State.DONE: {"order-visit": State.VISIT_DUE, "close": State.CLOSED, "reopen": State.REOPENED},
    State.VISIT_DUE: {"visit": State.VISITED, "close": State.CLOSED, "reopen": State.REOPENED},
    State.VISITED: {"close": State.CLOSED, "reopen": State.REOPENED},
    State.CLOSED: {"reopen": State.REOPENED},
    State.CANCELLED: {"reopen": State.REOPENED},
}
"""Everything that can become of a repair."""


def _without(table: Table, *moves: str) -> Table:
    return {state: {move: to for move, to in steps.items() if move not in moves} for state, steps in table.items()}


def _with_escalation(table: Table) -> Table:
    """Whoever has it hands it to the level above, who then has to acknowledge it."""
    handed_up = {"escalate": State.DISPATCHED}
    return {state: steps if state in (*OVER, State.DRAFT) else {**steps, **handed_up} for state, steps in table.items()}


STEPS: Final[Mapping[Kind, Table]] = {
    Kind.REPAIR: WORK,
    Kind.SURVEY: WORK,
    # Nobody makes an appointment with a burst pipe, with a question, or with a complaint.
    Kind.EMERGENCY: _without(WORK, "appoint"),
    Kind.MEMO: _without(WORK, "appoint"),
    Kind.COMPLAINT: _with_escalation(_without(WORK, "appoint")),
}

WITHOUT_MOVING: Final = frozenset({"correct", "note", "attach", "detach"}) | OUR_OWN
"""Possible in any state, which they leave as it is; a closed ticket can still be written on, nothing is overwritten."""

NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.MEMO: ("problem", "phone"),
    Kind.REPAIR: ("problem", "address", "name", "phone"),
    Kind.EMERGENCY: ("problem", "address"),
    Kind.COMPLAINT: ("problem", "phone"),
    Kind.SURVEY: ("address", "name", "phone"),
}
"""Without these a ticket stays a draft; taken on the phone, each was read back and confirmed."""

NEEDS_A_REASON: Final = frozenset({"bounce", "reopen", "cancel", "note"})


FROM_OPENING: Final[Mapping[Kind, timedelta]] = {
    Kind.MEMO: timedelta(hours=24),
    Kind.REPAIR: timedelta(hours=24),
    Kind.EMERGENCY: timedelta(hours=4),
    Kind.COMPLAINT: timedelta(hours=24),
    Kind.SURVEY: timedelta(days=3),
}
TO_ACKNOWLEDGE: Final[Mapping[Kind, timedelta]] = {
    Kind.MEMO: timedelta(hours=4),
    Kind.REPAIR: timedelta(hours=1),
    Kind.EMERGENCY: timedelta(minutes=5),
    Kind.COMPLAINT: timedelta(hours=2),
    Kind.SURVEY: timedelta(hours=24),
}


class Limits(BaseModel):
    """How long things may take. A kind that a site does not name has our own limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    from_opening: Annotated[Mapping[Kind, timedelta], AfterValidator(lambda given: {**FROM_OPENING, **given})] = {}
    """From the opening until it is done."""
    to_acknowledge: Annotated[Mapping[Kind, timedelta], AfterValidator(lambda given: {**TO_ACKNOWLEDGE, **given})] = {}
    """From the dispatch until whoever got it says so."""


class Step(BaseModel):
    """One step as somebody asks for it; what a move does not need is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    move: Move
    why: Long = ""
    to: Name | None = None
    """Whom it is dispatched to; the level a complaint is escalated to."""
    slot: Slot | None = None
    expected: AwareDatetime | None = None
    outcome: Long | None = None
    facts: Facts | None = None
    """What is corrected; only what was set counts."""
    emergency: Code | None = None
    """What it is attached to."""


def allowed(ticket: Ticket) -> frozenset[str]:
    """What somebody can do with this ticket next."""
    return frozenset(STEPS[ticket.kind][ticket.state]) | (WITHOUT_MOVING - OUR_OWN)
