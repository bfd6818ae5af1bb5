"""The wrap-up: it begins with the end of a talk, has a length, can be ended or extended, and is known to Asterisk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from routing.agents import AgentUnknown
from routing.ami import LinkDown
from routing.events import AgentOffered, AgentSignedIn, AgentSignedOut, Event, TalkEnded, TalkStarted
from routing.live import Live
from routing.log import MemoryLog
from routing.roster import HELD_BACK, needed
from routing.staff import Agent, Queue
from routing.stream import Stream
from routing.wrap_up import LONGEST, NothingToWrapUp, TooLong, WrapUps

S = timedelta(seconds=1)
AS_USUAL, HELD_BACK_IN_BOTH = [0, 0], [HELD_BACK, HELD_BACK]
"""The penalties in the agent's two queues."""
CHEN = Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"repair": 0, "consult": 0})


class Desk:
    """One agent, whose talks are short."""

    def __init__(self, wrap_up: timedelta = 60 * S) -> None:
        queues = (
            Queue(name="repair", transfer_code="702", wrap_up=wrap_up),
            Queue(name="consult", transfer_code="701", wrap_up=0 * S),
        )
        self.live, self.stream = Live(queues, [CHEN]), Stream(MemoryLog())
        self.asked: list[list[int]] = []
        self.link_is_down = False
        self.wrap_ups = WrapUps(
            [CHEN],
            queues,
            states=self.live.states,
            unwrapped=self.live.unwrapped,
            record=self.stream.record,
            settle=self.settle,
        )
        self.stream.taken_by(self.live.take)
        self.stream.taken_by(self.wrap_ups.take)
        self.tell(AgentSignedIn(at=now(), agent="1024"))

    async def settle(self, agent: str) -> None:
        """What the roster would ask of Asterisk."""
        if self.link_is_down:
            raise LinkDown("the cable is cut")
        actions = needed(CHEN, self.live.states[agent], {})
        self.asked.append([int(action.fields["Penalty"]) for action in actions])

    def tell(self, *facts: Event) -> None:
        for fact in facts:
            self.stream.record(fact)

    def talk(self) -> None:
        self.tell(
            TalkStarted(at=now(), call="a", agent="1024"),
            TalkEnded(at=now(), call="a", agent="1024", by="caller", talked=9 * S),
        )

    @property
    def shown(self) -> str:
        return self.live.state_of("1024")

    @property
    def left(self) -> timedelta:
        """How long the wrap-up lasts from now on, in whole seconds."""
        until = self.live.states["1024"].until
        assert until is not None
        return round((until - now()) / S) * S

    async def asks(self, *penalties: list[int]) -> None:
        """Wait until Asterisk has been asked for these, one after the other."""
        async with asyncio.timeout(20):
            while len(self.asked) < len(penalties):
                await asyncio.sleep(0.01)
        assert self.asked == list(penalties)

    async def until(self, state: str) -> None:
        async with asyncio.timeout(20):
            while self.shown != state:
                await asyncio.sleep(0.01)


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_wrap_up_begins_after_the_talk_and_ends_by_itself() -> None:
    desk = Desk(wrap_up=0.2 * S)
    desk.talk()
    assert desk.shown == "wrap-up"
    await desk.until("ready")
    await desk.asks(HELD_BACK_IN_BOTH, AS_USUAL)


async def test_it_lasts_as_long_as_the_longest_of_the_agents_queues_says() -> None:
    desk = Desk(wrap_up=60 * S)
    desk.talk()
    assert desk.left == 60 * S
    desk.wrap_ups.stop()


async def test_without_a_length_there_is_none() -> None:
    desk = Desk(wrap_up=0 * S)
    desk.talk()
    assert desk.shown == "ready"


async def test_an_agent_who_is_done_sooner_is_ready_at_once() -> None:
    desk = Desk()
    desk.talk()
    await desk.asks(HELD_BACK_IN_BOTH)
    await desk.wrap_ups.end("1024")
    assert (desk.shown, desk.asked) == ("ready", [HELD_BACK_IN_BOTH, AS_USUAL])
    with pytest.raises(NothingToWrapUp):
        await desk.wrap_ups.end("1024")


async def test_more_time_is_had_by_asking_and_holds_the_agent_back_in_all_queues_until_it_is_over() -> None:
    desk = Desk()
    desk.talk()
    await desk.wrap_ups.extend("1024", 120 * S)
    assert (desk.shown, desk.left) == ("wrap-up", 180 * S)
    await desk.asks(HELD_BACK_IN_BOTH)
    await desk.wrap_ups.end("1024")
    assert (desk.shown, desk.asked) == ("ready", [HELD_BACK_IN_BOTH, AS_USUAL])


async def test_who_is_offered_a_call_in_the_very_moment_is_not_held_back_for_ever() -> None:
    desk = Desk()
    desk.talk()
    await desk.asks(HELD_BACK_IN_BOTH)
    desk.tell(AgentOffered(at=now(), call="b", agent="1024", queue="repair"))
    await desk.asks(HELD_BACK_IN_BOTH, AS_USUAL)
    assert desk.shown == "ringing"


async def test_an_extended_wrap_up_ends_by_itself_too() -> None:
    desk = Desk(wrap_up=0.1 * S)
    desk.talk()
    await desk.wrap_ups.extend("1024", 0.2 * S)
    await desk.until("ready")
    await desk.asks(HELD_BACK_IN_BOTH, AS_USUAL)


async def test_it_cannot_be_extended_for_ever() -> None:
    desk = Desk()
    desk.talk()
    for length in (LONGEST, -S, 0 * S):
        with pytest.raises(TooLong):
            await desk.wrap_ups.extend("1024", length)
    await desk.wrap_ups.end("1024")


async def test_who_is_not_wrapping_up_can_neither_end_nor_extend() -> None:
    desk = Desk()
    with pytest.raises(NothingToWrapUp, match="agent 1024 is ready"):
        await desk.wrap_ups.extend("1024", 60 * S)
    with pytest.raises(AgentUnknown):
        await desk.wrap_ups.end("9999")


async def test_who_signs_out_or_signed_out_in_the_talk_has_nothing_to_wrap_up() -> None:
    desk = Desk()
    desk.talk()
    desk.tell(AgentSignedOut(at=now(), agent="1024"))
    assert desk.shown == "signed-out"
    desk.talk()
    assert desk.shown == "signed-out"


async def test_a_link_that_is_down_does_not_keep_the_agent_from_wrapping_up() -> None:
    desk = Desk()
    desk.talk()
    desk.link_is_down = True
    await desk.wrap_ups.extend("1024", 60 * S)
    assert desk.left == 120 * S
    await desk.wrap_ups.end("1024")
    assert desk.shown == "ready"
