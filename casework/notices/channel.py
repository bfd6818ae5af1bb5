"""What a channel is: something that takes a letter to a person, and says how that went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from casework.notices.notice import Urgency


class AfterACrash(StrEnum):
    """What is done about a letter when we were stopped while sending it, and do not know whether it went out."""

    SAME_KEY = "same-key"
    """The provider honours our key: sent again, it is still one."""
    ASK = "ask"
    """The provider can be asked whether it has it."""
    SEND_AGAIN = "send-again"
    """Nobody knows: it is sent again, and marked as a possible double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice on its way out."""

    id: str
    """The notice's id, the key for a provider that honours keys."""
    address: str
    text: str
    title: str
    occasion: str
    language: str
    urgency: Urgency
    values: Mapping[str, str] = field(default_factory=dict)
    ticket: str | None = None
    attempt: int = 1
    again: bool = False
    """Whether it may have gone out before."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it; `provider_id` is what its receipts will name, when it sends any."""

    provider_id: str | None = None
    delivered: bool = False
    """Whether it is known already that the person has it (a phone call that was acknowledged)."""


class SendProblem(Exception):
    """A letter was not sent. The sentence holds no number, address, text or secret."""

    code = "not-sent"
    in_doubt = False
    """Whether the letter may have gone out all the same."""


class TryLater(SendProblem):
    """Not taken now, though another letter may be: throttled, a full mailbox, nobody picks up."""

    code = "try-later"


class Refused(SendProblem):
    """Never to be taken here: an impossible number, an unknown template."""

    code = "refused"


class ChannelDown(SendProblem):
    """The channel takes nothing from anybody just now: out of reach, login refused."""

    code = "channel-down"


class Unsure(SendProblem):
    """The connection broke after the letter was on its way: it may have gone out."""

    code = "unsure"
    in_doubt = True


class Channel(Protocol):
    """One way to people. Sending ends by itself within `limit` seconds, one way or the other."""

    @property
    def after_a_crash(self) -> AfterACrash:
        """What to do about a letter of which nothing is known."""

    @property
    def gives_receipts(self) -> bool:
        """Whether we are told later that a letter was delivered."""

    @property
    def limit(self) -> float:
        """Seconds within which `send` and `ask` end."""

    async def send(self, letter: Letter) -> Accepted:
        """Hand the letter to the provider; raises SendProblem."""

    async def ask(self, letter: Letter) -> Accepted | None:
        """Ask whether the provider has this letter: None when it has not; raises SendProblem when it cannot say."""
