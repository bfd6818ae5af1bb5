"""The agents on duty: sign-in, sign-out and pauses, done in Asterisk's queues and written in the event log.

Asterisk keeps members over its own restarts, but not the reasons of their pauses, and a lost volume loses all. The log
keeps what each agent last saw confirmed; `restore` brings the queues back to it whenever the link comes up.

Every step goes the same way: what the queues have (`Place`) is compared with what they should have, and the
differences are asked of Asterisk (`needed`). So a step, undoing half a step and restoring are one thing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple, Protocol

import structlog

from routing.agents import Activity, AgentState, AgentUnknown, ByCall, Duty, NotDone, after, reduce
from routing.ami import ActionFailed, AmiError
from routing.events import (
    AgentOffered,
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentStep,
    AgentUnpaused,
    DriftFound,
    Event,
    OfferMissed,
)
from routing.log import EventLog, NotWritten
from routing.staff import Agent

log = structlog.get_logger()

MISSED_CALLS: Final = "missed-calls"
"""The reason of a pause that the hotline itself gave an agent who did not pick up."""

HELD_BACK: Final = 1000
"""Added to the penalty of an agent who wraps up. The dialplan rings nobody beyond 999 (QUEUE_MAX_PENALTY); yet, unlike
a pause, it leaves somebody in the queue: callers wait for the agent, instead of being sent away."""

ANSWER_WITHIN: Final = 3.0
"""Seconds that Asterisk may take for one change of a queue; it takes a millisecond."""

SO_ALREADY: Final = ("Already there", "Not there")
"""How Asterisk refuses what is so already: somebody at its console was quicker."""


class Queues(Protocol):
    """Asterisk's queues, by the manager interface (`routing/ami.py`: Link)."""

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        """Ask for one action; raises AmiError."""

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        """Ask for a list; raises AmiError."""


@dataclass(frozen=True, slots=True)
class Place:
    """An agent's place in one queue as Asterisk has it; `reason` is empty unless paused."""

    penalty: int
    paused: bool
    reason: str


Places = Mapping[str, Place]
"""An agent's places, by queue."""


class Action(NamedTuple):
    """Something to ask of Asterisk."""

    name: str
    fields: Mapping[str, str]


class Roster:
    """Every agent's state, and the steps that change it. A step is done, and written down, when it returns.

    A step raises AgentUnknown and AgentCannot before anything is asked of Asterisk, and NotDone when Asterisk did not
    do it: what was half done is then undone, now or as soon as the link is up again.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        *,
        queues: Queues,
        events: EventLog,
        missed_before_pause: int = 2,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`events` gives `take` every fact, the roster's own too (`routing/stream.py`).

        `missed_before_pause` offers in a row that an agent does not take end in a pause; 0 never does.
        """
        self._agents = {agent.work_number: agent for agent in agents}
        self._states = {agent.work_number: AgentState(agent=agent.work_number) for agent in agents}
        self._by_call = ByCall()
        self._queues, self._log, self._now = queues, events, now
        self._missed_before_pause = missed_before_pause
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pauses: set[asyncio.Task[None]] = set()

    async def remember(self) -> None:
        """Read from the log what each agent last saw confirmed."""
        for number, step in (await self._log.last_agent_steps()).items():
            if number in self._states:
                self._now_is(reduce(self._states[number], step))

    def recall(self, facts: Iterable[Event]) -> None:
        """Take up from the log, oldest first, who talks. An offer is not taken up: it is over by now."""
        for fact in facts:
            if not isinstance(fact, AgentOffered | OfferMissed):
                for state in self._concerned(fact):
                    self._now_is(reduce(state, fact))

    def states(self) -> list[AgentState]:
        """Return all agents of the site, by work number."""
        return [self._states[number] for number in sorted(self._states)]

    def at_phone(self, phone: str) -> str | None:
        """Return the work number of the agent whose phone this is."""
        return next((agent.work_number for agent in self._agents.values() if agent.phone == phone), None)

    # What agents do

    async def sign_in(self, agent: str) -> None:
        """Offer this agent calls of all the agent's queues from now on."""
        await self._step(agent, "sign in", AgentSignedIn)

    async def sign_out(self, agent: str, *, by: str | None = None) -> None:
        """Offer this agent no more calls; a talk in progress goes on. `by` is a user who makes the agent do it."""
        await self._step(agent, "sign out", partial(AgentSignedOut, by=by))

    async def pause(self, agent: str, reason: str, *, by: str | None = None) -> None:
        """Offer this agent no calls until the pause ends; a talk in progress goes on."""
        await self._step(agent, "pause", partial(AgentPaused, reason=reason, by=by))

    async def unpause(self, agent: str, *, by: str | None = None) -> None:
        """Offer this agent calls again."""
        await self._step(agent, "end the pause", partial(AgentUnpaused, by=by))

    async def _step(self, number: str, step: str, fact: Callable[..., AgentStep]) -> None:
        agent = self._agents.get(number)
        if agent is None:
            raise AgentUnknown(number, self._agents)
        async with self._one_at_a_time[number]:
            await self._take(agent, step, fact)

    async def _take(self, agent: Agent, step: str, fact: Callable[..., AgentStep]) -> None:
        """Take one step, alone: in Asterisk, then on paper."""
        state = self._states[agent.work_number]
        after(state.duty, step)
        done = fact(at=self._now(), agent=agent.work_number)
        try:
            await self._bring(agent, reduce(state, done))
        except AmiError as problem:
            await self._undo(agent)
            raise NotDone(step, str(problem)) from problem
        self._log.record(done)
        await self._written()

    async def _undo(self, agent: Agent) -> None:
        """Bring the queues back to what the agent knows; what cannot be done now is done when the link is up again."""
        try:
            await self._bring(agent, self._states[agent.work_number])
        except AmiError as problem:
            log.warning(
                "an agent's half-done step is still to be undone", agent=agent.work_number, problem=str(problem)
            )

    async def _written(self) -> None:
        """The step is done in Asterisk; a disk that is full must not make the agent do it twice."""
        try:
            await self._log.flushed()
        except NotWritten as problem:
            log.error("an agent's step is not on disk yet", problem=str(problem))

    # What happens to agents

    def take(self, event: Event) -> None:
        """Draw the conclusions of a fact for the agents it concerns."""
        for state in self._concerned(event):
            self._now_is(now := reduce(state, event))
            missed_too_many = 0 < self._missed_before_pause <= now.missed_in_a_row
            if missed_too_many and now.duty is Duty.READY:
                self._soon_pause(self._agents[now.agent])

    def _concerned(self, event: Event) -> list[AgentState]:
        """The agent of this event; of an event that names none, whoever has its call."""
        return [self._states[number] for number in self._by_call.concerned(event) if number in self._states]

    def _now_is(self, state: AgentState) -> None:
        self._by_call.changed(self._states[state.agent], state)
        self._states[state.agent] = state

    def _soon_pause(self, agent: Agent) -> None:
        """Pause an agent who does not pick up, beside everything else: the phone must not swallow the next caller."""
        task = asyncio.get_running_loop().create_task(self._pause_for_missed_calls(agent))
        self._pauses.add(task)
        task.add_done_callback(self._pauses.discard)

    async def _pause_for_missed_calls(self, agent: Agent) -> None:
        async with self._one_at_a_time[agent.work_number]:
            if self._states[agent.work_number].duty is not Duty.READY:
                return  # the agent was quicker: that step stands
            try:
                await self._take(agent, "pause", partial(AgentPaused, reason=MISSED_CALLS))
            except NotDone as problem:
                log.warning("an agent who misses calls is not paused", agent=agent.work_number, problem=str(problem))

    # Asterisk and the log agree

    async def settle(self, number: str) -> None:
        """Bring Asterisk's queues to what this agent's state says now; raises AmiError."""
        async with self._one_at_a_time[number]:
            await self._bring(self._agents[number], self._states[number])

    async def restore(self, *, after_gap: bool = True) -> None:
        """Bring Asterisk's queues back to what each agent last saw confirmed; raises AmiError."""
        found = await self._places()
        for stranger in found.keys() - {agent.interface for agent in self._agents.values()}:
            for queue in found[stranger]:
                await self._ask(_remove(queue, stranger))
        for agent in self._agents.values():
            async with self._one_at_a_time[agent.work_number]:
                state = self._states[agent.work_number]
                differs = any(needed(agent, state, found.get(agent.interface, {})))
                if differs and await self._bring(agent, state):
                    self._log.record(DriftFound(at=self._now(), agent=state.agent, kind="member", after_gap=after_gap))
                    self._log.record(
                        AgentRestored(at=self._now(), agent=state.agent, state=state.duty.value, reason=state.reason)
                    )

    async def _bring(self, agent: Agent, state: AgentState) -> bool:
        """Make the queues what this state says; return whether there was anything to do. Raises AmiError."""
        found = await self._places(of=agent.interface)
        actions = list(needed(agent, state, found.get(agent.interface, {})))
        for action in actions:
            await self._ask(action)
        return bool(actions)

    async def _ask(self, action: Action) -> None:
        try:
            await self._queues.act(action.name, within=ANSWER_WITHIN, **action.fields)
        except ActionFailed as failed:
            if not any(answer in failed.answer for answer in SO_ALREADY):
                raise

    async def _places(self, *, of: str = "") -> Mapping[str, Places]:
        """Return where each phone (or this one only) is a member, by interface."""
        found: defaultdict[str, dict[str, Place]] = defaultdict(dict)
        for row in await self._queues.rows("QueueStatus", Member=of):
            if row.get("Event") == "QueueMember":
                paused = row["Paused"] == "1"
                reason = row.get("PausedReason", "") if paused else ""
                found[row["Location"]][row["Queue"]] = Place(int(row["Penalty"]), paused, reason)
        return found


def needed(agent: Agent, state: AgentState, places: Places) -> Iterator[Action]:
    """Yield what takes Asterisk from these places to what the state says; nothing when all is as it should be.

    A place that is right is left alone: a member who was taken out and put back would be gone for a moment, and callers
    who wait where nobody else answers would be sent away.
    """
    wanted = {} if state.duty is Duty.SIGNED_OUT else agent.queues
    paused, reason = state.duty is Duty.PAUSED, state.reason or ""
    held_back = HELD_BACK if state.activity is Activity.WRAP_UP else 0
    for queue in places.keys() - wanted.keys():
        yield _remove(queue, agent.interface)
    for queue, usual in wanted.items():
        penalty = usual + held_back
        place = places.get(queue)
        here = {"Queue": queue, "Interface": agent.interface}
        if place is None:
            pause = {"Paused": str(paused).lower(), "Reason": reason}
            yield Action("QueueAdd", here | {"Penalty": str(penalty), "MemberName": agent.work_number} | pause)
            continue
        if place.penalty != penalty:
            yield Action("QueuePenalty", here | {"Penalty": str(penalty)})
        if (place.paused, place.reason) != (paused, reason):
            yield Action("QueuePause", here | {"Paused": str(paused).lower(), "Reason": reason})


def _remove(queue: str, interface: str) -> Action:
    return Action("QueueRemove", {"Queue": queue, "Interface": interface})
