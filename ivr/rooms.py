"""What a flow may ask of the rest of the house. `hotline/service.py` builds it; a test builds its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from casework.ticket import Ticket
from casework.visits.case import Talks
from ivr.call import Words
from ivr.lines import Choice, Line, Menu
from prompts.library import Sound
from routing.events import Event, PhoneNumber


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


class Almanac(Protocol):
    """What day it is, and who is there (`prompts/calendar`)."""

    def festivals(self, at: datetime) -> Sequence[str]:
        """Return the festivals whose greeting is said at this moment, in the order they are said."""

    def is_open(self, hours: str, at: datetime) -> bool:
        """Say whether somebody is there at this moment, by the hours of this name."""


class Told(Protocol):
    """Something that was announced."""

    @property
    def prompt(self) -> str:
        """The prompt that says it."""

    @property
    def expected_end(self) -> datetime | None:
        """When it should be over, if anybody knows."""

    @property
    def emergency(self) -> str | None:
        """The code of the emergency it tells of, if it tells of one."""


class NewsDesk(Protocol):
    """Known outages and other news (`prompts/news.py`)."""

    def concerning(self, caller: PhoneNumber | None, language: str, at: datetime) -> Sequence[Told]:
        """Return what this caller is told before the menu: of another area only if nobody knows the caller's."""


class CannotLook(Exception):
    """The tickets cannot be looked at just now, or not in the time that a caller waits."""

    code = "cannot-look"


class TicketsByPhone(Protocol):
    """What a caller can be told of tickets. All raise CannotLook, and take a second or two at most."""

    async def open_of(self, number: PhoneNumber) -> Sequence[Ticket]:
        """Return the open tickets of whoever calls from this number, newest first."""

    async def find(self, code: str) -> Ticket | None:
        """Return the ticket with this code."""

    async def may_be_told(self, number: PhoneNumber, emergencies: Collection[str]) -> bool:
        """Whether this number can have a message, and has not yet asked to be told of the end of each of these."""

    async def tell_when_over(self, number: PhoneNumber, emergency: str, *, line: str) -> bool:
        """Attach whoever calls from this number, by this line, to an emergency.

        Once: who asks again is attached already. False if it is over or no message can be had.
        """


@dataclass(frozen=True, slots=True)
class Emergency:
    """What a duty officer is rung for."""

    code: str
    about: str
    """Problem and place in words; empty when they cannot be said in this language."""
    language: str


class Duty(Protocol):
    """What the duty officer's call needs."""

    async def about(self, call: str) -> Emergency | None:
        """Return what this call is about; None when it is no such call."""

    async def accept(self, call: str) -> bool:
        """Let whoever was rung accept it; False when the ticket needs nobody any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody is to speak into the phone, and how it sounds now, if it can be heard at all."""

    sound: Sound | None
    at_most: timedelta


@dataclass(frozen=True, slots=True)
class Take:
    """What became of one attempt: how callers would hear it, or what is wrong with it (`prompts/studio.py`: Fault)."""

    sound: Sound | None
    faults: Sequence[str] = ()


class Booth(Protocol):
    """Where prompts are recorded by phone. What is asked of a call that records nothing raises KeyError."""

    def wanted(self, call: str) -> Wanted | None:
        """Return what this call is to record; None when it is no such call."""

    def own_greeting(self, call: str, agent: str, which: int) -> Wanted | None:
        """Let this call record an agent's own greeting, the first of his being 1; None when there is no such one."""

    async def judge(self, call: str) -> Take:
        """Return what became of the recording that this call has just made."""

    async def keep(self, call: str) -> None:
        """Let the last take be heard by callers from now on: it is kept when this returns, and heard soon after."""

    def over(self, call: str) -> None:
        """The call records no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The house as a flow sees it."""

    lines: Mapping[str, Line]
    """The line behind each dialled number."""
    menus: Mapping[str, Menu]
    zone: ZoneInfo
    calendar: Almanac
    news: NewsDesk
    queue_hours: Mapping[str, str]
    """The opening hours, by name, of the queues that have hours of their own."""
    patience: Mapping[str, timedelta]
    """How long a caller may wait in each queue."""
    words: Words
    record: Callable[[Event], None]
    """Writes a fact down; returns at once."""
    rang: Callable[[str], Awaitable[bool]]
    """Tells whether the ring of this call is in the log: it may have come while we were down."""
    agent_answered: Callable[[str, str], None]
    """Told the call's id and the work number when an agent has picked up."""
    desk: Desk
    language_of: Callable[[PhoneNumber], Awaitable[str | None]]
    """The language a caller chose in an earlier call, soon; None if he never did, or nobody can say now."""
    talks: Talks | None = None
    """Where talks by script are kept; a house without them makes no calls of its own."""
    tickets: TicketsByPhone
    duty: Duty | None = None
    """Emergencies that nobody has accepted; a house without it rings nobody."""
    booth: Booth | None = None
    """Where prompts are recorded by phone, if anywhere."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open_for(self, line: Line, choice: Choice, at: datetime) -> bool:
        """Whether somebody is there at this moment, at this line and for what its caller has chosen."""
        if choice.always_open:
            return True
        hours = {line.hours, self.queue_hours.get(choice.queue or "", line.hours)}
        return all(self.calendar.is_open(each, at) for each in hours)
