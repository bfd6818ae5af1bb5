"""What a leader does on the floor, with an Asterisk that notes what it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from routing.ami import ActionFailed, AmiError
from routing.events import CallMoved, TalkAttended
from routing.floor import Floor, How, NoPhone, NoSuchQueue, NotDone, NotInTalk, NotWaiting, Standing
from routing.log import MemoryLog
from routing.staff import Queue

CALL = "pbx-1.1"
IN_TALK, WAITING = Standing("talk", "1024"), Standing("queue", None)
LINES = [
    {"Uniqueid": CALL, "Channel": "PJSIP/carrier-x-01", "BridgeId": "b1"},
    {"Uniqueid": "pbx-1.9", "Channel": "PJSIP/li-desk-02", "BridgeId": "b2"},
    {"Uniqueid": "pbx-1.2", "Channel": "PJSIP/chen-desk-03", "BridgeId": "b1"},
]


class Asterisk:
    """Notes what it is asked."""

    def __init__(self, lines: Sequence[Mapping[str, str]] = LINES) -> None:
        self.lines = list(lines)
        self.asked: list[tuple[Any, ...]] = []
        self.problem: AmiError | None = None

    async def rows(self, *_: Any, **__: Any) -> list[Mapping[str, str]]:
        return self.lines

    async def act(self, action: str, /, **fields: Any) -> Mapping[str, str]:
        if self.problem:
            raise self.problem
        self.asked.append((action, *fields.values()))
        return {}

    async def originate(self, channel: str, **order: Any) -> Mapping[str, str]:
        return await self.act("Originate", channel=channel, data=order["Data"])


def floor(asterisk: Asterisk, log: MemoryLog, standing: Standing | None) -> Floor:
    queues = [Queue(name="consult", transfer_code="701"), Queue(name="repair", transfer_code="702")]
    return Floor(
        lists=asterisk,
        acts=asterisk,
        dials=asterisk,
        events=log,
        queues=queues,
        phones={"9001": "zhao-desk"},
        standing=lambda _: standing,
    )


async def written(log: MemoryLog) -> list[Any]:
    return [recorded.event for recorded in await log.after(0)]


HOWS: list[tuple[How, str]] = [("listen", "qE"), ("whisper", "qwE"), ("barge", "qBE")]


@pytest.mark.parametrize(("how", "options"), HOWS)
async def test_the_leaders_phone_is_connected_with_the_agents_line_and_it_is_written_down(
    how: How, options: str
) -> None:
    asterisk, log = Asterisk(), MemoryLog()
    await floor(asterisk, log, IN_TALK).attend(CALL, how, number="9001", by="zhao")
    assert asterisk.asked == [("Originate", "PJSIP/zhao-desk", f"PJSIP/chen-desk-03,{options}")]
    (event,) = await written(log)
    assert isinstance(event, TalkAttended)
    assert (event.call, event.how, event.with_agent, event.by, event.agent) == (CALL, how, "1024", "zhao", None)


@pytest.mark.parametrize("standing", [None, WAITING, Standing("greeting", "1024"), Standing("talk", None)])
async def test_only_a_talk_is_joined(standing: Standing | None) -> None:
    with pytest.raises(NotInTalk):
        await floor(Asterisk(), MemoryLog(), standing).attend(CALL, "listen", number="9001", by="zhao")


async def test_a_talk_that_ended_meanwhile_is_not_joined() -> None:
    with pytest.raises(NotInTalk):
        await floor(Asterisk(LINES[1:]), MemoryLog(), IN_TALK).attend(CALL, "listen", number="9001", by="zhao")


@pytest.mark.parametrize("number", [None, "1024"])
async def test_who_has_no_phone_here_cannot_join(number: str | None) -> None:
    with pytest.raises(NoPhone):
        await floor(Asterisk(), MemoryLog(), IN_TALK).attend(CALL, "listen", number=number, by="zhao")


async def test_a_waiting_caller_is_moved_to_another_queue() -> None:
    asterisk, log = Asterisk(), MemoryLog()
    await floor(asterisk, log, WAITING).move(CALL, "repair", by="zhao")
    assert asterisk.asked == [
        ("Setvar", CALL, "HOTLINE_QUEUE", "repair"),
        ("Setvar", CALL, "HOTLINE_PATIENCE", "600"),
        ("Redirect", CALL, "queue", "s", "1"),
    ]
    (event,) = await written(log)
    assert isinstance(event, CallMoved)
    assert (event.to, event.by) == ("repair", "zhao")


async def test_a_waiting_caller_is_taken_out_to_leave_a_message() -> None:
    asterisk = Asterisk()
    await floor(asterisk, MemoryLog(), WAITING).move(CALL, "message", by="zhao")
    assert asterisk.asked == [("Redirect", CALL, "message", "s", "1")]


async def test_nobody_is_moved_who_does_not_wait_or_to_where_nothing_is() -> None:
    asterisk = Asterisk()
    with pytest.raises(NotWaiting):
        await floor(asterisk, MemoryLog(), IN_TALK).move(CALL, "repair", by="zhao")
    with pytest.raises(NoSuchQueue):
        await floor(asterisk, MemoryLog(), WAITING).move(CALL, "repair\r\nAction: Hangup", by="zhao")
    assert asterisk.asked == []


async def test_what_asterisk_did_not_do_is_not_written_down() -> None:
    asterisk, log = Asterisk(), MemoryLog()
    asterisk.problem = ActionFailed("Redirect", "no such channel")
    with pytest.raises(NotDone):
        await floor(asterisk, log, WAITING).move(CALL, "repair", by="zhao")
    assert await written(log) == []
