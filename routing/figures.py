"""The figures of a queue and of an agent: what is counted, and what is computed from the counts.

Counts are whole numbers and times that can be added up: two hours make a day, two queues a centre. Rates are computed
at the end and never added. `docs/figures.md` has every formula in words; `routing/tally.py` counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final, Literal, Self, TypeVar

ZERO: Final = timedelta(0)

Formula = Literal["of-offered", "of-answered", "abandons-count", "abandons-out"]
"""Which service level is meant; all four are in use, and they differ by many points for the same day."""


class _Sum:
    """Counts that can be added up, field by field."""

    def __add__(self, other: Self) -> Self:
        mine = {name: getattr(self, name) for name in _names(type(self))}
        return type(self)(**{name: _joined(name, value, getattr(other, name)) for name, value in mine.items()})


@dataclass(slots=True, kw_only=True)
class QueueCounts(_Sum):
    """What happened to the callers of a queue who came in some stretch of time.

    At any moment offered = answered + abandoned + flowed_out + waiting.
    """

    offered: int = 0
    """Callers who began to wait, or were refused by a queue that was full or had nobody."""
    answered: int = 0
    """An agent picked up, and the caller was neither put back nor gone before the talk."""
    answered_in_time: int = 0
    """Of the answered: within the queue's time to answer."""
    connected: int = 0
    """Of the answered: the work number was said to its end, or the talk began."""
    abandoned: int = 0
    """Hung up while waiting, or before the talk."""
    abandoned_short: int = 0
    """Of the abandoned: so soon that nobody could have answered."""
    abandoned_in_time: int = 0
    """Of the abandoned: within the queue's time to answer."""
    flowed_out: int = 0
    """Left the queue without a talk and without hanging up: too long a wait, refused, moved elsewhere, not seen."""
    refused: int = 0
    """Of the flowed out: the queue was full or had nobody."""
    callback: int = 0
    """Of the flowed out: the caller keeps the place and is called back."""
    waiting: int = 0
    """Neither: still there."""
    waited_answered: timedelta = ZERO
    """All waits of the answered together."""
    longest_wait: timedelta = ZERO


@dataclass(slots=True, kw_only=True)
class AgentCounts(_Sum):
    """What an agent did in some stretch of time, or all agents together."""

    offered: int = 0
    """How often the phone rang for a caller."""
    missed: int = 0
    """Of these: not picked up."""
    talks: int = 0
    talking: timedelta = ZERO
    """From picking up to the end of the talk, holds included."""
    holding: timedelta = ZERO
    """Of the talking: the caller was on hold."""
    wrapping_up: timedelta = ZERO
    ready: timedelta = ZERO
    """Ready, or the phone rang."""
    paused: timedelta = ZERO
    unreachable: timedelta = ZERO
    """Would be ready, but the phone could not be reached."""


SERVICE_LEVELS: Final[Mapping[Formula, Callable[[QueueCounts], tuple[int, int]]]] = {
    "of-offered": lambda c: (c.answered_in_time, c.offered - c.waiting),
    "of-answered": lambda c: (c.answered_in_time, c.answered),
    "abandons-count": lambda c: (c.answered_in_time + c.abandoned_in_time, c.offered - c.waiting),
    "abandons-out": lambda c: (c.answered_in_time, c.offered - c.waiting - c.abandoned_in_time),
}
"""Each formula as numerator and denominator; who still waits is in neither."""


def service_level(counts: QueueCounts, formula: Formula) -> float | None:
    """The share that was answered in time, 0 to 1; None where there is nothing to share."""
    return _ratio(*SERVICE_LEVELS[formula](counts))


def connect_rate(counts: QueueCounts) -> float | None:
    """人工接通率: of all who asked for a person and wait no more, those who heard the work number."""
    return _ratio(counts.connected, counts.offered - counts.waiting)


def abandon_rate(counts: QueueCounts) -> float | None:
    """Of all who wait no more, those who gave up; short ones, at which nobody could have answered, are left out."""
    return _ratio(counts.abandoned - counts.abandoned_short, counts.offered - counts.waiting - counts.abandoned_short)


def speed_of_answer(counts: QueueCounts) -> timedelta | None:
    """How long the answered waited, on average."""
    return counts.waited_answered / counts.answered if counts.answered else None


def handle_time(counts: AgentCounts) -> timedelta | None:
    """What a call takes of an agent's time on average: talk, hold and wrap-up."""
    return (counts.talking + counts.wrapping_up) / counts.talks if counts.talks else None


def occupancy(counts: AgentCounts) -> float | None:
    """Of the time an agent was there for calls, the share spent on them; pauses are not in it."""
    busy = counts.talking + counts.wrapping_up
    there = busy + counts.ready
    return busy / there if there else None


Counts = TypeVar("Counts", QueueCounts, AgentCounts)


def total(some: Iterable[Counts], zero: Counts) -> Counts:
    """Add up."""
    for each in some:
        zero = zero + each
    return zero


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _joined(name: str, mine: timedelta | int, other: timedelta | int) -> timedelta | int:
    return max(mine, other) if name == "longest_wait" else mine + other  # type: ignore[operator]
