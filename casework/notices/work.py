"""What an answer means for the ticket: accept acknowledges it, on site starts it, done finishes it.

Whoever accepts a ticket that was given to nobody yet (an emergency that rang the duty officer) takes it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from casework import book
from casework.notices.replies import Answer, TakeStep
from casework.register import Register
from casework.steps import Move, Step
from casework.ticket import State

MOVES: Final[Mapping[Answer, Move]] = {
    Answer.ACCEPT: "acknowledge",
    Answer.ON_SITE: "start",
    Answer.DONE: "finish",
}
NOBODYS: Final = (State.OPENED, State.APPOINTED, State.BOUNCED, State.REOPENED)
"""Open, and in nobody's hands."""


def by(register: Register) -> TakeStep:
    """Return how answers move this register's tickets; raises CaseworkError when the ticket cannot take the step."""

    def take(transaction: Connection, code: str, answer: Answer, who: str) -> None:
        move = MOVES[answer]
        if book.get(transaction, code).state in NOBODYS:
            register.step(transaction, code, Step(move="dispatch", to=who), who=who)
        register.step(transaction, code, Step(move=move), who=who)

    return take
