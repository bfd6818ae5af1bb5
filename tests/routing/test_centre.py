"""A made-up centre in which anything happens in any order: the board must show what is so, at every moment.

`Centre` is a model of a telephone exchange with people, as simple as it can be. It tells what happens as Asterisk and
the flows do, and can be asked as Asterisk can. Now and then the link is down, and nothing is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routing.agents import Activity
from routing.events import (
    AgentPaused,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    CallAnswered,
    CallRang,
    CallRouted,
    DriftFound,
    Event,
    WrapUpEnded,
)
from routing.live import Live
from routing.log import MemoryLog
from routing.phones import Phones
from routing.staff import Agent, Queue
from routing.stream import Stream
from routing.tally import Tally
from routing.truth import Truth
from routing.watch import Watch
from tests.routing.facts import at
from tests.routing.test_tally import SHANGHAI

QUEUES = {name: Queue(name=name, transfer_code=code) for name, code in (("repair", "702"), ("consult", "701"))}
AGENTS = {
    number: Agent(work_number=number, name=number, phone=f"phone-{number}", queues=dict.fromkeys(queues, 0))
    for number, queues in (("1024", ["repair", "consult"]), ("1025", ["repair"]), ("1026", ["consult"]))
}
Row = Mapping[str, str]


@dataclass
class Line:
    """A caller's line."""

    call: str
    place: str = "menu"
    queue: str | None = None
    priority: int = 0
    agent: str | None = None


@dataclass
class Person:
    """An agent."""

    duty: str = "signed-out"
    phone_is_there: bool = True
    rings_for: str | None = None
    serves: str | None = None


@dataclass
class Centre:
    """The exchange and the people in it."""

    calls: dict[str, Line] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in QUEUES})
    agents: dict[str, Person] = field(default_factory=lambda: {number: Person() for number in AGENTS})

    def join(self, call: str, *, first: bool = False) -> int:
        """Put a caller in line, as Asterisk does; return the place, from 1."""
        line = self.calls[call]
        assert line.queue is not None
        waiting = self.lines[line.queue]
        ahead = [other for other in waiting if self.calls[other].priority > line.priority]
        same = [other for other in waiting if self.calls[other].priority == line.priority]
        place = len(ahead) + (0 if first else len(same))
        waiting.insert(place, call)
        line.place = "queue"
        return place + 1

    def leave(self, call: str) -> None:
        """Take a caller out of line, and stop the phones that ring for the call."""
        for waiting in self.lines.values():
            if call in waiting:
                waiting.remove(call)
        for person in self.agents.values():
            if person.rings_for == call:
                person.rings_for = None

    def end(self, call: str) -> None:
        """The line is down."""
        self.leave(call)
        for person in self.agents.values():
            if person.serves == call:
                person.serves = None
        del self.calls[call]

    def shown(self) -> dict[str, Any]:
        """What a true board shows."""
        return {
            "calls": {
                call: (line.place, line.agent if line.place in ("greeting", "talk", "hold") else None)
                for call, line in self.calls.items()
            },
            "waiting": self.lines,
            "agents": {number: self._doing(person) for number, person in self.agents.items()},
        }

    @staticmethod
    def _doing(person: Person) -> str:
        if person.serves is not None:
            return "talking"
        if person.rings_for is not None:
            return "ringing"
        return "no-phone" if person.duty == "ready" and not person.phone_is_there else person.duty


class Asked:
    """The exchange, asked as Asterisk is."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self.truth: Truth | None = None

    async def rows(self, action: str, /, **_: Any) -> list[Row]:
        centre = self._centre
        if action == "CoreShowChannels":
            ringing = [
                _ringing(number, person.rings_for) for number, person in centre.agents.items() if person.rings_for
            ]
            return [row for line in centre.calls.values() for row in _channels(line)] + ringing
        if action == "QueueStatus":
            return [
                {"Event": "QueueEntry", "Uniqueid": call, "Queue": queue, "Position": str(place), "Wait": "0"}
                for queue, waiting in centre.lines.items()
                for place, call in enumerate(waiting, 1)
            ]
        return [
            {"Device": AGENTS[number].interface, "State": _device(person)} for number, person in centre.agents.items()
        ]

    async def act(self, _: str, /, **fields: Any) -> Row:
        assert self.truth is not None
        asyncio.get_running_loop().call_soon(self.truth.hear, {"Event": "UserEvent", **fields})
        return {}


def _channels(line: Line) -> list[Row]:
    talks = line.place in ("talk", "hold")
    context = {"message": "message", "greeting": "queue", "queue": "queue"}.get(line.place, "front-door")
    own = _of_line(line.call) | {
        "BridgeId": f"bridge-{line.call}" if talks else "",
        "ConnectedLineNum": line.agent or "",
        "Context": context,
        "ChannelStateDesc": "Up",
    }
    return [own, {**own, "Uniqueid": f"{line.call}.agent", "Channel": "PJSIP/phone-1"}] if talks else [own]


def _ringing(agent: str, call: str) -> Row:
    """The line of a phone that rings for a call."""
    nobodys = {"BridgeId": "", "ConnectedLineNum": "", "Context": "queue", "ChannelStateDesc": "Ringing"}
    return _of_line(call) | nobodys | {"Uniqueid": f"{call}.ring", "Channel": f"{AGENTS[agent].interface}-0001"}


def _device(person: Person) -> str:
    if not person.phone_is_there:
        return "UNAVAILABLE"
    return "INUSE" if person.serves else "RINGING" if person.rings_for else "NOT_INUSE"


def _of_line(call: str) -> dict[str, str]:
    return {"Uniqueid": call, "Linkedid": call, "Channel": f"PJSIP/carrier-pretend-{call}", "CallerIDNum": ""}


A_CHOICE = st.integers(0, 99)


class AnyDay(RuleBasedStateMachine):
    """Whatever people do."""

    def __init__(self) -> None:
        super().__init__()
        self.centre, self.numbers, self.link_is_up = Centre(), 0, True
        self.drift: list[DriftFound] = []
        self.stream = Stream(MemoryLog())
        self.live, self.tally = Live(list(QUEUES.values()), list(AGENTS.values())), Tally(QUEUES, SHANGHAI)
        self.watch = Watch(self.stream.record, ended=lambda _: None, now=self.now)
        self.phones = Phones(list(AGENTS.values()), known=self.live.phones, record=self.stream.record, now=self.now)
        asked = Asked(self.centre)
        self.truth = asked.truth = Truth(
            asked,
            live=self.live,
            watch=self.watch,
            record=self.stream.record,
            agents=list(AGENTS.values()),
            others=self._nothing_else,
            now=self.now,
        )
        for taker in (self.live.take, self.tally.take, self.truth.take, self._take):
            self.stream.taken_by(taker)
        asyncio.run(self._catch_up())

    @staticmethod
    def now() -> Any:
        return at(0)

    @staticmethod
    async def _nothing_else() -> None:
        return

    async def _catch_up(self) -> None:
        await self.truth.catch_up()

    def _take(self, event: Event) -> None:
        """Nobody needs time to wrap up here."""
        if isinstance(event, DriftFound):
            self.drift.append(event)
        for number, state in self.live.states.items():
            if state.activity is Activity.WRAP_UP and state.until is None:
                self.stream.record(WrapUpEnded(at=at(0), agent=number))

    def tell(self, name: str, call: str, **fields: str) -> None:
        """Asterisk tells an event, if the link is up."""
        if self.link_is_up:
            self.watch.hear({"Event": name, **_of_line(call), "Timestamp": "0", **fields})

    def note(self, fact: Event) -> None:
        """A flow tells a fact: it has a way of its own."""
        self.stream.record(fact)
        self.watch.note(fact)

    def some(self, nth: int, *places: str) -> Line | None:
        """One of the callers who are at one of these places."""
        there = [line for line in self.centre.calls.values() if line.place in places]
        return there[nth % len(there)] if there else None

    # Callers

    @rule()
    def somebody_calls(self) -> None:
        if len(self.centre.calls) < 6:
            self.numbers += 1
            call = f"pbx-1.{self.numbers}"
            self.centre.calls[call] = Line(call)
            self.note(CallRang(at=at(0), call=call, caller=None, dialled="1"))
            self.note(CallAnswered(at=at(0), call=call))

    @rule(nth=A_CHOICE, queue=st.sampled_from(sorted(QUEUES)), priority=st.sampled_from([0, 0, 100]))
    def chooses(self, nth: int, queue: str, priority: int) -> None:
        if (line := self.some(nth, "menu")) is not None:
            line.queue, line.priority = queue, priority
            self.note(CallRouted(at=at(0), call=line.call, to=queue, priority=priority))
            position = self.centre.join(line.call)
            self.tell("QueueCallerJoin", line.call, Queue=queue, Position=str(position), Exten="s")

    @rule(nth=A_CHOICE)
    def waits_for_too_long(self, nth: int) -> None:
        if (line := self.some(nth, "queue")) is not None and not self._rung(line.call):
            self.centre.leave(line.call)
            line.place = "message"
            self.note(CallRouted(at=at(0), call=line.call, to="message", priority=0, why="timeout"))

    @rule(nth=A_CHOICE)
    def hangs_up(self, nth: int) -> None:
        if (line := self.some(nth, "menu", "queue", "greeting", "talk", "hold", "message")) is not None:
            self.tell("HangupRequest", line.call)
            self.centre.end(line.call)
            self.tell("Hangup", line.call, **{"Cause-txt": "Normal Clearing"})

    # Agents

    @rule(nth=A_CHOICE)
    def a_phone_rings(self, nth: int) -> None:
        line = self.some(nth, "queue")
        if line is None or self._rung(line.call) or line.queue is None:
            return
        free = [
            number
            for number, person in self.centre.agents.items()
            if line.queue in AGENTS[number].queues
            and person.duty == "ready"
            and person.phone_is_there
            and not (person.serves or person.rings_for)
        ]
        if free:
            self.centre.agents[free[0]].rings_for = line.call
            self.tell("AgentCalled", line.call, MemberName=free[0], Queue=line.queue)

    @rule(picks_up=st.booleans())
    def a_phone_rings_no_more(self, picks_up: bool) -> None:
        for number, person in self.centre.agents.items():
            if person.rings_for is None:
                continue
            line = self.centre.calls[person.rings_for]
            assert line.queue is not None
            if picks_up:
                self.centre.leave(line.call)
                line.place, line.agent, person.serves = "greeting", number, line.call
                self.watch.agent_answered(line.call, number)
            else:
                person.rings_for = None
                self.tell("AgentRingNoAnswer", line.call, MemberName=number, Queue=line.queue)
            return

    @rule(nth=A_CHOICE, stays=st.booleans())
    def the_greeting_ends(self, nth: int, stays: bool) -> None:
        line = self.some(nth, "greeting")
        if line is None or line.agent is None or line.queue is None:
            return
        if stays:
            line.place = "talk"
            self.tell("BridgeEnter", line.call, BridgeNumChannels="2", ConnectedLineNum=line.agent)
        else:
            self.centre.agents[line.agent].serves = None
            position = self.centre.join(line.call, first=True)
            self.tell("QueueCallerJoin", line.call, Queue=line.queue, Position=str(position), Exten="first")

    @rule(nth=A_CHOICE)
    def holds_or_resumes(self, nth: int) -> None:
        if (line := self.some(nth, "talk", "hold")) is not None and line.agent is not None and self.link_is_up:
            holds = line.place == "talk"
            line.place = "hold" if holds else "talk"
            own = {"Uniqueid": f"{line.call}.agent", "Channel": "PJSIP/phone-1", "CallerIDNum": line.agent}
            self.tell("Hold" if holds else "Unhold", line.call, **own)

    @rule(nth=A_CHOICE)
    def an_agent_hangs_up(self, nth: int) -> None:
        if (line := self.some(nth, "talk", "hold")) is not None and line.agent is not None:
            own = {"Uniqueid": f"{line.call}.agent", "Channel": "PJSIP/phone-1", "CallerIDNum": line.agent}
            self.tell("HangupRequest", line.call, **own)
            self.centre.end(line.call)
            self.tell("Hangup", line.call, **{"Cause-txt": "Normal Clearing"})

    @rule(agent=st.sampled_from(sorted(AGENTS)), step=st.sampled_from(["sign in", "sign out", "pause", "unpause"]))
    def an_agent_steps(self, agent: str, step: str) -> None:
        person = self.centre.agents[agent]
        if step == "sign in" and person.duty != "paused":
            person.duty = "ready"
            self.stream.record(AgentSignedIn(at=at(0), agent=agent))
        elif step == "sign out" and person.duty != "signed-out":
            person.duty = "signed-out"
            self.stream.record(AgentSignedOut(at=at(0), agent=agent))
        elif step == "pause" and person.duty == "ready":
            person.duty = "paused"
            self.stream.record(AgentPaused(at=at(0), agent=agent, reason="meal"))
        elif step == "unpause" and person.duty == "paused":
            person.duty = "ready"
            self.stream.record(AgentUnpaused(at=at(0), agent=agent))

    @rule(agent=st.sampled_from(sorted(AGENTS)))
    def a_phone_goes_or_comes(self, agent: str) -> None:
        person = self.centre.agents[agent]
        if person.serves or person.rings_for:
            return
        person.phone_is_there = not person.phone_is_there
        if not self.link_is_up:
            return
        phone = AGENTS[agent].phone
        if person.phone_is_there:
            self.phones.hear({"Event": "ContactStatus", "EndpointName": phone, "ContactStatus": "Reachable"})
        else:
            self.phones.hear({"Event": "DeviceStateChange", "Device": f"PJSIP/{phone}", "State": "UNAVAILABLE"})

    # The link

    @precondition(lambda self: self.link_is_up)
    @rule()
    def the_link_is_cut(self) -> None:
        self.link_is_up = False
        self.truth.lost("cut")

    @precondition(lambda self: not self.link_is_up)
    @rule()
    def the_link_is_back(self) -> None:
        self.link_is_up = True
        asyncio.run(self._catch_up())

    @precondition(lambda self: self.link_is_up)
    @rule()
    def it_is_compared(self) -> None:
        assert asyncio.run(self.truth.check()) == []

    # What must be so

    @invariant()
    def the_board_shows_what_is_so(self) -> None:
        if not self.link_is_up:
            assert self.truth.stale_since is not None
            return
        assert self._shown() == self.centre.shown()
        assert all(each.after_gap for each in self.drift), "without a gap nothing needs to be put right"

    @invariant()
    def the_counts_add_up(self) -> None:
        for counts in self.tally.queues.values():
            assert counts.offered == counts.answered + counts.abandoned + counts.flowed_out + counts.waiting
        if self.link_is_up:
            assert sum(c.waiting for c in self.tally.queues.values()) == sum(map(len, self.centre.lines.values()))

    def teardown(self) -> None:
        """Everybody goes home: nobody is left on the board."""
        self.link_is_up = True
        asyncio.run(self._catch_up())
        for call in list(self.centre.calls):
            self.tell("HangupRequest", call)
            self.centre.end(call)
            self.tell("Hangup", call, **{"Cause-txt": "Normal Clearing"})
        assert self.live.calls == {}
        assert {state.call for state in self.live.states.values()} == {None}
        assert sum(counts.waiting for counts in self.tally.queues.values()) == 0

    def _rung(self, call: str) -> bool:
        return any(person.rings_for == call for person in self.centre.agents.values())

    def _shown(self) -> dict[str, Any]:
        live = self.live
        return {
            "calls": {
                call: (each.state, each.progress.agent if each.state in ("greeting", "talk", "hold") else None)
                for call, each in live.calls.items()
            },
            "waiting": live.waiting,
            "agents": {number: live.state_of(number) for number in live.states},
        }


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
