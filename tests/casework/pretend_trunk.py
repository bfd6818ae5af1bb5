"""A trunk without Asterisk: calls meet the fate that a test gives them, and lines go down when it says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from casework.visits.dialler import NotPlaced, TrunkGone
from casework.visits.visit import Visit

FRIDAY = datetime(2025, 11, 21, 2, 0, tzinfo=UTC)
"""10:00 in Shanghai."""


class Clock:
    """A clock that a test turns."""

    def __init__(self, at: datetime = FRIDAY) -> None:
        self.at = at

    def now(self) -> datetime:
        """The moment it shows (UTC)."""
        return self.at

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.at.timestamp()

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self.at += by


class PretendTrunk:
    """See Trunk. `lines` are up now, `answered` was noted by Asterisk, `rung` is every order that was carried out."""

    def __init__(self) -> None:
        self.up = True
        self.lines: set[str] = set()
        self.answered: set[str] = set()
        self.rung: list[Visit] = []
        self.refuses = False
        self.breaks: Callable[[Visit], bool] = lambda _: False
        """Whether the link breaks with this order: it is carried out, but we are not told."""

    async def ring(self, visit: Visit, *, ring_for: timedelta) -> None:
        """See Trunk."""
        assert ring_for > timedelta(0)
        if self.refuses:
            raise NotPlaced("no such endpoint")
        assert visit.call not in self.lines, "Asterisk refuses a second live call with the same id"
        self.lines.add(visit.call)
        self.rung.append(visit)
        if self.breaks(visit):
            raise TrunkGone("cut")

    async def on_line(self) -> frozenset[str]:
        """See Trunk."""
        return frozenset(self.lines)

    async def was_answered(self, call: str) -> bool:
        """See Trunk."""
        return call in self.answered
