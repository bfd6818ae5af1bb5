"""A notice: one thing that one person is to be told, and how far it has come.

    waiting ──claim──► sending ──accept──► sent ──deliver──► delivered
       ▲                  │                  │
       ├─────put back─────┤                  │
       └──────────────────┼───put back───────┘
                          └──give up──► not sent ──retry──► waiting

'Sent' means that a provider has taken it, 'delivered' that the phone has it, 'not sent' that a person must look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final


class Urgency(IntEnum):
    """Who goes first; the smaller number does."""

    EMERGENCY = 0
    SOON = 1
    CAN_WAIT = 2
    """Not in the quiet hours."""


class State(StrEnum):
    """How far a notice has come."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    NOT_SENT = "not-sent"
    CALLED_OFF = "called-off"


STEPS: Final[Mapping[State, Mapping[str, State]]] = {
    State.WAITING: {"claim": State.SENDING, "give up": State.NOT_SENT, "call off": State.CALLED_OFF},
    State.SENDING: {
        "accept": State.SENT,
        "put back": State.WAITING,
        "give up": State.NOT_SENT,
        "call off": State.CALLED_OFF,
    },
    # A provider may take a notice and say later that the phone never got it: the next way is tried.
    State.SENT: {"deliver": State.DELIVERED, "put back": State.WAITING, "give up": State.NOT_SENT},
    State.DELIVERED: {},
    State.NOT_SENT: {"retry": State.WAITING, "call off": State.CALLED_OFF},
    State.CALLED_OFF: {},
}
OPEN: Final = (State.WAITING, State.SENDING)
"""Still to be sent."""
MOST_WAYS: Final = 16


class NoticeError(Exception):
    """Something about a notice cannot be done; `code` is stable, the sentence is not."""

    code = "notice"


class NoticeCannot(NoticeError):
    """A notice's present state does not allow this step."""

    code = "notice-cannot"

    def __init__(self, step: str, state: State) -> None:
        self.step, self.state = step, state
        allowed = ", ".join(STEPS[state]) or "nothing"
        super().__init__(f"a notice that is {state} cannot be made to {step!r}; possible now: {allowed}")


class NoticeUnknown(NoticeError):
    """There is no notice of this id."""

    code = "notice-unknown"

    def __init__(self, notice: str) -> None:
        super().__init__(f"there is no notice {notice!r:.40}; see: hotline notices list")


def after(state: State, step: str) -> State:
    """Return the state after this step; raises NoticeCannot."""
    try:
        return STEPS[state][step]
    except KeyError:
        raise NoticeCannot(step, state) from None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach a person: the name of a channel, and the person's address there."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A notice as its author writes it."""

    key: str
    """What makes it this notice and no other, e.g. `T4711:opened:crew-3`: written twice, it is one notice."""
    occasion: str
    """The name of its text in the catalogue (`texts.py`)."""
    language: str
    to: str
    """Who is told, by the site's name for the person, or `caller`."""
    ways: tuple[Way, ...]
    """Tried in this order."""
    values: Mapping[str, str] = field(default_factory=dict)
    urgency: Urgency = Urgency.SOON
    ticket: str | None = None
    not_before: datetime | None = None
    keep_trying: timedelta = timedelta(hours=24)
    """After this it is given up, and alarmed as not sent."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w:.@+-]{1,120}", self.key):
            raise ValueError(f"a notice's key has 1 to 120 letters, digits or : . _ - @ +; found {self.key!r:.60}")
        if not 1 <= len(self.ways) <= MOST_WAYS:
            raise ValueError(
                f"the notice {self.key!r} has {len(self.ways)} ways to its reader; expected 1 to {MOST_WAYS}"
            )
        if self.not_before is not None and self.not_before.tzinfo is None:
            raise ValueError(f"the notice {self.key!r} must not wait for a time without a zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(NewNotice):
    """A notice in the outbox."""

    id: str
    state: State
    created: datetime
    due: datetime
    deadline: datetime
    way: int = 0
    """Which of its ways is being tried."""
    refused: int = 0
    """Bit n is set when way n has refused it for good."""
    failures: int = 0
    """How often in a row that way has failed."""
    attempts: int = 0
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    provider_id: str | None = None
    """What the provider calls it: receipts come under this name."""
    maybe_double: bool = False
    """We were stopped while it was being sent and nobody could say whether it went out: it was sent again."""
    problem: str | None = None
    """Why it is not sent yet, in words without numbers or addresses."""

    @property
    def current(self) -> Way:
        """The way that is being tried."""
        return self.ways[self.way]

    def next_way(self, *, refused: int | None = None) -> int | None:
        """Return the way after the current one, round and round, without those that refused; None when none is left."""
        refused = self.refused if refused is None else refused
        around = [(self.way + step) % len(self.ways) for step in range(1, len(self.ways) + 1)]
        return next((way for way in around if not refused >> way & 1), None)
