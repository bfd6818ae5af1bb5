"""What follows from a call: the answers have consequences, as the script has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from casework.visits.answers import Answer
from casework.visits.conditions import hold
from casework.visits.script import Script
from casework.visits.states import Outcome
from casework.visits.tables import CONSEQUENCES


def following(script: Script, answers: Iterable[Answer], facts: Mapping[str, str], outcome: Outcome) -> Sequence[str]:
    """Return what is to be done after this call, each once, in the script's order.

    Half a call has the consequences of that half: who said 'not solved' and hung up is not forgotten.
    """
    known = {**facts, **{answer.step: answer.value for answer in answers}, "outcome": outcome.value}
    return tuple(dict.fromkeys(each.do for each in script.consequences if hold(each.when, known)))


def promise(transaction: Connection, call: str, what: Sequence[str], *, at: datetime) -> None:
    """Write down what follows from a call, in the transaction that ends it: it is done soon, and once."""
    if what:
        rows = [{"call": call, "do": each, "made": at, "what": ""} for each in what]
        transaction.execute(insert(CONSEQUENCES), rows)
