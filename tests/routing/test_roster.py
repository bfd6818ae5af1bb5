"""The roster, with a stand-in for Asterisk's queues: what is asked of them, what is written, what agents rely on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from structlog.testing import capture_logs

from routing.agents import Activity, AgentCannot, AgentState, AgentUnknown, Duty, NotDone
from routing.ami import ActionFailed, AmiError, LinkDown, NoAnswer
from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentStep,
    AgentUnpaused,
    CallEnded,
    Event,
    OfferMissed,
)
from routing.log import MemoryLog, NotWritten
from routing.roster import MISSED_CALLS, Roster
from routing.staff import Agent
from routing.stream import Stream
from tests.routing.facts import at

CHEN = Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"consult": 0, "repair": 1})
LI = Agent(work_number="1025", name="Li", phone="li-desk", queues={"repair": 2})


@dataclass
class Member:
    """A member of a queue as Asterisk keeps it."""

    name: str
    penalty: int
    paused: bool = False
    reason: str = ""


@dataclass
class AppQueue:
    """Stands in for app_queue: the same answers to the actions that the roster asks for."""

    queues: dict[str, dict[str, Member]] = field(default_factory=lambda: {"consult": {}, "repair": {}})
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda _: None
    """Told each action's name before it is carried out; may change the queues or raise."""
    lost_answers: set[str] = field(default_factory=set)
    """Actions that are carried out, but whose answer never comes."""

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        assert within <= 5
        self.asked.append(action)
        await asyncio.sleep(0)
        self.meanwhile(action)
        self._carry_out(action, {key: str(value) for key, value in fields.items()})
        if action in self.lost_answers:
            raise NoAnswer(action, within)
        return {"Response": "Success"}

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        assert action == "QueueStatus"
        assert within <= 10
        await asyncio.sleep(0)
        self.meanwhile(action)
        rows: list[Mapping[str, str]] = []
        for queue, members in self.queues.items():
            rows.append({"Event": "QueueParams", "Queue": queue})
            for interface, member in members.items():
                if fields.get("Member", "") in ("", interface):
                    rows.append(_row(queue, interface, member))
        return rows

    def _carry_out(self, action: str, fields: Mapping[str, str]) -> None:
        members = self.queues.get(fields["Queue"])
        if members is None:
            raise ActionFailed(action, "Unable to do it: No such queue")
        interface, paused = fields["Interface"], fields.get("Paused") == "true"
        if action == "QueueAdd":
            if interface in members:
                raise ActionFailed(action, "Unable to add interface: Already there")
            reason = fields["Reason"] if paused else ""
            members[interface] = Member(fields["MemberName"], int(fields["Penalty"]), paused, reason)
            return
        if interface not in members:
            raise ActionFailed(action, "Unable to remove interface from queue: Not there")
        member = members[interface]
        if action == "QueueRemove":
            del members[interface]
        elif action == "QueuePenalty":
            member.penalty = int(fields["Penalty"])
        else:
            assert action == "QueuePause"
            member.paused, member.reason = paused, fields["Reason"] if paused else ""

    def members(self) -> dict[str, list[str]]:
        """Who is where, as a person would say it."""
        return {
            queue: [_said(member) for member in sorted(members.values(), key=lambda one: one.name)]
            for queue, members in self.queues.items()
        }

    def forget_everything(self) -> None:
        for members in self.queues.values():
            members.clear()

    def forget_reasons(self) -> None:
        """What a restart of Asterisk does."""
        for members in self.queues.values():
            for member in members.values():
                member.reason = ""


def _row(queue: str, interface: str, member: Member) -> Mapping[str, str]:
    return {
        "Event": "QueueMember",
        "Queue": queue,
        "Name": member.name,
        "Location": interface,
        "Penalty": str(member.penalty),
        "Paused": str(int(member.paused)),
        "PausedReason": member.reason,
    }


def _said(member: Member) -> str:
    pause = f" paused for {member.reason or '?'}" if member.paused else ""
    return f"{member.name}({member.penalty}){pause}"


def fails(action: str, *, nth: int = 1, because: AmiError | None = None) -> Callable[[str], None]:
    """Let the nth action of this name fail, without having been carried out."""
    seen = count(1)

    def hindrance(asked: str) -> None:
        if asked == action and next(seen) == nth:
            raise because or LinkDown("the cable is cut")

    return hindrance


class House:
    """A roster between its stand-ins."""

    def __init__(self, *agents: Agent, log: MemoryLog | None = None, missed_before_pause: int = 2) -> None:
        self.asterisk, self.log = AppQueue(), log or MemoryLog()
        self.agents, self._missed = agents or (CHEN, LI), missed_before_pause
        self.roster = self.started_anew()

    def started_anew(self, *agents: Agent) -> Roster:
        """Our server starts again, perhaps with another site; log and Asterisk are as they were."""
        self.stream = Stream(self.log)
        self.roster = Roster(
            agents or self.agents,
            queues=self.asterisk,
            events=self.stream,
            missed_before_pause=self._missed,
            now=lambda: at(0),
        )
        self.stream.taken_by(self.roster.take)
        return self.roster

    async def events(self) -> list[Event]:
        return [event for _, event in await self.log.after(0)]

    async def steps(self) -> list[str]:
        """The agents' steps that are written down."""
        return [_told(event) for event in await self.events() if isinstance(event, AgentStep | AgentRestored)]

    def duty(self, agent: str) -> Duty:
        return self.state(agent).duty

    def state(self, agent: str) -> AgentState:
        return next(state for state in self.roster.states() if state.agent == agent)

    def misses(self, agent: str, times: int = 1) -> None:
        for _ in range(times):
            self.stream.record(OfferMissed(at=at(0), call="c1", agent=agent, queue="repair", rang=timedelta(seconds=4)))


def _told(step: AgentStep | AgentRestored) -> str:
    match step:
        case AgentSignedIn():
            return f"{step.agent} signed in"
        case AgentSignedOut():
            return f"{step.agent} signed out"
        case AgentPaused():
            return f"{step.agent} paused for {step.reason}"
        case AgentUnpaused():
            return f"{step.agent} ended the pause"
        case AgentRestored():
            return f"{step.agent} restored: {step.state}" + (f" for {step.reason}" if step.reason else "")
    raise AssertionError(step)


async def settle() -> None:
    """Let everything that is under way come to its end."""
    for _ in range(50):
        await asyncio.sleep(0)


# What agents do


async def test_an_agents_day() -> None:
    house = House()
    roster, asterisk = house.roster, house.asterisk
    await roster.sign_in("1024")
    assert asterisk.members() == {"consult": ["1024(0)"], "repair": ["1024(1)"]}
    await roster.pause("1024", "meal")
    assert asterisk.members() == {"consult": ["1024(0) paused for meal"], "repair": ["1024(1) paused for meal"]}
    await roster.pause("1024", "meeting")
    assert asterisk.members()["consult"] == ["1024(0) paused for meeting"]
    await roster.unpause("1024")
    assert asterisk.members() == {"consult": ["1024(0)"], "repair": ["1024(1)"]}
    await roster.sign_out("1024")
    assert asterisk.members() == {"consult": [], "repair": []}
    assert await house.steps() == [
        "1024 signed in",
        "1024 paused for meal",
        "1024 paused for meeting",
        "1024 ended the pause",
        "1024 signed out",
    ]


async def test_signing_in_twice_is_written_and_asks_nothing_of_asterisk() -> None:
    house = House()
    await house.roster.sign_in("1024")
    house.asterisk.asked.clear()
    await house.roster.sign_in("1024")
    assert house.asterisk.asked == []
    assert await house.steps() == ["1024 signed in"] * 2


async def test_a_step_that_the_table_does_not_have_asks_nothing_and_writes_nothing() -> None:
    house = House()
    with pytest.raises(AgentCannot):
        await house.roster.pause("1024", "meal")
    with pytest.raises(AgentUnknown):
        await house.roster.sign_in("9999")
    assert house.asterisk.asked == []
    assert await house.events() == []


async def test_the_phone_says_who_the_agent_is() -> None:
    roster = House().roster
    assert (roster.at_phone("li-desk"), roster.at_phone("nobodys-desk")) == ("1025", None)


async def test_somebody_at_asterisks_console_was_quicker() -> None:
    house = House()
    chen = CHEN.interface

    def add(action: str) -> None:
        if action == "QueueAdd":
            house.asterisk.queues["repair"].setdefault(chen, Member("1024", 1))

    def remove(action: str) -> None:
        if action == "QueueRemove":
            house.asterisk.queues["repair"].pop(chen, None)

    house.asterisk.meanwhile = add
    await house.roster.sign_in("1024")
    assert house.asterisk.members() == {"consult": ["1024(0)"], "repair": ["1024(1)"]}
    house.asterisk.meanwhile = remove
    await house.roster.sign_out("1024")
    assert house.asterisk.members() == {"consult": [], "repair": []}
    assert await house.steps() == ["1024 signed in", "1024 signed out"]


async def test_signing_in_ends_a_pause_that_asterisk_still_had() -> None:
    house = House()
    house.asterisk.queues["repair"][CHEN.interface] = Member("1024", 1, paused=True, reason="old")
    await house.roster.sign_in("1024")
    assert house.asterisk.members() == {"consult": ["1024(0)"], "repair": ["1024(1)"]}


async def test_a_step_is_done_although_it_cannot_be_written_just_now() -> None:
    class FullDisk(MemoryLog):
        async def flushed(self, *, within: float = 10.0, hurry: bool = True) -> int:
            del within, hurry
            raise NotWritten(1, "the disk is full")

    house = House(log=FullDisk())
    await house.roster.sign_in("1024")
    assert house.duty("1024") is Duty.READY
    assert house.asterisk.members()["repair"] == ["1024(1)"]


# A step that fails


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_sign_in_that_fails_in_the_middle_is_undone(nth: int) -> None:
    house = House()
    house.asterisk.meanwhile = fails("QueueAdd", nth=nth)
    with pytest.raises(NotDone, match=r"^the agent could not sign in: .*the cable is cut$"):
        await house.roster.sign_in("1024")
    assert house.asterisk.members() == {"consult": [], "repair": []}
    assert house.duty("1024") is Duty.SIGNED_OUT
    assert await house.events() == []


async def test_a_sign_in_whose_answer_is_lost_is_undone_although_asterisk_did_it() -> None:
    house = House()
    house.asterisk.lost_answers = {"QueueAdd"}
    with pytest.raises(NotDone, match="did not answer QueueAdd"):
        await house.roster.sign_in("1024")
    assert house.asterisk.members() == {"consult": [], "repair": []}


async def test_a_queue_that_asterisk_does_not_have_fails_the_whole_sign_in() -> None:
    house = House()
    del house.asterisk.queues["repair"]
    with pytest.raises(NotDone, match="No such queue"):
        await house.roster.sign_in("1024")
    assert house.asterisk.members() == {"consult": []}


async def test_a_sign_out_that_fails_in_the_middle_is_undone_with_the_pause() -> None:
    house = House()
    await house.roster.sign_in("1024")
    await house.roster.pause("1024", "meal")
    house.asterisk.meanwhile = fails("QueueRemove", nth=2)
    with pytest.raises(NotDone, match="sign out"):
        await house.roster.sign_out("1024")
    assert house.asterisk.members() == {"consult": ["1024(0) paused for meal"], "repair": ["1024(1) paused for meal"]}
    assert (house.duty("1024"), house.state("1024").reason) == (Duty.PAUSED, "meal")


async def test_a_pause_that_fails_in_the_middle_leaves_the_agent_ready_everywhere() -> None:
    house = House()
    await house.roster.sign_in("1024")
    house.asterisk.meanwhile = fails("QueuePause", nth=2)
    with pytest.raises(NotDone, match="pause"):
        await house.roster.pause("1024", "meal")
    assert house.asterisk.members() == {"consult": ["1024(0)"], "repair": ["1024(1)"]}
    assert await house.steps() == ["1024 signed in"]


async def test_what_cannot_be_undone_now_is_undone_when_the_link_is_back() -> None:
    house = House()

    def cut_after_the_first(action: str) -> None:
        if action != "QueueStatus" and len(house.asterisk.asked) > 1:
            raise LinkDown("the cable is cut")

    house.asterisk.meanwhile = cut_after_the_first
    with pytest.raises(NotDone):
        await house.roster.sign_in("1024")
    assert house.asterisk.members() == {"consult": ["1024(0)"], "repair": []}
    house.asterisk.meanwhile = lambda _: None
    await house.roster.restore()
    assert house.asterisk.members() == {"consult": [], "repair": []}


# Two steps at once


async def test_two_steps_of_one_agent_are_taken_one_after_the_other() -> None:
    house = House()
    await asyncio.gather(house.roster.sign_in("1024"), house.roster.pause("1024", "meal"))
    assert house.asterisk.asked == ["QueueAdd", "QueueAdd", "QueuePause", "QueuePause"]
    assert house.asterisk.members() == {"consult": ["1024(0) paused for meal"], "repair": ["1024(1) paused for meal"]}
    assert await house.steps() == ["1024 signed in", "1024 paused for meal"]


async def test_of_two_steps_at_once_the_second_is_judged_after_the_first() -> None:
    house = House()
    await house.roster.sign_in("1024")
    done = await asyncio.gather(
        house.roster.sign_out("1024"), house.roster.pause("1024", "meal"), return_exceptions=True
    )
    assert done[0] is None
    assert isinstance(done[1], AgentCannot)
    assert house.asterisk.members() == {"consult": [], "repair": []}


async def test_an_agent_does_not_wait_for_another_ones_step() -> None:
    house = House()
    stuck = asyncio.Event()
    real = house.asterisk.act

    async def slow_for_chen(action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        if fields["Interface"] == CHEN.interface:
            await stuck.wait()
        return await real(action, within=within, **fields)

    house.asterisk.act = slow_for_chen  # type: ignore[method-assign]
    chen = asyncio.create_task(house.roster.sign_in("1024"))
    await asyncio.wait_for(house.roster.sign_in("1025"), 5)
    assert (house.duty("1024"), house.duty("1025")) == (Duty.SIGNED_OUT, Duty.READY)
    stuck.set()
    await chen
    assert house.duty("1024") is Duty.READY


# Offers nobody takes


async def test_an_agent_who_misses_too_many_offers_in_a_row_is_paused() -> None:
    house = House(missed_before_pause=3)
    await house.roster.sign_in("1025")
    house.misses("1025", 2)
    await settle()
    assert house.duty("1025") is Duty.READY
    house.misses("1025")
    await settle()
    assert house.asterisk.members()["repair"] == [f"1025(2) paused for {MISSED_CALLS}"]
    assert (await house.steps())[-1] == f"1025 paused for {MISSED_CALLS}"


async def test_an_offer_that_is_taken_in_between_starts_the_count_again() -> None:
    house = House(missed_before_pause=2)
    await house.roster.sign_in("1025")
    house.misses("1025")
    house.stream.record(AgentAnswered(at=at(0), call="c2", agent="1025", queue="repair", waited=timedelta(0)))
    house.misses("1025")
    await settle()
    assert house.duty("1025") is Duty.READY


async def test_missed_offers_never_pause_where_the_site_says_so() -> None:
    house = House(missed_before_pause=0)
    await house.roster.sign_in("1025")
    house.misses("1025", 20)
    await settle()
    assert house.duty("1025") is Duty.READY


async def test_more_missed_offers_while_the_pause_is_made_pause_once() -> None:
    house = House(missed_before_pause=2)
    await house.roster.sign_in("1025")
    house.misses("1025", 4)
    await settle()
    assert await house.steps() == ["1025 signed in", f"1025 paused for {MISSED_CALLS}"]


@pytest.mark.parametrize("own_step", ["pause", "sign_out"])
async def test_an_agents_own_step_goes_before_the_pause_for_missed_offers(own_step: str) -> None:
    house = House(missed_before_pause=1)
    await house.roster.sign_in("1025")
    step = house.roster.pause("1025", "meal") if own_step == "pause" else house.roster.sign_out("1025")
    under_way = asyncio.create_task(step)
    await asyncio.sleep(0)
    house.misses("1025")
    await under_way
    await settle()
    assert (await house.steps())[1:] == ["1025 paused for meal" if own_step == "pause" else "1025 signed out"]


async def test_a_pause_for_missed_offers_that_fails_is_tried_at_the_next_one() -> None:
    house = House(missed_before_pause=1)
    await house.roster.sign_in("1025")
    house.asterisk.meanwhile = fails("QueuePause")
    with capture_logs() as said:
        house.misses("1025")
        await settle()
    assert [line["event"] for line in said] == ["an agent who misses calls is not paused"]
    assert house.duty("1025") is Duty.READY
    house.misses("1025")
    await settle()
    assert house.duty("1025") is Duty.PAUSED


async def test_missed_offers_of_somebody_who_is_no_agent_here_are_only_written_down() -> None:
    house = House(missed_before_pause=1)
    house.misses("9999")
    await settle()
    assert [type(event) for event in await house.events()] == [OfferMissed]


async def test_the_end_of_a_call_concerns_the_agent_whose_phone_rings_for_it() -> None:
    house = House()
    for agent, call in (("1024", "c1"), ("1025", "c2")):
        await house.roster.sign_in(agent)
        house.stream.record(AgentOffered(at=at(0), call=call, agent=agent, queue="repair"))
    house.stream.record(CallEnded(at=at(1), call="c1", by="caller", why="Normal Clearing"))
    assert (house.state("1024").activity, house.state("1025").activity) == (Activity.IDLE, Activity.RINGING)


# Asterisk and the log agree


async def an_ordinary_morning() -> House:
    """Chen is paused for a meal, Li is ready."""
    house = House()
    await house.roster.sign_in("1024")
    await house.roster.pause("1024", "meal")
    await house.roster.sign_in("1025")
    house.asterisk.asked.clear()
    return house


AS_IT_WAS = {
    "consult": ["1024(0) paused for meal"],
    "repair": ["1024(1) paused for meal", "1025(2)"],
}


async def test_nothing_is_restored_where_nothing_was_lost() -> None:
    house = await an_ordinary_morning()
    before = await house.events()
    await house.roster.restore()
    assert house.asterisk.asked == []
    assert await house.events() == before


async def test_an_asterisk_that_has_lost_everything_gets_it_back() -> None:
    house = await an_ordinary_morning()
    house.asterisk.forget_everything()
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS
    assert (await house.steps())[-2:] == ["1024 restored: paused for meal", "1025 restored: ready"]
    assert house.state("1024").reason == "meal"


async def test_reasons_that_a_restart_lost_come_back() -> None:
    house = await an_ordinary_morning()
    house.asterisk.forget_reasons()
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS
    assert (await house.steps())[-1] == "1024 restored: paused for meal"


@pytest.mark.parametrize("queue", ["consult", "repair"])
async def test_a_pause_that_ended_at_asterisks_console_is_made_again(queue: str) -> None:
    house = await an_ordinary_morning()
    member = house.asterisk.queues[queue][CHEN.interface]
    member.paused, member.reason = False, ""
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS
    assert house.asterisk.asked == ["QueuePause"]


async def test_a_pause_made_at_asterisks_console_is_ended() -> None:
    house = await an_ordinary_morning()
    house.asterisk.queues["repair"][LI.interface].paused = True
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS
    assert (await house.steps())[-1] == "1025 restored: ready"


async def test_an_agent_who_signed_out_does_not_stay_a_member() -> None:
    house = await an_ordinary_morning()
    house.asterisk.queues["consult"][LI.interface] = Member("1025", 0)
    await house.roster.sign_out("1025")
    house.asterisk.queues["repair"][LI.interface] = Member("1025", 2)
    await house.roster.restore()
    assert house.asterisk.members() == {"consult": AS_IT_WAS["consult"], "repair": AS_IT_WAS["repair"][:1]}
    assert (await house.steps())[-1] == "1025 restored: signed-out"


async def test_a_phone_that_belongs_to_no_agent_of_the_site_is_taken_out() -> None:
    house = await an_ordinary_morning()
    house.asterisk.queues["repair"]["PJSIP/old-desk"] = Member("1001", 0)
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS


async def test_a_new_server_knows_from_the_log_what_agents_last_saw_confirmed() -> None:
    house = await an_ordinary_morning()
    house.asterisk.forget_everything()
    roster = house.started_anew()
    await roster.remember()
    assert [(state.agent, state.duty, state.reason) for state in roster.states()] == [
        ("1024", Duty.PAUSED, "meal"),
        ("1025", Duty.READY, None),
    ]
    await roster.restore()
    assert house.asterisk.members() == AS_IT_WAS


async def test_a_penalty_changed_in_the_site_is_applied_without_taking_the_agent_out() -> None:
    house = await an_ordinary_morning()
    other = LI.model_copy(update={"queues": {"repair": 9}})
    await house.started_anew(CHEN, other).remember()
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS | {"repair": ["1024(1) paused for meal", "1025(9)"]}
    assert house.asterisk.asked == ["QueuePenalty"]


async def test_queues_changed_in_the_site_are_joined_and_left() -> None:
    house = await an_ordinary_morning()
    chen = CHEN.model_copy(update={"queues": {"repair": 1}})
    li = LI.model_copy(update={"queues": {"repair": 2, "consult": 3}})
    await house.started_anew(chen, li).remember()
    await house.roster.restore()
    assert house.asterisk.members() == {"consult": ["1025(3)"], "repair": AS_IT_WAS["repair"]}


async def test_an_agent_who_left_the_site_is_forgotten() -> None:
    house = await an_ordinary_morning()
    await house.started_anew(LI).remember()
    await house.roster.restore()
    assert house.asterisk.members() == {"consult": [], "repair": ["1025(2)"]}


async def test_a_step_taken_while_asterisk_is_compared_is_no_drift() -> None:
    house = await an_ordinary_morning()
    stale = await house.asterisk.rows("QueueStatus")
    real, first = house.asterisk.rows, iter([stale])

    async def rows(action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]) -> list[Mapping[str, str]]:
        return next(first, None) or await real(action, within=within, **fields)

    await house.roster.sign_out("1025")
    house.asterisk.rows = rows  # type: ignore[method-assign]
    house.asterisk.asked.clear()
    before = await house.events()
    await house.roster.restore()
    assert house.asterisk.asked == []
    assert await house.events() == before


async def test_a_restore_that_fails_says_so_and_can_be_tried_again() -> None:
    house = await an_ordinary_morning()
    house.asterisk.forget_everything()
    house.asterisk.meanwhile = fails("QueueAdd", nth=2)
    with pytest.raises(LinkDown):
        await house.roster.restore()
    await house.roster.restore()
    assert house.asterisk.members() == AS_IT_WAS
