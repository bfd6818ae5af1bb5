"""What a talk is about, as the machine that leads it needs to know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from casework.visits.answers import Answer
from casework.visits.script import Script
from casework.visits.states import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One talk: its script, and what is known beforehand. Nothing here names the callee."""

    script: Script
    line: str | None = None
    """The key of the service line in whose name we call; None is the first."""
    language: str | None = None
    """What the callee speaks, if that is known."""
    queue: str | None = None
    """Where a callee who wants a person is led, if the script does not say."""
    facts: Mapping[str, str] = field(default_factory=dict)
    answers: Sequence[Answer] = ()
    """What was answered already, before a crash of ours: it is not asked again."""
    to_person: bool = False
    """Whether a person was promised already, before a crash of ours: nothing more is asked."""


Keep = Callable[[Answer], Awaitable[None]]
"""Keeps an answer for good; returns when that is done, or given up for now."""
NextTime = Callable[[datetime], datetime]
"""The first moment from this one on at which the callee may be called."""


class Talks(Protocol):
    """Where talks by script are kept, by the id of the call."""

    async def begin(self, call: str) -> Case | None:
        """Somebody picked up: return what it is about; None for a call that we do not know."""

    async def begin_survey(self, call: str) -> Case | None:
        """A caller whose talk is over may grade it; None when there is no script for that."""

    async def hint(self, call: str, hint: str) -> None:
        """Note what Asterisk guesses of who answered."""

    async def keep(self, call: str, answer: Answer) -> None:
        """Keep an answer as it is given; the same one twice changes nothing."""

    async def end(self, call: str, outcome: Outcome | None) -> None:
        """The talk is over; None when the callee hung up in it. What follows from the answers is done after this."""

    def next_time(self, call: str, at: datetime) -> datetime:
        """Return the first moment from this one on at which this callee may be called."""
