"""A ticket: what somebody asked of us, where it stands, and by when. It never changes; each step makes a new version.

`casework/steps.py` says which step is possible when, `casework/register.py` writes them down.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class Kind(StrEnum):
    """What it is."""

    MEMO = "memo"
    """A question we could not answer at once; the answer goes back to the caller."""
    REPAIR = "repair"
    EMERGENCY = "emergency"
    """An emergency repair; the tickets of all callers concerned attach to it."""
    COMPLAINT = "complaint"
    SURVEY = "survey"
    """A first installation is asked for outside known coverage: somebody has a look."""


class State(StrEnum):
    """Where it stands."""

    DRAFT = "draft"
    """Something was begun or left on tape, and a person has not yet looked at it."""
    OPENED = "opened"
    APPOINTED = "appointed"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    UNDER_WAY = "under-way"
    BOUNCED = "bounced"
    """Whoever had it gave it back."""
    DONE = "done"
    VISIT_DUE = "visit-due"
    VISITED = "visited"
    REOPENED = "reopened"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Level(StrEnum):
    """Who has a complaint; each is above the one before."""

    AGENT = "agent"
    HANDLER = "handler"
    LEAD = "lead"
    SUPERVISOR = "supervisor"


OVER: Final = frozenset({State.DONE, State.VISIT_DUE, State.VISITED, State.CLOSED, State.CANCELLED})
"""Nothing more is to be done but to ask whether all is well; every other state is open."""
OPEN: Final = frozenset(State) - OVER - {State.DRAFT}
"""Somebody still has to do something."""

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Phone = Annotated[
    str,
    BeforeValidator(lambda given: re.sub(r"[ ()/.-]", "", given) if isinstance(given, str) else given),
    StringConstraints(pattern=r"^(\+?[0-9]{2,20})?$"),
]
Fact = Literal["problem", "address", "area", "name", "phone", "caller", "responsible"]
LineKey = Annotated[str, StringConstraints(strip_whitespace=True, max_length=31)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]


class Slot(BaseModel):
    """From when till when somebody is expected at the caller's."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    begin: AwareDatetime
    end: AwareDatetime


class Facts(BaseModel):
    """What is known of the matter. Any of it may be corrected later; what is personal is not printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    problem: Long = ""
    address: Short = Field("", repr=False)
    area: Short = Field("", description="where that is, in the words of the outage announcements")
    name: Short = Field("", repr=False)
    phone: Phone = Field("", repr=False, description="where to reach the caller")
    caller: Phone = Field("", repr=False, description="where the call came from")
    confirmed: tuple[Fact, ...] = Field((), description="the facts that were read back and confirmed")
    urgent: bool = False
    line: LineKey = Field("", description="the service line it came by, by its key; empty: the site's first")
    responsible: Short = Field("", description="whom a complaint is about")


class Ticket(Facts):
    """One ticket as it stood after its `version`-th event."""

    code: Code
    version: int
    kind: Kind
    state: State
    source: Name = Field(description="where it came from: call, message, desk, import, or another system's name")
    external_id: str = ""
    """What `source` calls it; empty for our own."""
    call: str = ""
    """The id of the call it came from."""
    recording: str = ""
    parent: str = ""
    """The code of the emergency this is attached to."""
    level: Level | None = None
    """Who has it, for a complaint."""
    handler: str = ""
    """The crew, department or person it was dispatched to."""
    slot: Slot | None = None
    expected: datetime | None = None
    """When whoever has it expects to be done."""
    outcome: Long = ""
    """What was done, found or answered."""
    created: datetime
    opened: datetime | None = None
    """When the clock began to run: at the opening, not when somebody accepted it. A bounce does not stop it."""
    dispatched: datetime | None = None
    """When it was last dispatched."""
    done: datetime | None = None
    """When it was last done; None again once it is reopened."""
    due: datetime | None = None
    """By when it must be done."""
    answer_due: datetime | None = None
    """By when whoever it was dispatched to must have acknowledged it."""
    overdue: bool = False
    """Whether it was not done by then; stays for good."""
    bounces: int = 0
    reopens: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done about it."""
        return self.state in OPEN

    def expected_end(self) -> datetime | None:
        """When it should be done, as far as is known: what the crew says, the appointment, else our own limit."""
        return self.expected or (self.slot.end if self.slot else None) or self.due


class TicketEvent(BaseModel):
    """One step of one ticket: who took it, when and why, and what it changed. Never changed itself."""

    model_config = ConfigDict(frozen=True)
    code: Code
    version: int
    at: datetime
    who: str
    """A work number, a system's name, `caller`, or `hotline` for the machine."""
    step: str
    why: str = ""
    changes: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Each field that changed, with its new value as JSON."""


def replayed(events: list[TicketEvent]) -> Ticket:
    """Return the ticket as its events, from the first on, leave it."""
    fields: dict[str, Any] = {}
    for event in events:
        fields |= event.changes
    return Ticket.model_validate(fields | {"code": events[-1].code, "version": events[-1].version})
