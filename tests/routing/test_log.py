"""The event log: in memory, on SQLite and on PostgreSQL it keeps the same promises."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from routing.database import Database, open_database
from routing.events import (
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    Event,
    HotlineStarted,
    LinkBack,
    LinkLost,
    PhoneNumber,
)
from routing.log import EventLog, MemoryLog, Missed, NotWritten, Recorded
from routing.log_sql import SqlLog, open_log, read_log
from routing.log_writer import Pace
from tests.routing.databases import DATABASES, NewDatabase, on_postgresql, sqlite

START = datetime(2025, 11, 21, 9, 20, tzinfo=UTC)
ALICE, BOB = PhoneNumber("13812345678"), PhoneNumber("13900000000")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rang(call: str, seconds: float = 0, caller: PhoneNumber | None = ALICE) -> CallRang:
    return CallRang(at=at(seconds), call=call, caller=caller, dialled="95598")


def queued(call: str, position: int, seconds: float = 0) -> CallQueued:
    return CallQueued(at=at(seconds), call=call, queue="repair", position=position)


def ended(call: str, seconds: float = 0) -> CallEnded:
    return CallEnded(at=at(seconds), call=call, by="caller", why="Normal Clearing")


async def record(log: EventLog, *events: Event) -> None:
    for each in events:
        log.record(each)
    await log.flushed()


async def everything(log: EventLog) -> list[Recorded]:
    return list(await log.after(0))


@pytest.fixture(params=["memory", *DATABASES])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[EventLog]:
    if request.param == "memory":
        yield MemoryLog()
        return
    async with request.param(tmp_path) as url, open_log(url) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[str]:
    new: NewDatabase = request.param
    async with new(tmp_path) as address:
        yield address


# What was recorded can be read


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
            seen |= [await anext(slow)]  # type: ignore[list-item]
        assert sorted(seen) == list(range(2, 11))
        assert [(await anext(quick)).seq for _ in range(10)] == list(range(1, 11))  # type: ignore[union-attr]


async def test_what_a_listener_hears_is_already_written(url: str) -> None:
    async with open_log(url) as log, read_log(url) as other, log.subscribe() as live:
        log.record(rang("a-1.1"))
        assert [await anext(live)] == await everything(other)


async def test_a_listener_hears_the_end_when_the_log_is_closed(url: str) -> None:
    async with open_log(url) as log:
        listening = log.subscribe()
        live = await listening.__aenter__()
        log.record(rang("a-1.1"))
    assert [each async for each in live] == [Recorded(1, rang("a-1.1"))]
    await listening.__aexit__(None, None, None)


# Writing for good


async def test_numbers_go_on_after_a_restart_and_are_never_used_again(url: str) -> None:
    async with open_log(url) as log:
        await record(log, *(queued("a-1.1", position) for position in range(5)))
    database = open_database(url)
    await database.write(lambda connection: connection.execute(text("DELETE FROM events WHERE seq > 2")))
    await database.close()
    async with open_log(url) as log:
        await record(log, ended("a-1.1"))
        assert [each.seq for each in await everything(log)] == [1, 2, 6]


async def test_closing_writes_what_was_recorded(url: str) -> None:
    async with open_log(url) as log:
        for position in range(2000):
            log.record(queued("a-1.1", position))
    async with read_log(url) as reader:
        written = [each.event for each in await reader.after(0, limit=3000)]
    assert written == [queued("a-1.1", position) for position in range(2000)]


async def test_many_events_need_few_commits(url: str) -> None:
    database = open_database(url)
    commits = 0
    async with database_log(url) as (database, log):
        write = database.write

        async def counted(work: Callable[..., Any]) -> Any:
            nonlocal commits
            commits += 1
            return await write(work)

        database.write = counted  # type: ignore[method-assign, assignment]
        await record(log, *(queued("a-1.1", position) for position in range(1000)))
    assert commits <= 3


async def test_a_reader_reads_along_while_the_log_is_written(url: str) -> None:
    async with open_log(url) as log, read_log(url) as reader:
        for position in range(50):
            log.record(queued("a-1.1", position))
            if position % 10 == 0:
                assert await log.flushed() == len(await everything(reader)) == position + 1


async def test_two_servers_write_one_log_without_a_gap(url: str) -> None:
    async with open_log(url) as one, open_log(url) as other:
        for position in range(300):
            one.record(queued("a-1.1", position))
            other.record(queued("b-1.1", position))
            if position % 20 == 0:
                await asyncio.gather(one.flushed(), other.flushed())
        await asyncio.gather(one.flushed(), other.flushed())
        assert [each.seq for each in await everything(one)] == list(range(1, 601))
        for call in ("a-1.1", "b-1.1"):
            assert await one.of_call(call) == [queued(call, position) for position in range(300)]


async def test_two_servers_may_start_at_once_on_an_empty_database(url: str) -> None:
    async def open_and_record(call: str) -> None:
        async with open_log(url) as log:
            await record(log, rang(call))

    await asyncio.gather(*(open_and_record(f"a-1.{n}") for n in range(4)))
    async with read_log(url) as log:
        assert len(await log.calls()) == 4


# When the database refuses


@asynccontextmanager
async def database_log(url: str, *, pace: Pace = Pace()) -> AsyncGenerator[tuple[Database, SqlLog]]:
    """A log on a database that gives up quickly, to be disturbed by a test."""
    async with open_log(url):
        pass
    database = open_database(url, patience=0.05)
    log = SqlLog(database, pace=pace)
    await log.start()
    try:
        yield database, log
    finally:
        await log.close()
        await database.close()


IMPATIENT = Pace(linger=0.001, first_retry=0.01, slowest_retry=0.02)


async def trouble(log: EventLog) -> str:
    """Wait until the log reports a problem."""
    async with asyncio.timeout(30):
        while log.problem is None:
            await asyncio.sleep(0.01)
    return log.problem


async def test_while_another_process_locks_the_file_events_wait_in_order(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as url, database_log(url, pace=IMPATIENT) as (_, log):
        await record(log, queued("a-1.1", 0))
        other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for position in range(1, 20):
            log.record(queued("a-1.1", position))
        assert "database is locked" in await trouble(log)
        with pytest.raises(NotWritten, match="19 events wait.*database is locked"):
            await log.flushed(within=0.1)
        log.record(queued("a-1.1", 20))
        assert log.waiting == 20
        assert len(await everything(log)) == 1
        other.execute("ROLLBACK")
        other.close()
        assert await log.flushed() == 21
        assert (log.problem, log.waiting) == (None, 0)
        assert await log.of_call("a-1.1") == [queued("a-1.1", position) for position in range(21)]


async def test_while_the_disk_is_full_events_wait_in_order(tmp_path: Path) -> None:
    connections: list[sqlite3.Connection] = []

    def fill(connection: Any, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connections.append(connection)
            connection.execute("PRAGMA max_page_count = 20")

    async with sqlite(tmp_path) as url, open_log(url):
        pass
    event.listen(Engine, "connect", fill)
    try:
        async with database_log(url, pace=IMPATIENT) as (_, log):
            for position in range(500):
                log.record(queued("a-1.1", position))
            assert "database or disk is full" in await trouble(log)
            log.record(queued("a-1.1", 500))
            assert log.waiting == 501
            for connection in connections:
                connection.execute("PRAGMA max_page_count = 1000000")
            assert await log.flushed() == 501
            assert log.problem is None
            assert await log.of_call("a-1.1") == [queued("a-1.1", position) for position in range(501)]
    finally:
        event.remove(Engine, "connect", fill)


@pytest.mark.parametrize("new", [on_postgresql])
async def test_when_postgresql_drops_the_link_nothing_is_lost_or_doubled(new: NewDatabase, tmp_path: Path) -> None:
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with new(tmp_path) as url, database_log(url, pace=IMPATIENT) as (_, log):
        killer = open_database(url)
        for position in range(200):
            log.record(queued("a-1.1", position))
            if position % 20 == 10:
                await killer.write(lambda connection: connection.execute(kill).all())
        await killer.close()
        assert await log.flushed() == 200
        assert await log.of_call("a-1.1") == [queued("a-1.1", position) for position in range(200)]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_whose_answer_is_lost_happens_exactly_once(url: str, committed: bool) -> None:
    lost: list[bool] = []

    def lose(connection: Any) -> None:
        if not lost:
            lost.append(True)
            if committed:
                connection.connection.commit()
            raise OperationalError("COMMIT", {}, Exception("the link is gone"))

    async with database_log(url, pace=IMPATIENT) as (_, log), open_log(url) as other:
        event.listen(Engine, "commit", lose)
        try:
            log.record(rang("a-1.1"))
            log.record(queued("a-1.1", 1))
            await trouble(log)
            event.remove(Engine, "commit", lose)
            await record(other, rang("b-1.1"))
            log.record(ended("a-1.1"))
            await log.flushed()
        finally:
            if event.contains(Engine, "commit", lose):
                event.remove(Engine, "commit", lose)
        assert await log.of_call("a-1.1") == [rang("a-1.1"), queued("a-1.1", 1), ended("a-1.1")]
        assert [each.seq for each in await everything(log)] == [1, 2, 3, 4]


async def test_a_problem_does_not_quote_what_was_to_be_written(url: str) -> None:
    async with database_log(url, pace=IMPATIENT) as (database, log):
        await database.write(lambda connection: connection.execute(text("DROP TABLE calls")))
        with structlog.testing.capture_logs() as reports:
            log.record(rang("a-1.1"))
            problem = await trouble(log)
            await log.close(within=0.05)
    assert ALICE.digits not in problem + str(reports)
    assert [each["event"] for each in reports] == [
        "the event log cannot be written",
        "the event log was closed before all was written",
    ]


# The file


async def test_what_is_acknowledged_outlives_a_power_cut_by_wal_and_full_synchronous(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as url, open_log(url):
        database = open_database(url)

        def pragma(name: str) -> Any:
            return database.write(lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar())

        assert [await pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")] == ["wal", 2, 1]
        await database.close()


async def test_the_file_is_for_our_eyes_only(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as url, open_log(url) as log:
        await record(log, rang("a-1.1"))
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


async def test_reading_a_log_that_is_not_there_says_so_and_makes_no_file(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as url:
        with pytest.raises(FileNotFoundError, match="nothing was written there yet"):
            async with read_log(url):
                pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_an_address_we_cannot_use_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="the database must be sqlite:"):
        open_database(address)


async def test_an_event_that_a_newer_version_wrote_is_named(url: str) -> None:
    body = json.dumps({"event": "caller-sang", "at": "2025-11-21T09:20:00Z"})
    insert = text("INSERT INTO events (seq, kind, call, body) VALUES (7, 'caller-sang', 'a-1.1', :body)")
    async with database_log(url) as (database, log):
        await database.write(lambda connection: connection.execute(insert, {"body": body}))
        with pytest.raises(ValueError, match=r"event 7 .*newer version.*caller-sang"):
            await log.of_call("a-1.1")
