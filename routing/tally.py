"""Counts what happens, from the events alone: the same events give the same figures, today and in a year.

A caller who begins to wait opens a visit to that queue. It is waiting until it gets one outcome: answered, abandoned
or flowed out; an answered caller who is put back waits again, in the same visit. All of a visit is counted in the hour
in which it began, so that an hour's numbers add up. An agent's time is counted in the hours in which it is spent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from routing.agents import Activity, AgentState, ByCall, Duty, reduce
from routing.events import (
    AgentAnswered,
    AgentOffered,
    CallAbandoned,
    CallEnded,
    CallQueued,
    CallRequeued,
    CallRouted,
    Event,
    GreetingEnded,
    HoldEnded,
    HoldStarted,
    HotlineStarted,
    OfferMissed,
    PhoneBack,
    PhoneLost,
    TalkEnded,
    TalkStarted,
)
from routing.figures import AgentCounts, QueueCounts
from routing.staff import Queue

Outcome = Literal["waiting", "answered", "abandoned", "flowed-out"]
REFUSALS: Final = ("full", "joinempty")
"""Asterisk's words for a queue that does not let a caller in."""
NOT_QUEUES: Final = ("message", "hangup", "callback")
HOUR: Final = timedelta(hours=1)


class Hour(NamedTuple):
    """Of which queue or agent, and when the hour began."""

    of: str
    begins: datetime


@dataclass(slots=True)
class Visit:
    """One caller's stay with one queue, as far as it has come."""

    queue: str
    began: datetime
    outcome: Outcome = "waiting"
    waited: timedelta = timedelta(0)
    connected: bool = False
    callback: bool = False
    refused: bool = False


class Tally:
    """Counts per queue and hour, and per agent and hour."""

    def __init__(self, queues: Mapping[str, Queue], zone: tzinfo, *, since: datetime | None = None) -> None:
        """What began before `since` is followed but not counted. `zone` says when an hour begins."""
        self._queues, self._zone, self._since = queues, zone, since
        self.queues: defaultdict[Hour, QueueCounts] = defaultdict(QueueCounts)
        self.agents: defaultdict[Hour, AgentCounts] = defaultdict(AgentCounts)
        self._visits: dict[str, Visit] = {}
        """Each live call's latest visit."""
        self._asked_for: dict[str, tuple[str, datetime]] = {}
        """The queue to which a call was sent, until it is there."""
        self._states: dict[str, AgentState] = {}
        self._by_call = ByCall()
        self._gone: set[str] = set()
        """Agents whose phones cannot be reached."""
        self._counted_to: dict[str, datetime] = {}
        self._held_since: dict[str, datetime] = {}
        """By call: since when the caller is on hold."""

    def take(self, event: Event) -> None:
        """Take the next event."""
        self._agents_take(event)
        if event.call is None:
            return
        match event:
            case CallRouted():
                self._routed(event)
            case CallQueued():
                self._queued(event)
            case AgentAnswered():
                self._answered(event)
            case GreetingEnded(whole=True) | TalkStarted():
                self._connected(event.call)
            case CallRequeued():
                self._decide(event.call, "waiting", timedelta(0))
            case CallAbandoned():
                self._abandoned(event)
            case CallEnded():
                self._ended(event)

    def begin_at(self, since: datetime) -> None:
        """Count from this moment on, and forget what was counted of hours before."""
        self._since = since
        for hour in [hour for hour in self.queues if hour.begins < since]:
            del self.queues[hour]
        for hour in [hour for hour in self.agents if hour.begins < since]:
            del self.agents[hour]

    def waiting(self) -> Iterator[Visit]:
        """Who waits now."""
        return (visit for visit in self._visits.values() if visit.outcome == "waiting")

    # Callers

    def _routed(self, event: CallRouted) -> None:
        if event.to not in NOT_QUEUES:
            self._asked_for[event.call] = (event.to, event.at)
            return
        asked_for = self._asked_for.pop(event.call, None)
        if asked_for is not None and event.why in REFUSALS:
            self._open(event.call, Visit(asked_for[0], asked_for[1], refused=True), at=event.at)
        visit = self._visits.get(event.call)
        if visit is not None and visit.outcome == "waiting":
            self._count(event.call, replace(visit, callback=event.to == "callback"))
            self._decide(event.call, "flowed-out", event.at - visit.began)

    def _queued(self, event: CallQueued) -> None:
        self._asked_for.pop(event.call, None)
        visit = self._visits.get(event.call)
        if visit is not None and visit.outcome == "waiting" and visit.queue == event.queue:
            return  # put back, or told twice
        self._open(event.call, Visit(event.queue, event.at), at=event.at)

    def _answered(self, event: AgentAnswered) -> None:
        if event.call not in self._visits:
            self._open(event.call, Visit(event.queue, event.at - event.waited), at=event.at)
        if self._visits[event.call].outcome == "waiting":
            self._decide(event.call, "answered", event.waited)

    def _connected(self, call: str) -> None:
        visit = self._visits.get(call)
        if visit is not None and visit.outcome == "waiting":
            # Nobody saw who picked up, or when; that they talk is certain.
            self._decide(call, "answered", visit.waited)
            visit = self._visits[call]
        if visit is not None and visit.outcome == "answered" and not visit.connected:
            self._count(call, replace(visit, connected=True))

    def _abandoned(self, event: CallAbandoned) -> None:
        visit = self._visits.get(event.call)
        if visit is None or event.where not in ("queue", "greeting"):
            return
        if visit.outcome == "waiting" or (visit.outcome == "answered" and not visit.connected):
            self._decide(event.call, "abandoned", event.waited)

    def _ended(self, event: CallEnded) -> None:
        self._asked_for.pop(event.call, None)
        visit = self._visits.get(event.call)
        if visit is not None and visit.outcome == "waiting":
            self._decide(event.call, "flowed-out", event.at - visit.began)
        self._visits.pop(event.call, None)

    def _open(self, call: str, visit: Visit, *, at: datetime) -> None:
        """Begin a visit; whoever still waits in another queue waits there no more."""
        before = self._visits.get(call)
        if before is not None and before.outcome == "waiting":
            self._decide(call, "flowed-out", at - before.began)
        self._visits[call] = visit
        self._add(visit, +1)

    def _decide(self, call: str, outcome: Outcome, waited: timedelta) -> None:
        """Give a visit its outcome, or take it back; a call without a visit has nothing to decide."""
        visit = self._visits.get(call)
        if visit is None or (outcome == "waiting" and visit.outcome != "answered"):
            return
        after = replace(visit, outcome=outcome, waited=_to_the_millisecond(waited))
        self._count(call, after if outcome == "answered" else replace(after, connected=False))

    def _count(self, call: str, after: Visit) -> None:
        """Count a call's visit otherwise than before."""
        self._add(self._visits[call], -1)
        self._visits[call] = after
        self._add(after, +1)

    def _add(self, visit: Visit, by: int) -> None:
        """Count a visit, or take it off again; the longest wait stays, for it was waited."""
        if self._since is not None and visit.began < self._since:
            return
        counts = self.queues[Hour(visit.queue, self.hour(visit.began))]
        queue = self._queues.get(visit.queue)
        in_time = queue is not None and visit.waited <= queue.answer_within
        counts.offered += by
        counts.longest_wait = max(counts.longest_wait, visit.waited)
        match visit.outcome:
            case "waiting":
                counts.waiting += by
            case "answered":
                counts.answered += by
                counts.answered_in_time += by * in_time
                counts.connected += by * visit.connected
                counts.waited_answered += by * visit.waited
            case "abandoned":
                counts.abandoned += by
                counts.abandoned_in_time += by * in_time
                counts.abandoned_short += by * (queue is not None and visit.waited <= queue.short_abandon)
            case "flowed-out":
                counts.flowed_out += by
                counts.refused += by * visit.refused
                counts.callback += by * visit.callback

    # Agents

    def _agents_take(self, event: Event) -> None:
        if isinstance(event, HotlineStarted):
            self._nobody_was_watched(event.at)
        for agent in self._by_call.concerned(event):
            self._agent_takes(agent, event)

    def _agent_takes(self, agent: str, event: Event) -> None:
        self._spend(agent, event.at)
        before = self._states.get(agent)
        self._states[agent] = after = reduce(before or _first_seen(agent, event), event)
        self._by_call.changed(before, after)
        counts = self._agent_counts(agent, event.at)
        match event:
            case PhoneLost():
                self._gone.add(agent)
            case PhoneBack():
                self._gone.discard(agent)
            case AgentOffered():
                counts.offered += 1
            case OfferMissed():
                counts.missed += 1
            case TalkStarted():
                counts.talks += 1
            case HoldStarted():
                self._held_since[event.call] = event.at
            case HoldEnded() | TalkEnded():
                if (since := self._held_since.pop(event.call, None)) is not None:
                    counts.holding += max(event.at - since, timedelta(0))
            case _:
                pass

    def spend_to(self, now: datetime) -> None:
        """Count agents' time up to this moment."""
        for agent in self._states:
            self._spend(agent, now)

    def _spend(self, agent: str, to: datetime) -> None:
        """Count this agent's time since it was counted last, each hour its share."""
        since = self._counted_to.get(agent, to)
        self._counted_to[agent] = max(since, to)
        state = self._states.get(agent)
        if state is None:
            return
        while since < to:
            end = min(self.hour(since) + HOUR, to)
            if self._since is not None and since < self._since:
                end = min(end, self._since)
            self._spent(self._agent_counts(agent, since), agent, state, end - since)
            since = end

    def _spent(self, counts: AgentCounts, agent: str, state: AgentState, time: timedelta) -> None:
        if state.activity is Activity.TALKING:
            counts.talking += time
        elif state.activity is Activity.WRAP_UP:
            counts.wrapping_up += time
        elif state.duty is Duty.PAUSED:
            counts.paused += time
        elif state.duty is Duty.READY and agent in self._gone:
            counts.unreachable += time
        elif state.duty is Duty.READY:
            counts.ready += time

    def _nobody_was_watched(self, at: datetime) -> None:
        """We were not there: who talked then is not known to have talked until now."""
        for agent, state in self._states.items():
            if state.activity is not Activity.IDLE:
                self._spend(agent, at)
                self._states[agent] = after = replace(state, activity=Activity.IDLE, call=None, activity_since=at)
                self._by_call.changed(state, after)

    def _agent_counts(self, agent: str, at: datetime) -> AgentCounts:
        if self._since is not None and at < self._since:
            return AgentCounts()  # counted into nothing
        return self.agents[Hour(agent, self.hour(at))]

    def hour(self, at: datetime) -> datetime:
        """When the hour of this moment began."""
        local = at.astimezone(self._zone)
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def _first_seen(agent: str, event: Event) -> AgentState:
    """An agent of whom nothing was known: who is offered a call signed in before we looked."""
    signed_in = isinstance(event, AgentOffered | AgentAnswered | TalkStarted)
    return AgentState(agent=agent, duty=Duty.READY if signed_in else Duty.SIGNED_OUT)


def _to_the_millisecond(wait: timedelta) -> timedelta:
    """As the log keeps it, so that what is counted now and from the log is the same; never less than nothing."""
    return max(timedelta(milliseconds=round(wait / timedelta(milliseconds=1))), timedelta(0))
