"""What is going on now: calls, queues and agents, computed from the events alone.

    live = Live(queues, agents)
    for event in events:            # in their order: of this morning or of this moment, it makes no difference
        live.take(event)
    live.show(canvas)               # puts what has changed since the last time

The same events always give the same picture, so what the board showed at any moment can be had again from the log.
Nothing here asks a clock: a wrap-up, for instance, ends by an event.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple, cast

from routing.agents import Activity, AgentState, ByCall, Duty, reduce
from routing.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallQueued,
    CallRang,
    CallRequeued,
    CallStep,
    DeskStep,
    Event,
    KeyPressed,
    MessageLeft,
    NoKey,
    PhoneBack,
    PhoneLost,
    PhoneNumber,
    PromptHeard,
    RecordingKept,
    WrongKey,
)
from routing.picture import AgentShown, AgentShownState, CallShown, CallState, Canvas, QueueShown, moment
from routing.staff import Agent, Queue
from routing.watch import Progress

REMEMBERED: Final = 10_000
"""So many calls that have ended are remembered: what is told of them late does not bring them back."""

TOLD_LATE: Final = (MessageLeft,)
"""Found when the call is over, perhaps by a server that never saw it: it begins none."""

OF_A_FLOW: Final = (CallAnswered, PromptHeard, KeyPressed, WrongKey, NoKey)
"""Heard and pressed by anybody on a line of ours; a caller's call has begun before, by its ring."""

Phone = Literal["there", "gone", "unknown"]


@dataclass(slots=True)
class LiveCall:
    """One call that is up."""

    call: str
    since: datetime
    """Since when it is where it is, with whom it is."""
    progress: Progress = field(default_factory=Progress)
    caller: PhoneNumber | None = None
    dialled: str | None = None
    shown: str | None = None
    """The number of ours that is shown to whom we called."""
    put_back: bool = False
    """Whether the caller goes before all others of the same priority next time."""
    position: int | None = None
    """The place in line at which Asterisk put the caller last, from 1."""

    @property
    def state(self) -> CallState:
        """The one word for where the call is."""
        progress = self.progress
        if progress.talking_since is not None:
            return "hold" if progress.on_hold else "talk"
        if progress.handed_to is not None:
            return "transfer"
        return "ending" if progress.talked else progress.place

    def follow(self, step: CallStep) -> None:
        """Take one fact of this call."""
        before = self.state, self.progress.agent, self.progress.queue
        self.progress.follow(step)
        if isinstance(step, CallRang):
            self.caller, self.dialled = step.caller, step.dialled
        if isinstance(step, CallPlaced):
            self.caller, self.shown = step.caller, step.shown
        if isinstance(step, CallRequeued):
            self.put_back = True
        if isinstance(step, CallQueued):
            self.position = step.position
        if (self.state, self.progress.agent, self.progress.queue) != before:
            self.since = step.at


class Handled(NamedTuple):
    """The call an agent has, or had last."""

    call: str
    caller: PhoneNumber | None
    """Who called, or whom we called."""
    number: str | None
    """The number of ours that was dialled, or that we showed."""
    until: datetime | None = None
    """When the agent's part in it was over."""


class Live:
    """All calls that are up, all queues and agents of the site."""

    def __init__(self, queues: Sequence[Queue], agents: Sequence[Agent]) -> None:
        self._queues = {queue.name: queue for queue in queues}
        self._agents = {agent.work_number: agent for agent in agents}
        self._serving = {
            name: sorted(number for number, agent in self._agents.items() if name in agent.queues)
            for name in self._queues
        }
        self.calls: dict[str, LiveCall] = {}
        self.states = {number: AgentState(agent=number) for number in self._agents}
        self.phones: dict[str, Phone] = dict.fromkeys(self._agents, "unknown")
        self.waiting: dict[str, list[str]] = {name: [] for name in self._queues}
        """The calls in each queue, first in line first."""
        self.unwrapped: set[str] = set()
        """Agents whose talk is over and whose wrap-up has no length yet (`routing/wrap_up.py` gives it one)."""
        self._handled: dict[str, Handled] = {}
        self._by_call = ByCall()
        self._over: OrderedDict[str, None] = OrderedDict()
        self._changed_calls: set[str] = set()
        self._changed_agents: set[str] = set(self._agents)
        self._changed_queues: set[str] = set(self._queues)

    def take(self, event: Event) -> None:
        """Take the next event."""
        for number in self._by_call.concerned(event):
            if number in self.states:
                self._agent_takes(number, event)
        if isinstance(event, CallStep):
            self._call_takes(event)

    # A call

    def _call_takes(self, step: CallStep) -> None:
        if step.call in self._over or isinstance(step, RecordingKept | DeskStep):
            return
        call = self.calls.get(step.call)
        if call is None:
            if isinstance(step, OF_A_FLOW + TOLD_LATE):
                return
            call = self.calls[step.call] = LiveCall(step.call, step.at)
        call.follow(step)
        self._changed_calls.add(step.call)
        self._line_up(call)
        if isinstance(step, CallEnded):
            self._end(call)

    def _line_up(self, call: LiveCall) -> None:
        """Bring the queues' lines up to date with where this call is."""
        here = call.progress.queue if call.state == "queue" else None
        for name, line in self.waiting.items():
            if name != here and call.call in line:
                line.remove(call.call)
                self._changed_queues.add(name)
        if here is not None and here in self.waiting and call.call not in self.waiting[here]:
            line = self.waiting[here]
            line.insert(self._place(call, line), call.call)
            call.put_back = False
            self._changed_queues.add(here)

    def _place(self, call: LiveCall, line: Sequence[str]) -> int:
        """Where Asterisk puts this caller, if it did not say: behind all of a higher priority, and of the same one
        unless put back.
        """
        if call.position is not None:
            return min(call.position - 1, len(line))
        mine = call.progress.priority
        for place, other in enumerate(line):
            theirs = self.calls[other].progress.priority
            if theirs < mine or (theirs == mine and call.put_back):
                return place
        return len(line)

    def _end(self, call: LiveCall) -> None:
        for line, name in ((self.waiting[name], name) for name in self.waiting):
            if call.call in line:
                line.remove(call.call)
                self._changed_queues.add(name)
        del self.calls[call.call]
        self._over[call.call] = None
        if len(self._over) > REMEMBERED:
            self._over.popitem(last=False)

    # An agent

    def _agent_takes(self, number: str, event: Event) -> None:
        before = self.states[number]
        self.states[number] = after = reduce(before, event)
        if isinstance(event, PhoneLost | PhoneBack):
            self.phones[number] = "there" if isinstance(event, PhoneBack) else "gone"
        elif after == before:
            return
        self._by_call.changed(before, after)
        self._has_in_hand(before, after, event.at)
        if after.activity is Activity.WRAP_UP and after.until is None:
            self.unwrapped.add(number)
        else:
            self.unwrapped.discard(number)
        self._changed_agents.add(number)
        self._changed_queues.update(self._agents[number].queues)

    def _has_in_hand(self, before: AgentState, after: AgentState, at: datetime) -> None:
        """Take note of whom an agent talks to, or has just talked to."""
        if after.activity is Activity.TALKING and after.call is not None:
            call = self.calls.get(after.call)
            self._handled[after.agent] = (
                Handled(after.call, call.caller, call.dialled or call.shown)
                if call
                else Handled(after.call, None, None)
            )
        elif before.activity is Activity.TALKING and (last := self._handled.get(after.agent)) is not None:
            self._handled[after.agent] = last._replace(until=at)

    def at_hand(self, number: str, *, since: datetime) -> Handled | None:
        """The call an agent has now, or had last, if that was over not before `since`."""
        last = self._handled.get(number)
        return last if last is not None and (last.until is None or last.until >= since) else None

    def queues_of(self, number: str) -> Mapping[str, int]:
        """The queues an agent serves, and the penalty in each."""
        return self._agents[number].queues

    def state_of(self, number: str) -> AgentShownState:
        """The one word for what an agent does."""
        state = self.states[number]
        if state.activity is Activity.IDLE and state.duty is Duty.READY and self.phones[number] == "gone":
            return "no-phone"
        return cast(AgentShownState, state.shown)

    # What a person sees

    def show(self, canvas: Canvas) -> None:
        """Put what has changed since the last time."""
        for name in self._changed_calls:
            call = self.calls.get(name)
            if call is None:
                canvas.take_off("calls", name)
            else:
                canvas.put("calls", name, _call(call))
        for number in self._changed_agents:
            canvas.put("agents", number, self.agent(number))
        for name in self._changed_queues & self._queues.keys():
            canvas.put("queues", name, self._queue(name))
        for changed in (self._changed_calls, self._changed_agents, self._changed_queues):
            changed.clear()

    def agent(self, number: str) -> AgentShown:
        """An agent as people see it."""
        agent, state = self._agents[number], self.states[number]
        return {
            "agent": number,
            "name": agent.name,
            "state": self.state_of(number),
            "since": _or_none(state.since),
            "reason": state.reason,
            "until": _or_none(state.until),
            "duty": state.duty.value,
            "phone": self.phones[number],
            "call": state.call,
            "queues": dict(agent.queues),
        }

    def _queue(self, name: str) -> QueueShown:
        on_duty = [number for number in self._serving[name] if self.states[number].duty is not Duty.SIGNED_OUT]
        return {
            "queue": name,
            "label": dict(self._queues[name].label),
            "waiting": list(self.waiting[name]),
            "agents": on_duty,
            "ready": [number for number in on_duty if self.state_of(number) == "ready"],
        }


def _call(call: LiveCall) -> CallShown:
    progress = call.progress
    return {
        "call": call.call,
        "caller": call.caller.masked() if call.caller else None,
        "dialled": call.dialled,
        "state": call.state,
        "since": moment(call.since),
        "rang": _or_none(progress.rang),
        "queue": progress.queue,
        "joined": _or_none(progress.joined),
        "priority": progress.priority,
        "agent": progress.agent,
        "offered": sorted(progress.offered),
    }


def _or_none(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
