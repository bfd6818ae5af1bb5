"""The agents on duty: sign-in, sign-out and pauses, done in Asterisk's queues and written in the event log.

Asterisk keeps members over its own restarts, but not the reasons of their pauses, and a lost volume loses all. The log
keeps what each agent last saw confirmed; `restore` brings the queues back to it whenever the link comes up.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from routing.agents import AgentCannot, AgentState, AgentUnknown, Duty, NotDone, after, reduce
from routing.ami import ActionFailed, AmiError
from routing.events import AgentPaused, AgentRestored, AgentSignedIn, AgentSignedOut, AgentUnpaused, Event
from routing.log import EventLog, NotWritten
from routing.staff import Agent

log = structlog.get_logger()

MISSED_CALLS = "missed-calls"
"""The reason of a pause that the hotline itself gave an agent who did not pick up."""


class Queues(Protocol):
    """Asterisk's queues, by the manager interface (`routing/ami.py`: Link)."""

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        """Ask for one action; raises AmiError."""

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        """Ask for a list; raises AmiError."""


@dataclass(frozen=True, slots=True)
class Membership:
    """An agent's place in one queue as Asterisk has it."""

    queue: str
    penalty: int
    paused: bool
    reason: str


class Roster:
    """Every agent's state, and the steps that change it. A step is done, and written down, when it returns."""

    def __init__(
        self,
        agents: Sequence[Agent],
        *,
        queues: Queues,
        events: EventLog,
        missed_before_pause: int = 2,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._agents = {agent.work_number: agent for agent in agents}
        self._states = {agent.work_number: AgentState(agent=agent.work_number) for agent in agents}
        self._queues, self._log, self._now = queues, events, now
        self._missed_before_pause = missed_before_pause
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pauses: set[asyncio.Task[None]] = set()

    async def remember(self) -> None:
        """Read from the log what each agent last saw confirmed."""
        for number, step in (await self._log.last_agent_steps()).items():
            if number in self._states:
                self._states[number] = reduce(self._states[number], step)

    def states(self) -> list[AgentState]:
        """Return all agents of the site, by work number."""
        return [self._states[number] for number in sorted(self._states)]

    def at_phone(self, phone: str) -> str | None:
        """Return the work number of the agent whose phone this is."""
        return next((agent.work_number for agent in self._agents.values() if agent.phone == phone), None)

    # What agents do

    async def sign_in(self, agent: str) -> None:
        """Offer this agent calls of all the agent's queues from now on."""
        await self._step(agent, "sign in", self._join, AgentSignedIn(at=self._now(), agent=agent))

    async def sign_out(self, agent: str) -> None:
        """Offer this agent no more calls; a talk in progress goes on."""
        await self._step(agent, "sign out", self._leave, AgentSignedOut(at=self._now(), agent=agent))

    async def pause(self, agent: str, reason: str) -> None:
        """Offer this agent no calls until the pause ends; a talk in progress goes on."""

        async def pause(who: Agent) -> None:
            await self._set_pause(who, reason)

        await self._step(agent, "pause", pause, AgentPaused(at=self._now(), agent=agent, reason=reason))

    async def unpause(self, agent: str) -> None:
        """Offer this agent calls again."""

        async def unpause(who: Agent) -> None:
            await self._set_pause(who, None)

        await self._step(agent, "end the pause", unpause, AgentUnpaused(at=self._now(), agent=agent))

    async def _step(self, number: str, step: str, do: Callable[[Agent], Awaitable[None]], fact: Event) -> None:
        agent = self._agents.get(number)
        if agent is None:
            raise AgentUnknown(number, self._agents)
        async with self._one_at_a_time[number]:
            after(self._states[number].duty, step)
            try:
                await do(agent)
            except AmiError as problem:
                await self._undo(agent)
                raise NotDone(step, str(problem)) from problem
            self.record(fact)
            await self._written()

    async def _undo(self, agent: Agent) -> None:
        """Bring the queues back to what the agent knows; what cannot be done now is done when the link is up again."""
        try:
            await self._restore_one(agent, await self._memberships())
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

    def record(self, event: Event) -> None:
        """Write an event down and, when it concerns an agent, draw the conclusion."""
        self._log.record(event)
        self.hear(event)

    def hear(self, event: Event) -> None:
        """Take an event that is written down elsewhere."""
        state = self._states.get(event.agent or "")
        if state is None:
            return
        self._states[state.agent] = state = reduce(state, event)
        if 0 < self._missed_before_pause <= state.missed_in_a_row and state.duty is Duty.READY:
            self._pause_for_missed_calls(state.agent)

    def _pause_for_missed_calls(self, agent: str) -> None:
        """A phone that nobody picks up must not swallow the next caller."""

        async def pause() -> None:
            try:
                await self.pause(agent, MISSED_CALLS)
            except (NotDone, AgentCannot) as problem:
                log.warning("an agent who misses calls is not paused", agent=agent, problem=str(problem))

        task = asyncio.get_running_loop().create_task(pause())
        self._pauses.add(task)
        task.add_done_callback(self._pauses.discard)

    # Asterisk and the log agree

    async def restore(self) -> None:
        """Bring Asterisk's queues back to what each agent last saw confirmed; raises AmiError."""
        memberships = await self._memberships()
        for stranger in memberships.keys() - {agent.interface for agent in self._agents.values()}:
            await self._remove(stranger, [place.queue for place in memberships[stranger]])
        for agent in self._agents.values():
            async with self._one_at_a_time[agent.work_number]:
                if await self._restore_one(agent, memberships):
                    state = self._states[agent.work_number]
                    self.record(
                        AgentRestored(
                            at=self._now(), agent=agent.work_number, state=state.duty.value, reason=state.reason
                        )
                    )

    async def _restore_one(self, agent: Agent, memberships: Mapping[str, Sequence[Membership]]) -> bool:
        """Return whether anything had to be changed."""
        places = memberships.get(agent.interface, ())
        state = self._states[agent.work_number]
        if state.duty is Duty.SIGNED_OUT:
            await self._remove(agent.interface, [place.queue for place in places])
            return bool(places)
        paused, reason = state.duty is Duty.PAUSED, state.reason or ""
        if {(place.queue, place.penalty) for place in places} != set(agent.queues.items()):
            await self._remove(agent.interface, [place.queue for place in places])
            await self._join(agent, paused=paused)
        elif all(place.paused == paused and place.reason == reason for place in places):
            return False
        await self._set_pause(agent, reason if paused else None)
        return True

    async def _memberships(self) -> Mapping[str, Sequence[Membership]]:
        """Return where each phone is a member, by interface."""
        found: defaultdict[str, list[Membership]] = defaultdict(list)
        for row in await self._queues.rows("QueueStatus"):
            if row.get("Event") == "QueueMember":
                place = Membership(row["Queue"], int(row["Penalty"]), row["Paused"] == "1", row.get("PausedReason", ""))
                found[row["Location"]].append(place)
        return found

    async def _join(self, agent: Agent, *, paused: bool = False) -> None:
        for queue, penalty in agent.queues.items():
            try:
                await self._queues.act(
                    "QueueAdd",
                    Queue=queue,
                    Interface=agent.interface,
                    Penalty=str(penalty),
                    MemberName=agent.work_number,
                    Paused=str(paused).lower(),
                )
            except ActionFailed as failed:
                if "Already there" not in str(failed):
                    raise

    async def _leave(self, agent: Agent) -> None:
        await self._remove(agent.interface, list(agent.queues))

    async def _remove(self, interface: str, queues: Sequence[str]) -> None:
        for queue in queues:
            try:
                await self._queues.act("QueueRemove", Queue=queue, Interface=interface)
            except ActionFailed as failed:
                if "Not there" not in str(failed):
                    raise

    async def _set_pause(self, agent: Agent, reason: str | None) -> None:
        await self._queues.act(
            "QueuePause", Interface=agent.interface, Paused=str(reason is not None).lower(), Reason=reason or ""
        )
