"""The live picture is compared with Asterisk's own: what differs is put right and counted, what moves is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from routing import truth as comparing
from routing.ami import LinkDown
from routing.events import (
    AgentFound,
    AgentOffered,
    AgentSignedIn,
    CallAnswered,
    CallEnded,
    CallFound,
    CallQueued,
    DriftFound,
    Event,
    LinkBack,
    LinkLost,
    PhoneBack,
    PhoneLost,
    TalkEnded,
    TalkStarted,
)
from routing.live import Live
from routing.log import MemoryLog
from routing.staff import Agent, Queue
from routing.stream import Stream
from routing.truth import Difference, Truth
from routing.watch import Watch
from tests.routing.facts import at, queued, rang

CHEN = Agent(work_number="1024", name="Chen", phone="chen-desk", queues={"repair": 0})
Row = Mapping[str, str]


def line(call: str, *, bridge: str = "", context: str = "from-carrier", connected: str = "") -> Row:
    """A caller's line."""
    return {
        "Channel": f"PJSIP/carrier-pretend-{call}",
        "Uniqueid": call,
        "Linkedid": call,
        "BridgeId": bridge,
        "Context": context,
        "ConnectedLineNum": connected,
        "CallerIDNum": "",
        "ChannelStateDesc": "Up",
    }


def phone(call: str, bridge: str) -> Row:
    """An agent's line in a caller's call."""
    return {**line(call, bridge=bridge), "Channel": "PJSIP/chen-desk-1", "Uniqueid": f"{call}.agent"}


def entry(call: str, *, queue: str = "repair", position: int = 1) -> Row:
    return {"Event": "QueueEntry", "Uniqueid": call, "Queue": queue, "Position": str(position), "Wait": "7"}


class Asterisk:
    """What Asterisk would say, and when it says it something may happen."""

    def __init__(self) -> None:
        self.channels: list[Row] = []
        self.entries: list[Row] = []
        self.devices = {"PJSIP/chen-desk": "NOT_INUSE"}
        self.meanwhile: Callable[[], None] = lambda: None
        self.marks = True
        self.hear: Callable[[Row], None] = lambda _: None

    async def rows(self, action: str, /, *, within: float = 10.0, **fields: Any) -> list[Row]:
        del within, fields
        if action == "CoreShowChannels":
            return self.channels
        if action == "QueueStatus":
            return self.entries
        self.meanwhile()
        return [{"Device": device, "State": state} for device, state in self.devices.items()]

    async def act(self, action: str, /, *, within: float = 5.0, **fields: Any) -> Row:
        del within
        assert action == "UserEvent"
        if self.marks:
            asyncio.get_running_loop().call_soon(self.hear, {"Event": "UserEvent", **fields})
        return {}


class House:
    """The parts that keep the picture true, on a stream of their own."""

    def __init__(self, *before: Event, every: float = 0.01, soon: float = 0.01) -> None:
        self.asterisk, self.stream, self.told = Asterisk(), Stream(MemoryLog()), list[Event]()
        self.live = Live([Queue(name="repair", transfer_code="702")], [CHEN])
        self.watch = Watch(self.stream.record, ended=lambda _: None, now=lambda: at(60))
        self.others = 0
        self.truth = Truth(
            self.asterisk,
            live=self.live,
            watch=self.watch,
            record=self.stream.record,
            agents=[CHEN],
            others=self._others,
            every=every,
            soon=soon,
            now=lambda: at(60),
        )
        self.asterisk.hear = self.truth.hear
        self.stream.taken_by(self.live.take)
        self.stream.taken_by(self.truth.take)
        for fact in (AgentSignedIn(at=at(0), agent="1024"), PhoneBack(at=at(0), agent="1024"), *before):
            self.stream.record(fact)
        calls = {fact.call for fact in before if fact.call}
        for call in calls:
            self.watch.recall(call, [fact for fact in before if fact.call == call])
        self.stream.taken_by(self.told.append)

    async def _others(self) -> None:
        self.others += 1

    @property
    def drift(self) -> list[str]:
        return [fact.kind for fact in self.told if isinstance(fact, DriftFound)]

    @property
    def facts(self) -> list[Event]:
        """What was told beside the announcements."""
        return [fact for fact in self.told if not isinstance(fact, DriftFound | LinkBack | LinkLost)]


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "SEEN_AGAIN_AFTER", 0)


IN_MENU = (rang("a"), CallAnswered(at=at(1), call="a"))
WAITING = (*IN_MENU, queued("a", 1, 2))
TALKING = (*WAITING, TalkStarted(at=at(9), call="a", agent="1024"))


@pytest.mark.parametrize(
    ("before", "channels", "entries", "drift", "facts"),
    [
        pytest.param((), [], [], [], [], id="nothing goes on"),
        pytest.param(IN_MENU, [line("a")], [], [], [], id="in a menu"),
        pytest.param(WAITING, [line("a", context="queue")], [entry("a")], [], [], id="waits"),
        pytest.param(TALKING, [line("a", bridge="b"), phone("a", "b")], [], [], [], id="talks"),
        pytest.param(WAITING, [], [], ["call-gone"], [CallEnded], id="ended unseen"),
        pytest.param((), [line("a")], [], ["call-unknown"], [CallFound], id="began unseen"),
        pytest.param((), [line("a")], [entry("a")], ["call-unknown"], [CallFound, CallQueued], id="began, waits"),
        pytest.param(IN_MENU, [line("a")], [entry("a")], ["waiting"], [CallQueued], id="waits unseen"),
        pytest.param(WAITING, [line("a", context="message")], [], ["place"], [CallFound], id="left the queue unseen"),
        pytest.param(
            WAITING,
            [line("a", bridge="b", connected="1024"), phone("a", "b")],
            [],
            ["talk"],
            [TalkStarted],
            id="talks unseen",
        ),
        pytest.param(TALKING, [line("a")], [], ["place"], [TalkEnded, CallFound], id="talks no more"),
        pytest.param(TALKING, [line("a")], [entry("a")], ["waiting"], [TalkEnded, CallQueued], id="waits again"),
    ],
)
@pytest.mark.parametrize("after_gap", [True, False])
async def test_what_differs_is_put_right_once_and_said(
    before: Sequence[Event],
    channels: list[Row],
    entries: list[Row],
    drift: list[str],
    facts: list[type[Event]],
    after_gap: bool,
) -> None:
    house = House(*before)
    house.asterisk.channels, house.asterisk.entries = channels, entries
    await (house.truth.catch_up() if after_gap else house.truth.check())
    assert house.drift == drift
    assert [type(fact) for fact in house.facts if type(fact).__name__ != "AgentAnswered"] == facts
    assert all(fact.after_gap == after_gap for fact in house.told if isinstance(fact, DriftFound))
    assert await house.truth.check() == [], "now they agree"


async def test_where_a_call_is_found_it_is_shown() -> None:
    house = House(*WAITING)
    house.asterisk.channels = [line("a", context="message")]
    await house.truth.check()
    assert house.live.calls["a"].state == "message"
    assert house.live.waiting == {"repair": []}


@pytest.mark.parametrize("after_gap", [True, False])
async def test_a_call_of_which_nothing_was_told_does_not_stay_for_ever(after_gap: bool) -> None:
    house = House()
    asks_for_an_end = {"Event": "HangupRequest", "Uniqueid": "a", "Linkedid": "a", "Channel": "PJSIP/carrier-acme-1"}
    house.watch.hear(asks_for_an_end)  # of a line that we had not seen; its end is missed
    assert house.watch.live == {"a"}
    assert not house.live.calls
    await (house.truth.catch_up() if after_gap else house.truth.check())
    assert (house.watch.live, house.drift) == (frozenset(), ["call-gone"])


async def test_a_phone_that_is_gone_and_one_that_is_back() -> None:
    house = House()
    house.asterisk.devices["PJSIP/chen-desk"] = "UNAVAILABLE"
    assert await house.truth.check() == [Difference("phone", "1024")]
    assert (house.live.state_of("1024"), [type(fact) for fact in house.facts]) == ("no-phone", [PhoneLost])
    house.asterisk.devices["PJSIP/chen-desk"] = "RINGING"
    await house.truth.check()
    assert house.live.state_of("1024") == "ready"


async def test_a_phone_that_rings_for_nobody_is_not_shown_ringing() -> None:
    house = House(*WAITING, AgentOffered(at=at(3), call="a", agent="1024", queue="repair"))
    house.asterisk.channels, house.asterisk.entries = [line("a", context="queue")], [entry("a")]
    assert await house.truth.check() == [Difference("offer", "1024")]
    assert (house.live.state_of("1024"), [type(fact) for fact in house.facts]) == ("ready", [AgentFound])


async def test_a_phone_that_began_to_ring_unseen_is_shown_ringing() -> None:
    house = House(*WAITING)
    ringing = {**phone("a", ""), "ChannelStateDesc": "Ringing"}
    house.asterisk.channels, house.asterisk.entries = [line("a", context="queue"), ringing], [entry("a")]
    house.asterisk.devices["PJSIP/chen-desk"] = "RINGING"
    assert await house.truth.check() == [Difference("offer", "1024")]
    assert (house.live.state_of("1024"), [type(fact) for fact in house.facts]) == ("ringing", [AgentOffered])


async def test_what_moves_while_asterisk_is_asked_is_no_difference() -> None:
    """Asterisk's list is from before, the fact from after: each is right in its time."""
    house = House(*WAITING)
    house.asterisk.channels, house.asterisk.entries = [line("a", context="queue")], [entry("a")]
    house.asterisk.meanwhile = lambda: house.stream.record(TalkStarted(at=at(60), call="a", agent="1024"))
    assert await house.truth.check() == []
    assert house.drift == []


async def test_a_phone_that_comes_back_while_asterisk_is_asked_is_not_taken_for_lost() -> None:
    house = House()
    house.asterisk.devices["PJSIP/chen-desk"] = "UNAVAILABLE"
    news = {"Event": "ContactStatus", "EndpointName": "chen-desk", "ContactStatus": "Reachable"}
    house.asterisk.meanwhile = lambda: house.truth.hear(news)
    await house.truth.catch_up()
    assert (house.live.state_of("1024"), house.told) == ("ready", [])


async def test_a_call_that_begins_while_asterisk_is_asked_is_not_taken_for_over() -> None:
    house = House()
    house.asterisk.meanwhile = lambda: house.stream.record(rang("new"))
    await house.truth.catch_up()
    assert (list(house.live.calls), house.drift) == (["new"], [])


async def test_what_is_put_right_by_itself_within_a_second_is_no_difference() -> None:
    """A flow's word may be behind Asterisk's."""
    house = House()
    house.asterisk.channels = [line("a")]
    looks = iter(range(9))

    def arrives() -> None:
        if next(looks) == 1:
            house.stream.record(rang("a"))

    house.asterisk.meanwhile = arrives
    assert await house.truth.check() == []
    assert house.drift == []


async def test_without_the_fence_nothing_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "FENCE_WITHIN", 0.05)
    house = House(*WAITING)
    house.asterisk.marks = False
    with pytest.raises(TimeoutError):
        await house.truth.catch_up()
    assert (house.told, house.truth.stale_since) == ([], at(60))


async def test_from_the_loss_of_the_link_until_it_is_compared_the_picture_is_old() -> None:
    house = House()
    assert house.truth.stale_since is not None
    await house.truth.catch_up()
    assert house.truth.stale_since is None
    house.truth.lost("the cable is cut")
    assert (house.truth.stale_since, house.truth.why) == (at(60), "the cable is cut")
    await house.truth.catch_up()
    assert house.truth.stale_since is None
    assert [type(fact) for fact in house.told] == [LinkLost, LinkBack]


async def test_it_is_compared_again_and_again_even_after_the_link_was_down() -> None:
    house = House(*WAITING)
    house.asterisk.channels, house.asterisk.entries = [line("a")], [entry("a")]

    def down() -> None:
        raise LinkDown("the cable is cut")

    house.asterisk.meanwhile = down
    house.truth.start()
    await asyncio.sleep(0.05)
    house.asterisk.meanwhile = lambda: None
    house.asterisk.channels, house.asterisk.entries = [], []
    async with asyncio.timeout(20):
        while house.live.calls:
            await asyncio.sleep(0.01)
        while not house.others:
            await asyncio.sleep(0.01)
    await house.truth.stop()
    assert house.drift == ["call-gone"]


async def test_soon_after_the_link_came_up_it_is_compared_once_more() -> None:
    house = House(every=3600)
    house.asterisk.devices = {"PJSIP/chen-desk": "UNAVAILABLE"}
    house.truth.start()
    await house.truth.catch_up()
    assert [type(fact) for fact in house.facts] == [PhoneLost]
    house.asterisk.devices = {"PJSIP/chen-desk": "NOT_INUSE"}  # and no event tells
    async with asyncio.timeout(20):
        while [type(fact) for fact in house.facts] != [PhoneLost, PhoneBack]:
            await asyncio.sleep(0.01)
    await house.truth.stop()
