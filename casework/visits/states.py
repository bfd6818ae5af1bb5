"""Where a visit can be, and what may happen to it there: a table. A step that is not in it changes nothing.

due ──dial──► calling ──answer──► talking ──► finished, partial, hung-up, refused, handed-over, silent
▲              │                    │
└── not reached, tries left         └──► appointed ──dial──► calling
└── no tries left ──► no-contact      └── the number is wrong ──► wrong-number
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a visit is."""

    DUE = "due"
    APPOINTED = "appointed"
    CALLING = "calling"
    TALKING = "talking"
    FINISHED = "finished"
    PARTIAL = "partial"
    HUNG_UP = "hung-up"
    SILENT = "silent"
    REFUSED = "refused"
    HANDED_OVER = "handed-over"
    NO_CONTACT = "no-contact"
    WRONG_NUMBER = "wrong-number"
    DO_NOT_CALL = "do-not-call"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How a talk ended, for the visit it belongs to."""

    FINISHED = "finished"
    """All was asked."""
    PARTIAL = "partial"
    """The callee hung up after some answers; they are kept."""
    HUNG_UP = "hung-up"
    """The callee hung up before any answer."""
    SILENT = "silent"
    """Somebody or something picked up and pressed nothing: perhaps an answering machine."""
    REFUSED = "refused"
    """The callee does not want this call."""
    HANDED_OVER = "handed-over"
    """The callee asked for a person."""
    APPOINTED = "appointed"
    """A time for another call was agreed."""


STEPS: Final[Mapping[State, Mapping[str, State]]] = {
    State.DUE: {"dial": State.CALLING, "block": State.DO_NOT_CALL, "cancel": State.CANCELLED},
    State.APPOINTED: {"dial": State.CALLING, "block": State.DO_NOT_CALL, "cancel": State.CANCELLED},
    State.CALLING: {
        "answer": State.TALKING,
        "try later": State.DUE,
        "give up": State.NO_CONTACT,
        "wrong number": State.WRONG_NUMBER,
        # Nobody saw the answer, but Asterisk says that there was one.
        "end hung-up": State.HUNG_UP,
    },
    State.TALKING: {f"end {outcome}": State(outcome) for outcome in Outcome},
    # A lead may have anyone called again; nothing else leads out of these.
    **{
        state: {"again": State.DUE}
        for state in (
            State.FINISHED,
            State.PARTIAL,
            State.HUNG_UP,
            State.SILENT,
            State.REFUSED,
            State.HANDED_OVER,
            State.NO_CONTACT,
            State.WRONG_NUMBER,
            State.CANCELLED,
        )
    },
    # Who does not want to be called is first taken off the do-not-call list.
    State.DO_NOT_CALL: {},
}

WAITING: Final = frozenset({State.DUE, State.APPOINTED})
LIVE: Final = frozenset({State.CALLING, State.TALKING})
OVER: Final = frozenset(State) - WAITING - LIVE
NOT_REACHED: Final = frozenset({State.NO_CONTACT, State.WRONG_NUMBER, State.SILENT})
"""A lead looks at these; who refused is counted apart."""


class VisitCannot(Exception):
    """A visit's present state does not allow this step; nothing was changed."""

    code = "visit-cannot"

    def __init__(self, step: str, *, state: State) -> None:
        self.step, self.state = step, state
        options = ", ".join(sorted(STEPS[state])) or "nothing"
        super().__init__(f"a visit that is {state.value} cannot {step}; possible now: {options}")


def after(state: State, step: str) -> State:
    """Return the state after this step; raises VisitCannot."""
    try:
        return STEPS[state][step]
    except KeyError:
        raise VisitCannot(step, state=state) from None
