"""When a step of a script is taken, or something follows from a call: what was answered, and what the case says.

    { solved = "yes", score = ">=7", paid = "no" }

All of them must hold. A question that was not answered, and a fact that nobody gave, fits no condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

Conditions = Mapping[str, str]
"""The name of an answer or of a fact, and what it must be: a word, words with `|` between, `>=N` or `<=N`."""

BOUND: Final = re.compile(r"(?P<which>[<>]=)(?P<points>\d{1,2})")


def hold(conditions: Conditions, known: Mapping[str, str]) -> bool:
    """Whether what is known fits every condition."""
    return all(name in known and _fits(wanted, known[name]) for name, wanted in conditions.items())


def wrong_with(conditions: Conditions, possible: Mapping[str, frozenset[str] | None]) -> Iterator[str]:
    """Say what can never hold; `possible` has the values of each answer, None for a fact that may be anything."""
    for name, wanted in conditions.items():
        if name not in possible:
            known = ", ".join(sorted(possible)) or "nothing"
            yield f"{name!r} is neither an earlier answer nor a fact of the case; known here: {known}"
            continue
        values = possible[name]
        if values is not None and not any(_fits(wanted, value) for value in values):
            yield f"{name} = {wanted!r} can never be; possible: {', '.join(sorted(values))}"


def _fits(wanted: str, value: str) -> bool:
    if (bound := BOUND.fullmatch(wanted)) is None:
        return value in wanted.split("|")
    if not value.isdecimal():
        return False
    points = int(bound["points"])
    return int(value) >= points if bound["which"] == ">=" else int(value) <= points
