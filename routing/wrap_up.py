"""The wrap-up: after each talk an agent has some time to note down what it was about.

It begins with the end of the talk, lasts as long as the longest of the agent's queues says, and ends by itself; the
agent may end it sooner or ask for more. While it lasts the agent is held back in all queues (`Roster.settle`). Asterisk
has a wrap-up too (`wrapuptime`), but it knows one queue only and cannot be ended: it just bridges the moment until the
agent is held back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from routing.agents import Activity, AgentError, AgentState, AgentUnknown, Duty
from routing.ami import AmiError
from routing.events import CallEnded, CallRequeued, Event, TalkEnded, WrapUpEnded, WrapUpExtended, WrapUpStarted
from routing.staff import Agent, Queue

LONGEST: Final = timedelta(minutes=30)
"""So far ahead can a wrap-up be extended: more is a pause."""


Settle = Callable[[str], Awaitable[None]]
"""Brings Asterisk's queues to what an agent's state says (`Roster.settle`); raises AmiError."""


class NothingToWrapUp(AgentError):
    """The agent is not wrapping up."""

    code = "agent-not-wrapping-up"

    def __init__(self, state: AgentState) -> None:
        super().__init__(
            f"agent {state.agent} is {state.shown.replace('-', ' ')}: there is no wrap-up to end or extend"
        )


class TooLong(AgentError):
    """A wrap-up cannot be extended so far."""

    code = "wrap-up-too-long"

    def __init__(self, wanted: timedelta) -> None:
        super().__init__(
            f"a wrap-up can be extended up to {LONGEST // timedelta(minutes=1)} minutes from now, not by {wanted}; "
            "for longer, pause with a reason"
        )


class WrapUps:
    """Begins each wrap-up when a talk is over, and ends it when its time is up."""

    def __init__(
        self,
        agents: Sequence[Agent],
        queues: Sequence[Queue],
        *,
        states: Mapping[str, AgentState],
        unwrapped: Collection[str],
        record: Callable[[Event], None],
        settle: Settle,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`states` are the agents' states and `unwrapped` those who wait for us, up to date when `take` is called."""
        lengths = {queue.name: queue.wrap_up for queue in queues}
        self._lengths = {agent.work_number: max(lengths[name] for name in agent.queues) for agent in agents}
        self._states, self._unwrapped = states, unwrapped
        self._record, self._settle, self._now = record, settle, now
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, fact: Event) -> None:
        """Take a fact: perhaps somebody has something to wrap up from now on, or no more."""
        match fact:
            case TalkEnded() | CallRequeued() | CallEnded():
                for agent in tuple(self._unwrapped):
                    self._begin(self._states[agent])
            case WrapUpStarted():
                self._set_timer(fact.agent)
                self._soon(self._bring(fact.agent))
            case WrapUpExtended():
                self._set_timer(fact.agent)
            case _:
                if fact.agent in self._timers and self._states[fact.agent].activity is not Activity.WRAP_UP:
                    self._timers.pop(fact.agent).cancel()
                    self._soon(self._bring(fact.agent))

    async def extend(self, agent: str, length: timedelta) -> None:
        """Give this agent so much more time; raises AgentUnknown, NothingToWrapUp and TooLong."""
        state = self._wrapping_up(agent)
        if length <= timedelta(0) or (state.until or self._now()) + length > self._now() + LONGEST:
            raise TooLong(length)
        self._record(WrapUpExtended(at=self._now(), agent=agent, length=length))

    async def end(self, agent: str) -> None:
        """End this agent's wrap-up now; raises AgentUnknown and NothingToWrapUp."""
        self._wrapping_up(agent)
        if timer := self._timers.pop(agent, None):
            timer.cancel()
        self._record(WrapUpEnded(at=self._now(), agent=agent))
        await self._bring(agent)

    def stop(self) -> None:
        """Forget all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _wrapping_up(self, agent: str) -> AgentState:
        state = self._states.get(agent)
        if state is None:
            raise AgentUnknown(agent, self._states)
        if state.activity is not Activity.WRAP_UP:
            raise NothingToWrapUp(state)
        return state

    def _begin(self, state: AgentState) -> None:
        length = self._lengths[state.agent]
        if length and state.duty is not Duty.SIGNED_OUT:
            self._record(WrapUpStarted(at=self._now(), agent=state.agent, length=length))
        else:
            self._record(WrapUpEnded(at=self._now(), agent=state.agent))

    def _set_timer(self, agent: str) -> None:
        if timer := self._timers.pop(agent, None):
            timer.cancel()
        until = self._states[agent].until
        if until is not None:
            seconds = max((until - self._now()).total_seconds(), 0)
            self._timers[agent] = asyncio.get_running_loop().call_later(seconds, self._time_is_up, agent)

    def _time_is_up(self, agent: str) -> None:
        self._timers.pop(agent, None)
        if self._states[agent].activity is Activity.WRAP_UP:
            self._soon(self.end(agent))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring(self, agent: str) -> None:
        try:
            await self._settle(agent)
        except AmiError as problem:  # it is done when the link is up again (`Roster.restore`)
            structlog.get_logger().warning("a wrap-up is not yet known to Asterisk", agent=agent, problem=str(problem))
