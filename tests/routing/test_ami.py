"""The link to Asterisk's manager, against a manager of our own that can be made to fail (fake_manager.py)."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
import structlog.testing
import uvloop

from routing.ami import (
    ActionFailed,
    Link,
    LinkDown,
    LoginRefused,
    NoAnswer,
    PermissionRefused,
    Unsendable,
    backoff,
)
from routing.ami_manager import Request
from tests.routing.fake_manager import SECRET, SUCCESS, FakeManager, message

PATIENCE = 30.0
QUEUE_STATUS = [
    {**SUCCESS, "EventList": "start", "Message": "Queue status will follow"},
    {"Event": "QueueParams", "Queue": "repair"},
    {"Event": "QueueMember", "Queue": "repair", "Name": "1024"},
    {"Event": "QueueStatusComplete", "EventList": "Complete", "ListItems": "2"},
]


class Ear:
    """Hears the events and losses of one link, in order."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
        self.losses: asyncio.Queue[str] = asyncio.Queue()

    async def event(self) -> Mapping[str, str]:
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def loss(self) -> str:
        return await asyncio.wait_for(self.losses.get(), PATIENCE)


@asynccontextmanager
async def linked(asterisk: FakeManager, ear: Ear | None = None, **options: Any) -> AsyncIterator[Link]:
    """A link that is up, until the end of the block."""
    ear = ear or Ear()
    options = {"on_event": ear.events.put_nowait, "on_down": ear.losses.put_nowait, **options}
    link = Link(asterisk.address(), **options)
    await link.start()
    try:
        await link.ready(within=PATIENCE)
        yield link
    finally:
        await link.stop()


def actions(asterisk: FakeManager) -> list[str]:
    return [fields["Action"] for fields in asterisk.heard]


# Events


async def test_events_come_one_by_one_in_the_order_of_the_wire() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear):
        for number in range(500):
            asterisk.event("VarSet", Value=str(number))
        assert [(await ear.event())["Value"] for _ in range(500)] == [str(number) for number in range(500)]


async def test_a_failing_callback_is_logged_and_the_next_event_comes() -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(event: Mapping[str, str]) -> None:
        heard.put_nowait(event["Event"])
        if event["Event"] == "Newchannel":
            raise RuntimeError("a mistake of ours")

    async with FakeManager() as asterisk, linked(asterisk, on_event=hear) as link:
        with structlog.testing.capture_logs() as lines:
            asterisk.event("Newchannel", CallerIDNum="13800138000")
            asterisk.event("Hangup")
            assert [await heard.get(), await heard.get()] == ["Newchannel", "Hangup"]
        assert link.up
        assert asterisk.logins == 1
    assert [line["ami_event"] for line in lines] == ["Newchannel"]
    assert "138" not in str(lines)


async def test_a_character_cut_by_two_packets_arrives_whole() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear):
        second = message({"Event": "Newchannel", "CallerIDName": "王小明"})
        middle = second.index("小".encode()) + 1
        asterisk.send(message({"Event": "First"}) + second[:middle])
        assert (await ear.event())["Event"] == "First"
        asterisk.send(second[middle:])
        assert (await ear.event())["CallerIDName"] == "王小明"


async def test_the_filter_stands_before_the_first_event_is_let_through() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear, wanted=["name(Hangup)", "name(QueueCallerJoin)"]):
        assert actions(asterisk) == ["Login", "Filter", "Filter", "Events"]
        login, first, second, events = asterisk.heard
        assert login["Events"] == "system"
        assert first["Operation"] == second["Operation"] == "Add"
        assert first["MatchCriteria"] == "action(include),name(Hangup)"
        assert second["MatchCriteria"] == "action(include),name(QueueCallerJoin)"
        assert events["EventMask"] == "on"
        asterisk.event("Hangup")
        assert (await ear.event())["Event"] == "Hangup"
        assert ear.events.empty()


# Actions


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("QueueAdd", "Added interface to queue"),
        ("PlayDTMF", "DTMF successfully queued"),
        ("Redirect", "Redirect successful"),
        ("Originate", "Originate successfully queued"),
    ],
)
async def test_an_action_that_is_no_list_is_done_with_its_reply(action: str, answer: str) -> None:
    async with FakeManager() as asterisk, linked(asterisk) as link:
        asterisk.answers[action] = [{**SUCCESS, "Message": answer}]
        assert (await link.act(action, within=PATIENCE))["Message"] == answer
        assert (await link.act(action, within=PATIENCE))["Message"] == answer
        assert asterisk.logins == 1


async def test_a_list_gives_its_rows_and_none_of_them_is_taken_for_an_event() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear) as link:
        asterisk.answers["QueueStatus"] = QUEUE_STATUS
        rows = await link.rows("QueueStatus", within=PATIENCE, Queue="repair")
        assert [row["Event"] for row in rows] == ["QueueParams", "QueueMember"]
        assert rows[1]["Name"] == "1024"
        asterisk.event("Hangup")
        assert (await ear.event())["Event"] == "Hangup"


@pytest.mark.parametrize("answer", [[QUEUE_STATUS[0], QUEUE_STATUS[-1]], [{**SUCCESS, "Message": "not a list at all"}]])
async def test_a_list_without_rows_is_empty(answer: list[dict[str, str]]) -> None:
    async with FakeManager() as asterisk, linked(asterisk) as link:
        asterisk.answers["QueueStatus"] = answer
        assert await link.rows("QueueStatus", within=PATIENCE) == []


async def test_a_refused_list_fails_with_asterisks_own_words() -> None:
    async with FakeManager() as asterisk, linked(asterisk) as link:
        asterisk.answers["QueueStatus"] = [{"Response": "Error", "Message": "No such queue"}]
        with pytest.raises(ActionFailed, match="refused QueueStatus: No such queue") as refused:
            await link.rows("QueueStatus", within=PATIENCE)
        assert refused.value.answer == "No such queue"


async def test_a_missing_permission_names_the_account_and_the_file() -> None:
    async with FakeManager() as asterisk, linked(asterisk) as link:
        asterisk.answers["Originate"] = [{"Response": "Error", "Message": "Permission denied"}]
        with pytest.raises(PermissionRefused, match=r"Originate.*watch@127.*write=.*manager.conf"):
            await link.act("Originate", within=PATIENCE)


async def test_an_action_without_an_answer_ends_at_its_deadline_and_the_link_stays() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear) as link:
        asterisk.answers.update({"QueueStatus": None, "QueueAdd": [SUCCESS]})
        with pytest.raises(NoAnswer, match="did not answer QueueStatus"):
            await link.rows("QueueStatus", within=0.1)
        asked = await asterisk.asked("QueueStatus")
        for late in QUEUE_STATUS:
            asterisk.send(message({**late, "ActionID": asked["ActionID"]}))
        asterisk.event("Hangup")
        assert (await ear.event())["Event"] == "Hangup"
        await link.act("QueueAdd", within=PATIENCE)
        assert asterisk.logins == 1


async def test_what_became_of_a_call_is_heard_even_if_its_order_was_never_answered() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear) as link:
        asterisk.answers["Originate"] = None
        with pytest.raises(NoAnswer):
            await link.originate("PJSIP/1@telco", channel_id="job-7-1", within=0.1)
        asked = await asterisk.asked("Originate")
        asterisk.event("OriginateResponse", ActionID=asked["ActionID"], Response="Success", Reason="4")
        assert (await ear.event())["Reason"] == "4"


async def test_a_line_break_in_a_value_sends_nothing_and_harms_nothing() -> None:
    async with FakeManager() as asterisk, linked(asterisk) as link:
        asterisk.answers["QueuePause"] = [SUCCESS]
        before = actions(asterisk)
        for reason in ("tea\r\nAction: Command", "tea\n", "tea\0", "x" * 1024):
            with pytest.raises(Unsendable):
                await link.act("QueuePause", Reason=reason)
        with pytest.raises(Unsendable):
            await link.act("QueuePause\r\n\r\nAction: Command")
        await link.act("QueuePause", within=PATIENCE, Reason="tea")
        assert actions(asterisk) == [*before, "QueuePause"]


async def test_the_id_of_an_action_is_ours_to_choose() -> None:
    async with FakeManager() as asterisk, linked(asterisk) as link:
        with pytest.raises(Unsendable):
            await link.act("Ping", ActionID="1")
        assert "Ping" not in actions(asterisk)


async def test_a_call_out_is_ordered_with_our_own_channel_id_and_each_variable_on_its_line() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear) as link:
        asterisk.answers["Originate"] = [
            {**SUCCESS, "Message": "Originate successfully queued"},
            {"Event": "OriginateResponse", "Response": "Failure", "Reason": "0"},
        ]
        reply = await link.originate(
            "PJSIP/13800138000@telco",
            channel_id="job-7-1",
            ring_for=timedelta(seconds=2.5),
            variables={"TICKET": "7", "WHAT": 'no, "heat"'},
            within=PATIENCE,
            Context="visit",
            Exten="s",
            Priority="1",
        )
        assert reply["Message"] == "Originate successfully queued"
        asked = await asterisk.asked("Originate")
        assert asked.pop("ActionID") == reply["ActionID"]
        assert asked == {
            "Action": "Originate",
            "Async": "true",
            "Channel": "PJSIP/13800138000@telco",
            "ChannelId": "job-7-1",
            "Timeout": "2500",
            "Variable": 'TICKET=7|WHAT=no\\, \\"heat\\"',
            "Context": "visit",
            "Exten": "s",
            "Priority": "1",
        }
        assert (await ear.event())["Event"] == "OriginateResponse"


# A link that is lost


async def test_a_silent_link_is_noticed_cut_and_made_anew() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear, ping_every=0.2, deadline=1.0):
        began = time.monotonic()
        asterisk.go_deaf()
        assert await ear.loss() == "not a byte for 1 s"
        assert 0.5 < time.monotonic() - began < 10
        await asterisk.asked("Login")
        await asterisk.asked("Login")
        assert asterisk.logins == 2


def test_unless_told_otherwise_a_silent_link_is_noticed_within_six_seconds() -> None:
    defaults = {name: each.default for name, each in inspect.signature(Link).parameters.items()}
    assert (defaults["ping_every"], defaults["deadline"]) == (2.0, 5.0)


async def test_pings_keep_a_quiet_link_up() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear, ping_every=0.2, deadline=1.0):
        for _ in range(10):
            await asterisk.asked("Ping")
        assert asterisk.logins == 1
        assert ear.losses.empty()


async def test_when_we_were_asleep_ourselves_the_link_is_not_blamed() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear, ping_every=0.2, deadline=1.0):
        time.sleep(2.0)
        for _ in range(3):
            await asterisk.asked("Ping")
        assert asterisk.logins == 1
        assert ear.losses.empty()


async def test_what_was_pending_when_the_link_was_cut_is_told_and_never_sent_again() -> None:
    async with FakeManager() as asterisk:
        up_again: asyncio.Queue[None] = asyncio.Queue()

        async def came_up() -> None:
            up_again.put_nowait(None)

        async with linked(asterisk, on_up=came_up) as link:
            await up_again.get()
            asterisk.answers.update({"Originate": None, "QueueStatus": QUEUE_STATUS[:2], "QueueAdd": [SUCCESS]})
            call = asyncio.create_task(link.originate("PJSIP/1@telco", channel_id="job-1-1", within=PATIENCE))
            rows = asyncio.create_task(link.rows("QueueStatus", within=PATIENCE))
            await asterisk.asked("QueueStatus")
            asterisk.hang_up()
            for pending in (call, rows):
                with pytest.raises(LinkDown):
                    await pending
            await asyncio.wait_for(up_again.get(), PATIENCE)
            await link.act("QueueAdd", within=PATIENCE)
    assert actions(asterisk).count("Originate") == 1
    assert actions(asterisk).count("QueueStatus") == 1


async def test_a_lost_link_says_so_once_before_those_who_wait_and_comes_back() -> None:
    story: list[str] = []
    clock = iter(datetime(2026, 2, 17, 8, minute, tzinfo=UTC) for minute in range(60))
    up_twice = asyncio.Event()

    async def came_up() -> None:
        story.append(f"up at {link.state.since:%H:%M}")
        if asterisk.logins == 2:
            up_twice.set()

    def went_down(why: str) -> None:
        story.append(f"down at {link.state.since:%H:%M}, {why}")
        assert not link.up
        assert link.state.why == why

    async with FakeManager() as asterisk:
        link = Link(
            asterisk.address(),
            on_event=Ear().events.put_nowait,
            on_up=came_up,
            on_down=went_down,
            now=lambda: next(clock),
        )
        assert not link.up
        with pytest.raises(LinkDown, match="not started"):
            await link.act("Ping")
        await link.start()
        await link.ready(within=PATIENCE)
        asterisk.answers["Status"] = None
        pending = asyncio.create_task(link.act("Status", within=PATIENCE))
        await asterisk.asked("Status")
        asterisk.hang_up()
        with pytest.raises(LinkDown):
            await pending
        assert len(story) == 2
        with pytest.raises(LinkDown):
            await link.act("Status")
        await asyncio.wait_for(up_twice.wait(), PATIENCE)
        await link.stop()
    why = story[1].partition(", ")[2]
    assert why
    assert story == ["up at 08:01", f"down at 08:02, {why}", "up at 08:03"]
    assert link.state.why == "stopped"


async def test_a_failing_on_down_does_not_keep_the_link_from_coming_back() -> None:
    def went_down(why: str) -> None:
        raise RuntimeError("a mistake of ours")

    async with FakeManager() as asterisk, linked(asterisk, on_down=went_down):
        await asterisk.asked("Login")
        with structlog.testing.capture_logs() as lines:
            asterisk.hang_up()
            await asterisk.asked("Login")
        assert "error" in [line["log_level"] for line in lines]


async def test_stopping_tells_those_who_wait_and_leaves_nothing_behind() -> None:
    ear = Ear()
    tasks = asyncio.all_tasks()
    async with FakeManager() as asterisk, linked(asterisk, ear) as link:
        asterisk.answers["Status"] = None
        pending = asyncio.create_task(link.act("Status", within=PATIENCE))
        await asterisk.asked("Status")
        await link.stop()
        with pytest.raises(LinkDown):
            await pending
        assert not link.up
        await asterisk.hung_up_on()
    assert ear.losses.empty()
    assert asyncio.all_tasks() == tasks


# Coming up


async def test_on_up_runs_each_time_and_hears_events_meanwhile_in_order() -> None:
    ear = Ear()
    seen: asyncio.Queue[list[str]] = asyncio.Queue()

    async def came_up() -> None:
        asterisk.event("QueueMemberAdded")
        asterisk.event("QueueMemberRemoved")
        before = [(await ear.event())["Event"] for _ in range(2)]
        rows = await link.rows("QueueStatus", within=PATIENCE)
        seen.put_nowait(before + [row["Event"] for row in rows])

    async with FakeManager() as asterisk:
        asterisk.answers["QueueStatus"] = QUEUE_STATUS
        link = Link(asterisk.address(), on_event=ear.events.put_nowait, on_up=came_up)
        await link.start()
        for _ in range(2):
            assert await asyncio.wait_for(seen.get(), PATIENCE) == [
                "QueueMemberAdded",
                "QueueMemberRemoved",
                "QueueParams",
                "QueueMember",
            ]
            asterisk.hang_up()
        await link.stop()


async def test_a_failing_on_up_takes_the_link_down_and_is_tried_again() -> None:
    ear = Ear()
    times = 0

    async def came_up() -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise RuntimeError("a mistake of ours")

    with structlog.testing.capture_logs() as lines:
        async with FakeManager() as asterisk, linked(asterisk, ear, on_up=came_up) as link:
            assert await ear.loss() == "RuntimeError in on_up"
            assert link.up
            assert times == asterisk.logins == 2
    assert "error" in [line["log_level"] for line in lines]


async def test_an_on_up_that_does_not_end_takes_the_link_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.ami.ON_UP_WITHIN", 0.1)
    ear = Ear()
    never = asyncio.Event()
    async with FakeManager() as asterisk:
        link = Link(
            asterisk.address(),
            on_event=ear.events.put_nowait,
            on_up=never.wait,  # type: ignore[arg-type]
            on_down=ear.losses.put_nowait,
        )
        await link.start()
        assert await ear.loss() == "TimeoutError in on_up"
        await link.stop()


async def test_a_starting_asterisk_is_asked_nothing_until_it_has_started() -> None:
    ear = Ear()
    async with FakeManager(booted=False) as asterisk:
        link = Link(
            asterisk.address(),
            on_event=ear.events.put_nowait,
            wanted=["name(Hangup)"],
            deadline=PATIENCE,
        )
        await link.start()
        await asterisk.asked("Login")
        asterisk.event("Reload", Module="app_queue.so")
        asterisk.event("FullyBooted")
        await link.ready(within=PATIENCE)
        assert actions(asterisk) == ["Login", "Filter", "Events"]
        assert ear.events.empty()
        await link.stop()


async def test_an_account_that_is_not_told_of_the_start_goes_on_at_the_deadline_with_a_hint() -> None:
    with structlog.testing.capture_logs() as lines:
        async with FakeManager(booted=False) as asterisk, linked(asterisk, ping_every=0.2, deadline=1.0) as link:
            assert link.up
    assert any("read=system" in line["event"] for line in lines)


async def test_a_refused_login_says_which_account_and_never_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wrong-horse"
    with structlog.testing.capture_logs() as lines:
        async with FakeManager() as asterisk:
            address = asterisk.address(wrong)
            link = Link(address, on_event=Ear().events.put_nowait)
            await link.start()
            await asterisk.asked("Login")
            await asterisk.asked("Login")
            with pytest.raises(LoginRefused, match=r"watch@127.*Authentication failed.*manager.conf") as refused:
                await link.ready(within=0.1)
            await link.stop()
    login = repr(Request({"Action": "Login", "Secret": wrong}))
    shown = [str(lines), caplog.text, repr(address), str(address), repr(link), str(refused.value), login]
    assert not any(wrong in each for each in shown)
    assert len([line for line in lines if line["event"] == "link down"]) == 1


async def test_no_secret_or_number_is_in_any_log_of_a_link_at_work(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ear = Ear()
    with structlog.testing.capture_logs() as lines:
        async with FakeManager() as asterisk, linked(asterisk, ear) as link:
            asterisk.answers["Originate"] = None
            call = asyncio.create_task(link.originate("PJSIP/13800138000@telco", channel_id="job-1-1"))
            await asterisk.asked("Originate")
            asterisk.event("Newchannel", CallerIDNum="13800138000")
            await ear.event()
            asterisk.hang_up()
            with pytest.raises(LinkDown):
                await call
    assert not any(each in caplog.text + str(lines) for each in (SECRET, "13800138000"))


async def test_a_refused_filter_keeps_the_link_down_and_says_why() -> None:
    async with FakeManager() as asterisk:
        asterisk.answers["Filter"] = [{"Response": "Error", "Message": "Permission denied"}]
        link = Link(asterisk.address(), on_event=Ear().events.put_nowait, wanted=["name(Hangup)"])
        await link.start()
        await asterisk.asked("Filter")
        await asterisk.asked("Login")
        with pytest.raises(PermissionRefused, match="Filter"):
            await link.ready(within=0.1)
        assert not link.up
        await link.stop()


async def test_an_asterisk_that_is_not_there_yet_is_waited_for() -> None:
    ear = Ear()
    async with FakeManager() as asterisk:
        await asterisk.close()
        link = Link(asterisk.address(), on_event=ear.events.put_nowait, on_down=ear.losses.put_nowait, ping_every=0.3)
        never_up = link.state.since
        await link.start()
        with pytest.raises(LinkDown):
            await link.ready(within=0.5)
        assert link.state.since == never_up
        await asterisk.listen(asterisk.port)
        await link.ready(within=PATIENCE)
        for _ in range(10):  # longer than panoramisk would take to connect a second time
            await asterisk.asked("Ping")
        assert asterisk.connections == 1
        assert ear.losses.empty()
        await link.stop()


async def test_one_who_hangs_up_as_soon_as_we_connect_is_tried_again() -> None:
    tries: asyncio.Queue[None] = asyncio.Queue()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.put_nowait(None)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    asterisk = FakeManager()
    asterisk.port = server.sockets[0].getsockname()[1]
    link = Link(asterisk.address(), on_event=Ear().events.put_nowait)
    await link.start()
    for _ in range(3):
        await asyncio.wait_for(tries.get(), PATIENCE)
    await link.stop()
    server.close()
    await server.wait_closed()


async def test_one_who_talks_without_end_is_hung_up_on() -> None:
    ear = Ear()
    async with FakeManager() as asterisk, linked(asterisk, ear):
        asterisk.send(b"x" * 300_000)
        assert "without the end of a message" in await ear.loss()


def test_each_pause_before_the_next_try_may_be_longer_up_to_five_seconds_and_is_not_foreseeable() -> None:
    many = [list(islice(backoff(), 12)) for _ in range(50)]
    assert all(0.2 <= pause <= 5.0 for pauses in many for pause in pauses)
    assert all(pauses[0] <= 0.4 for pauses in many)
    assert max(pauses[-1] for pauses in many) > 2.5
    assert len({pauses[0] for pauses in many}) == 50


def test_the_link_is_the_same_on_uvloop() -> None:
    async def story() -> None:
        ear = Ear()
        async with FakeManager() as asterisk, linked(asterisk, ear, ping_every=0.2, deadline=1.0) as link:
            asterisk.answers["QueueStatus"] = QUEUE_STATUS
            assert len(await link.rows("QueueStatus", within=PATIENCE)) == 2
            asterisk.event("Hangup")
            assert (await ear.event())["Event"] == "Hangup"
            asterisk.go_deaf()
            assert await ear.loss() == "not a byte for 1 s"
            await asterisk.asked("Login")
            await asterisk.asked("Login")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
