"""An agent's state: whether the agent wants calls (duty), and what the phone is doing for the hotline (activity).

Duty changes by the agent's own steps, which follow a table: a step that is not in it raises and changes nothing.
Activity is what Asterisk does with the phone; we only watch it. The two go side by side, because an agent may ask for a
pause in the middle of a talk: it then begins after the talk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    Event,
    OfferMissed,
    TalkEnded,
)


class Duty(StrEnum):
    """Whether an agent wants calls."""

    SIGNED_OUT = "signed-out"
    READY = "ready"
    PAUSED = "paused"


class Activity(StrEnum):
    """What an agent's phone is doing for the hotline."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap-up"


DUTY: Final[Mapping[Duty, Mapping[str, Duty]]] = {
    Duty.SIGNED_OUT: {"sign in": Duty.READY},
    # Signing in twice is a habit, not a mistake.
    Duty.READY: {"sign in": Duty.READY, "sign out": Duty.SIGNED_OUT, "pause": Duty.PAUSED},
    # A second pause changes the reason.
    Duty.PAUSED: {"sign out": Duty.SIGNED_OUT, "pause": Duty.PAUSED, "end the pause": Duty.READY},
}


class AgentError(Exception):
    """An agent's step could not be done."""

    code = "agent"


class AgentUnknown(AgentError):
    """Nobody has this work number."""

    code = "agent-unknown"

    def __init__(self, agent: str, known: Iterable[str]) -> None:
        self.agent = agent
        super().__init__(f"no agent has the work number {agent!r}; there are {', '.join(sorted(known)) or 'none'}")


class AgentCannot(AgentError):
    """An agent's present state does not allow this step."""

    code = "agent-cannot"

    def __init__(self, step: str, *, state: str, allowed: Iterable[str]) -> None:
        self.step, self.state, self.allowed = step, state, tuple(sorted(allowed))
        options = ", ".join(self.allowed) or "nothing"
        super().__init__(f"an agent who is {state} cannot {step}; possible now: {options}")


class NotDone(AgentError):
    """Asterisk did not do what was asked, or could not be reached; nothing was changed."""

    code = "agent-not-done"

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"the agent could not {step}: {why}")


def after(duty: Duty, step: str) -> Duty:
    """Return the duty after this step; raises AgentCannot."""
    try:
        return DUTY[duty][step]
    except KeyError:
        raise AgentCannot(step, state=duty, allowed=DUTY[duty]) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """One agent at one moment. `call` is the call that rings or is talked; times are UTC."""

    agent: str
    duty: Duty = Duty.SIGNED_OUT
    reason: str | None = None
    activity: Activity = Activity.IDLE
    call: str | None = None
    since: datetime | None = None
    missed_in_a_row: int = 0

    def rested(self, now: datetime, wrap_up: timedelta) -> AgentState:
        """The same agent, with a wrap-up that is over taken off: it ends by itself after this long."""
        over = self.activity is Activity.WRAP_UP and self.since is not None and now >= self.since + wrap_up
        return replace(self, activity=Activity.IDLE) if over else self

    @property
    def shown(self) -> str:
        """The one word a person reads: what the phone does, or else whether the agent wants calls."""
        return self.duty if self.activity is Activity.IDLE else self.activity


def reduce(state: AgentState, event: Event) -> AgentState:
    """Return the state after an event of this agent; events of another kind change nothing."""
    match event:
        case AgentSignedIn():
            return replace(state, duty=Duty.READY, reason=None, since=event.at, missed_in_a_row=0)
        case AgentSignedOut():
            return replace(state, duty=Duty.SIGNED_OUT, reason=None, since=event.at)
        case AgentPaused():
            return replace(state, duty=Duty.PAUSED, reason=event.reason, since=event.at)
        case AgentUnpaused():
            return replace(state, duty=Duty.READY, reason=None, since=event.at, missed_in_a_row=0)
        case AgentRestored():
            return replace(state, duty=Duty(event.state), reason=event.reason, since=event.at)
        case AgentOffered():
            return replace(state, activity=Activity.RINGING, call=event.call, since=event.at)
        case OfferMissed():
            missed = state.missed_in_a_row + 1
            return replace(state, activity=Activity.IDLE, call=None, since=event.at, missed_in_a_row=missed)
        case AgentAnswered():
            return replace(state, activity=Activity.TALKING, call=event.call, since=event.at, missed_in_a_row=0)
        case TalkEnded():
            return replace(state, activity=Activity.WRAP_UP, call=None, since=event.at)
    return state
