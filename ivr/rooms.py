"""What a flow may ask of the rest of the house. `hotline/service.py` builds it; a test builds its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ivr.call import Words
from ivr.lines import Line, Menu, Opening, is_open
from routing.events import Event


class Desk(Protocol):
    """What an agent can do from the phone. Each step is done when it returns, and raises AgentError when it cannot."""

    def at_phone(self, phone: str) -> str | None:
        """Return the work number of the agent whose phone this is."""

    async def sign_in(self, agent: str) -> None:
        """Offer this agent calls from now on."""

    async def sign_out(self, agent: str) -> None:
        """Offer this agent no more calls."""

    async def pause(self, agent: str, reason: str) -> None:
        """Offer this agent no calls for now."""

    async def unpause(self, agent: str) -> None:
        """Offer this agent calls again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The house as a flow sees it."""

    lines: Mapping[str, Line]
    """The line behind each dialled number."""
    menus: Mapping[str, Menu]
    hours: Mapping[str, Sequence[Opening]]
    """Opening hours by name; a name that is not here is always open."""
    patience: Mapping[str, timedelta]
    """How long a caller may wait in each queue."""
    zone: ZoneInfo
    words: Words
    record: Callable[[Event], None]
    """Writes a fact down; returns at once."""
    rang: Callable[[str], Awaitable[bool]]
    """Tells whether the ring of this call is in the log: it may have come while we were down."""
    agent_answered: Callable[[str, str], None]
    """Told the call's id and the work number when an agent has picked up."""
    desk: Desk
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open_for(self, line: Line, at: datetime) -> bool:
        """Whether this line is staffed at this moment."""
        return is_open(self.hours.get(line.hours, ()), at.astimezone(self.zone))
