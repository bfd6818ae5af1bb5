"""The event log: in memory, on SQLite and on PostgreSQL it keeps the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from routing.events import (
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    CallAnswered,
    CallQueued,
    CallRang,
    HotlineStarted,
    LinkBack,
    LinkLost,
    PhoneNumber,
    PromptHeard,
)
from routing.log import EventLog, MemoryLog, Missed, Recorded
from routing.log_sql import open_log
from tests.routing.databases import DATABASES
from tests.routing.facts import ALICE, BOB, at, ended, everything, queued, rang, record


@pytest.fixture(params=["memory", *DATABASES])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[EventLog]:
    if request.param == "memory":
        yield MemoryLog()
        return
    async with request.param(tmp_path) as url, open_log(url) as opened:
        yield opened


# What was recorded can be read


async def test_who_is_concerned_with_some_kinds_reads_and_hears_no_others(log: EventLog) -> None:
    async with log.subscribe(only=(CallRang,)) as live:
        await record(log, queued("pbx-1.1", 1), rang("pbx-1.1"), queued("pbx-1.1", 2), rang("pbx-1.2"))
        heard = [await asyncio.wait_for(anext(live), 10) for _ in range(2)]
    assert heard == [Recorded(2, rang("pbx-1.1")), Recorded(4, rang("pbx-1.2"))]
    assert await log.after(0, only=(CallRang, CallAnswered)) == heard
    assert await log.after(2, only=(CallRang,)) == heard[1:]
    assert await log.after(0, only=(CallRang,), limit=1) == heard[:1]


async def test_several_calls_are_read_together(log: EventLog) -> None:
    await record(
        log, rang("pbx-1.1"), queued("pbx-1.2", 1), rang("pbx-1.3"), queued("pbx-1.1", 1), queued("pbx-1.1", 2)
    )
    told = await log.of_calls({"pbx-1.1", "pbx-1.2", "pbx-1.9"}, only=(CallQueued,))
    assert told == {"pbx-1.1": [queued("pbx-1.1", 1), queued("pbx-1.1", 2)], "pbx-1.2": [queued("pbx-1.2", 1)]}


async def test_events_are_read_back_in_the_order_they_were_recorded(log: EventLog) -> None:
    events = [rang("pbx-1.1"), rang("pbx-1.2", caller=None), queued("pbx-1.1", 1), LinkLost(at=at(1), why="gone")]
    for each in events:
        log.record(each)
    assert await log.flushed() == 4
    assert await everything(log) == [Recorded(number, each) for number, each in enumerate(events, 1)]


async def test_reading_goes_on_where_it_stopped(log: EventLog) -> None:
    await record(log, *(queued("pbx-1.1", position) for position in range(7)))
    seen, newest = [], 0
    while page := await log.after(newest, limit=3):
        seen += [each.seq for each in page]
        newest = seen[-1]
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_an_empty_log_has_nothing_to_tell(log: EventLog) -> None:
    assert await log.flushed() == 0
    assert await everything(log) == []
    assert await log.of_call("pbx-1.1") == []
    assert await log.calls() == []
    assert await log.last_agent_steps() == {}
    assert (log.problem, log.waiting) == (None, 0)


async def test_an_agent_who_dials_a_code_is_no_caller(log: EventLog) -> None:
    heard = PromptHeard(
        at=at(1),
        call="pbx-1.1",
        prompt="signed_in",
        language="zh",
        version="1",
        heard=timedelta(1),
        length=timedelta(1),
    )
    await record(log, heard, CallAnswered(at=at(2), call="pbx-1.2"), rang("pbx-1.2", 3), heard)
    assert [(logged.call, len(logged.events)) for logged in await log.calls()] == [("pbx-1.2", 2)]
    assert await log.of_call("pbx-1.1") == [heard, heard]


async def test_a_call_is_told_with_the_gaps_in_it_but_not_with_those_around_it(log: EventLog) -> None:
    before, within, after = LinkLost(at=at(0), why="x"), LinkBack(at=at(2), away=timedelta(1)), HotlineStarted(at=at(9))
    own = [rang("pbx-1.1", 1), queued("pbx-1.1", 1, 3)]
    paused = AgentPaused(at=at(2), agent="1024", reason="lunch")
    await record(log, before, own[0], within, paused, rang("pbx-1.2"), own[1], after)
    assert await log.of_call("pbx-1.1") == [own[0], within, own[1]]


async def test_calls_are_listed_newest_first_each_with_its_own_events(log: EventLog) -> None:
    await record(
        log, rang("a-1.1", 0), rang("a-1.2", 10), ended("a-1.1", 20), LinkLost(at=at(21), why="x"), ended("a-1.2", 30)
    )
    found = await log.calls()
    assert [(each.call, each.first, list(each.events)) for each in found] == [
        ("a-1.2", 2, [rang("a-1.2", 10), ended("a-1.2", 30)]),
        ("a-1.1", 1, [rang("a-1.1", 0), ended("a-1.1", 20)]),
    ]


async def test_calls_are_listed_page_by_page_and_since_a_time(log: EventLog) -> None:
    await record(log, *(rang(f"a-1.{n}", n) for n in range(5)))
    first = await log.calls(limit=2)
    assert [each.call for each in first] == ["a-1.4", "a-1.3"]
    assert [each.call for each in await log.calls(limit=2, before=first[-1].first)] == ["a-1.2", "a-1.1"]
    assert [each.call for each in await log.calls(since=at(3))] == ["a-1.4", "a-1.3"]


async def test_a_caller_finds_all_calls_from_the_same_number(log: EventLog) -> None:
    await record(log, rang("a-1.1"), rang("a-1.2", caller=BOB), rang("a-1.3"), rang("a-1.4", caller=None))
    assert [each.call for each in await log.calls_from(ALICE)] == ["a-1.3", "a-1.1"]
    assert [each.call for each in await log.calls_from(ALICE, limit=1)] == ["a-1.3"]
    assert await log.calls_from(PhoneNumber("138")) == []


async def test_a_callers_number_that_becomes_known_late_is_found(log: EventLog) -> None:
    await record(log, CallAnswered(at=at(0), call="a-1.1"))
    await record(log, rang("a-1.1"))
    await record(log, rang("a-1.1", caller=None))
    assert [each.call for each in await log.calls_from(ALICE)] == ["a-1.1"]


async def test_a_call_is_found_by_the_beginning_of_its_id(log: EventLog) -> None:
    await record(log, *(rang(call) for call in ("pbx-1.1", "pbx-1.12", "pbx-2.1", "pbx_1.3", "PBX-1.4", "pbx-1.%")))
    assert await log.find("pbx-1.1") == ["pbx-1.12", "pbx-1.1"]
    assert await log.find("pbx-") == ["pbx-1.%", "pbx-2.1", "pbx-1.12", "pbx-1.1"]
    assert await log.find("pbx-", limit=1) == ["pbx-1.%"]
    assert await log.find("pbx-1.%") == ["pbx-1.%"]
    assert await log.find("bx") == []


async def test_of_each_agent_the_last_confirmed_step_is_known(log: EventLog) -> None:
    await record(
        log,
        AgentSignedIn(at=at(0), agent="1024"),
        AgentPaused(at=at(9), agent="1024", reason="lunch"),
        AgentSignedIn(at=at(0), agent="1025"),
        AgentPaused(at=at(0), agent="1025", reason="desk"),
        AgentUnpaused(at=at(0), agent="1025"),
        AgentSignedOut(at=at(0), agent="1026"),
        AgentRestored(at=at(0), agent="1026", state="ready"),
    )
    assert await log.last_agent_steps() == {
        "1024": AgentPaused(at=at(9), agent="1024", reason="lunch"),
        "1025": AgentUnpaused(at=at(0), agent="1025"),
        "1026": AgentSignedOut(at=at(0), agent="1026"),
    }


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "'; DROP TABLE events; --", "用户\u202e", "9" * 20_000, "%_\\", "\r\n520"]
)
async def test_hostile_text_is_kept_as_it_came_and_harms_nothing(log: EventLog, text: str) -> None:
    hostile = CallRang(at=at(0), call="a-1.1" + text, caller=PhoneNumber(text), dialled=text)
    await record(log, hostile, rang("a-2.1"))
    assert await log.of_call("a-1.1" + text) == [hostile]
    assert [each.call for each in await log.calls_from(PhoneNumber(text))] == [(await log.find("a-1"))[0]]
    assert [each.event for each in await everything(log)] == [hostile, rang("a-2.1")]


async def test_a_wrong_event_is_reported_and_left_out(log: EventLog) -> None:
    wrong = CallRang(at=datetime(2025, 11, 21), call="a-1.1", caller=ALICE, dialled="95598")  # noqa: DTZ001
    with structlog.testing.capture_logs() as reports:
        await record(log, rang("a-1.1"), wrong, ended("a-1.1"))
        await record(log, wrong)
    assert [each.event for each in await everything(log)] == [rang("a-1.1"), ended("a-1.1")]
    assert [each["event"] for each in reports] == ["an event was refused"] * 2
    assert ALICE.digits not in str(reports)


# Listening


async def test_a_listener_hears_what_is_written_from_now_on(log: EventLog) -> None:
    await record(log, rang("a-1.1"))
    async with log.subscribe() as live:
        await record(log, queued("a-1.1", 1), ended("a-1.1"))
        assert await anext(live) == Recorded(2, queued("a-1.1", 1))
        assert await anext(live) == Recorded(3, ended("a-1.1"))


async def test_a_listener_waits_for_the_next_event(log: EventLog) -> None:
    async with log.subscribe() as live:
        waiting = asyncio.ensure_future(anext(live))
        await asyncio.sleep(0)
        assert not waiting.done()
        log.record(rang("a-1.1"))
        assert await asyncio.wait_for(waiting, 10) == Recorded(1, rang("a-1.1"))


async def test_a_slow_listener_learns_that_it_missed_and_catches_up(log: EventLog) -> None:
    async with log.subscribe(room=3) as slow, log.subscribe(room=100) as quick:
        await record(log, queued("a-1.1", 1))
        assert await anext(slow) == Recorded(1, queued("a-1.1", 1))
        await record(log, *(queued("a-1.1", position) for position in range(2, 10)))
        missed = await anext(slow)
        assert missed == Missed(after=1)
        seen = {each.seq: each.event for each in await log.after(missed.after)}
        await record(log, ended("a-1.1"))
        while max(seen) < 10:
            recorded = await anext(slow)
            assert isinstance(recorded, Recorded)
            seen[recorded.seq] = recorded.event
        assert sorted(seen) == list(range(2, 11))
        assert [await anext(quick) for _ in range(10)] == await everything(log)
