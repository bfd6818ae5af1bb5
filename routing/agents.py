"""An agent's state: whether the agent wants calls (duty), and what the phone is doing for the hotline (activity).

Duty changes by the agent's own steps, which follow a table: a step that is not in it raises and changes nothing.
Activity is what Asterisk does with the phone; we only watch it. The two go side by side, because an agent may ask for a
pause in the middle of a talk: it then begins after the talk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from routing.events import (
    AgentAnswered,
    AgentFound,
    AgentOffered,
    AgentPaused,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    CallEnded,
    CallRequeued,
    Event,
    OfferMissed,
    TalkEnded,
    TalkStarted,
    WrapUpEnded,
    WrapUpExtended,
    WrapUpStarted,
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

    def __init__(self, step: str, *, state: Duty, allowed: Iterable[str]) -> None:
        self.step, self.state, self.allowed = step, state, tuple(sorted(allowed))
        now, options = state.replace("-", " "), ", ".join(self.allowed)
        super().__init__(f"an agent who is {now} cannot {step}; possible now: {options}")


class NotDone(AgentError):
    """Asterisk did not do what was asked, or could not be reached; the agent's state is what it was."""

    code = "agent-not-done"

    def __init__(self, step: str, why: str) -> None:
        self.step = step
        super().__init__(f"the agent could not {step}: {why}")


def after(duty: Duty, step: str) -> Duty:
    """Return the duty after this step; raises AgentCannot."""
    try:
        return DUTY[duty][step]
    except KeyError:
        raise AgentCannot(step, state=duty, allowed=DUTY[duty]) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """One agent at one moment; times are UTC.

    `reason` is that of a pause, `call` the one that rings or is talked, `until` when a wrap-up ends by itself,
    `missed_in_a_row` counts the offers since the agent last took one, signed in or ended a pause.
    """

    agent: str
    duty: Duty = Duty.SIGNED_OUT
    reason: str | None = None
    duty_since: datetime | None = None
    activity: Activity = Activity.IDLE
    call: str | None = None
    activity_since: datetime | None = None
    until: datetime | None = None
    missed_in_a_row: int = 0

    @property
    def shown(self) -> str:
        """The one word a person reads: what the phone does, or else whether the agent wants calls."""
        return self.duty if self.activity is Activity.IDLE else self.activity

    @property
    def since(self) -> datetime | None:
        """When what is shown began: an agent is ready since the sign-in, or since the last call was over."""
        if self.activity is not Activity.IDLE:
            return self.activity_since
        return max(filter(None, (self.duty_since, self.activity_since)), default=None)


def reduce(state: AgentState, event: Event) -> AgentState:
    """Return the state after an event of this agent, or of the call this agent has; any other changes nothing."""
    match event:
        case AgentSignedIn() | AgentUnpaused():
            return replace(state, duty=Duty.READY, reason=None, duty_since=event.at, missed_in_a_row=0)
        case AgentSignedOut():
            return _wrapped_up(replace(state, duty=Duty.SIGNED_OUT, reason=None, duty_since=event.at), event)
        case AgentPaused():
            return replace(state, duty=Duty.PAUSED, reason=event.reason, duty_since=event.at)
        case AgentOffered() if state.activity is not Activity.TALKING:
            return _busy(state, Activity.RINGING, event)
        case AgentAnswered():
            return _busy(replace(state, missed_in_a_row=0), Activity.TALKING, event)
        case TalkStarted():
            # After the greeting the talk goes on; after a transfer it begins here.
            return _busy(state, Activity.TALKING, event)
        case OfferMissed():
            return _free(replace(state, missed_in_a_row=state.missed_in_a_row + 1), event)
        case TalkEnded() | CallRequeued() | CallEnded():
            return _free(state, event)
        case WrapUpStarted() if state.activity is Activity.WRAP_UP:
            return replace(state, until=event.at + event.length)
        case WrapUpExtended() if state.activity is Activity.WRAP_UP:
            return replace(state, until=(state.until or event.at) + event.length)
        case WrapUpEnded():
            return _wrapped_up(state, event)
        case AgentFound() if state.activity is not Activity.IDLE:
            return replace(state, activity=Activity.IDLE, call=None, activity_since=event.at, until=None)
    return state


def _busy(state: AgentState, activity: Activity, event: Event) -> AgentState:
    """The phone now does this for the event's call."""
    if (state.activity, state.call) == (activity, event.call):
        return state
    return replace(state, activity=activity, call=event.call, activity_since=event.at, until=None)


def _wrapped_up(state: AgentState, event: Event) -> AgentState:
    """Nothing is left to wrap up."""
    if state.activity is not Activity.WRAP_UP:
        return state
    return replace(state, activity=Activity.IDLE, activity_since=event.at, until=None)


def _free(state: AgentState, event: Event) -> AgentState:
    """The phone is rid of the event's call: after a talk (the greeting counts) there is something to wrap up."""
    if state.call is None or state.call != event.call:
        return state
    activity = Activity.WRAP_UP if state.activity is Activity.TALKING else Activity.IDLE
    return replace(state, activity=activity, call=None, activity_since=event.at)


class ByCall:
    """Which agents' phones a call has, so that an event of a call need not be shown to everybody."""

    def __init__(self) -> None:
        self._agents: dict[str, set[str]] = {}

    def concerned(self, event: Event) -> Iterable[str]:
        """The agent of this event; of an event that names none, whoever has its call."""
        if event.agent is not None:
            return (event.agent,)
        return tuple(self._agents.get(event.call or "", ()))

    def changed(self, before: AgentState | None, after: AgentState) -> None:
        """Take note of what an agent's phone has now."""
        was = before.call if before is not None else None
        if was == after.call:
            return
        if was is not None and (agents := self._agents.get(was)) is not None:
            agents.discard(after.agent)
            if not agents:
                del self._agents[was]
        if after.call is not None:
            self._agents.setdefault(after.call, set()).add(after.agent)
