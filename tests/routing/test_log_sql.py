"""The event log for good: what is acknowledged stays, whatever the database does."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from routing.log import EventLog, NotWritten, Recorded
from routing.log_sql import SqlLog, open_log, read_log
from routing.log_writer import Pace
from storage.database import Database, open_database
from tests.routing.databases import DATABASES, NewDatabase, on_postgresql, sqlite
from tests.routing.facts import ALICE, ended, everything, queued, rang, record


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[str]:
    new: NewDatabase = request.param
    async with new(tmp_path) as address:
        yield address


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
    async with disturbed_log(url) as (_, log), heard("commit") as commits:
        await record(log, *(queued("a-1.1", position) for position in range(1000)))
    assert 1 <= len(commits) <= 3


async def test_a_reader_reads_along_while_the_log_is_written(url: str) -> None:
    async with open_log(url) as log, read_log(url) as reader:
        for position in range(50):
            log.record(queued("a-1.1", position))
            if position % 10 == 0:
                assert await log.flushed() == len(await everything(reader)) == position + 1


async def test_no_question_makes_the_database_read_the_whole_log(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    async with sqlite(tmp_path) as url, open_log(url) as log:
        await record(log, *(rang(f"a-1.{n}") for n in range(100)))
        event.listen(Engine, "before_cursor_execute", note)
        try:
            await log.of_call("a-1.7")
            await log.calls(before=50)
            await log.calls_from(ALICE)
            await log.find("a-1.7")
            await log.after(50)
            await log.last_agent_steps()
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        assert len(asked) >= 6
        file = sqlite3.connect(tmp_path / "log.db")
        plans = {
            statement: [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in asked
        }
        file.close()
    whole = {statement: plan for statement, plan in plans.items() if any("SCAN events" in step for step in plan)}
    assert whole == {}


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


# When the database refuses


@asynccontextmanager
async def disturbed_log(
    url: str, *, pace: Pace = Pace(), patience: float = 5.0
) -> AsyncGenerator[tuple[Database, SqlLog]]:
    """A log and its database, to be disturbed by a test."""
    async with open_log(url):
        pass
    database = open_database(url, patience=patience)
    log = SqlLog(database, pace=pace)
    await log.start()
    try:
        yield database, log
    finally:
        await log.close()
        await database.close()


@asynccontextmanager
async def heard(what: str, do: Callable[[Connection], None] = lambda _: None) -> AsyncGenerator[list[Connection]]:
    """Collect each connection to which this happens, on any engine, and do something about it."""
    connections: list[Connection] = []

    def hear(connection: Connection) -> None:
        connections.append(connection)
        do(connection)

    event.listen(Engine, what, hear)
    try:
        yield connections
    finally:
        event.remove(Engine, what, hear)


IMPATIENT = Pace(linger=0.001, first_retry=0.01, slowest_retry=0.02)


async def trouble(log: EventLog) -> str:
    """Wait until the log reports a problem."""
    async with asyncio.timeout(30):
        while log.problem is None:
            await asyncio.sleep(0.01)
    return log.problem


async def test_while_another_process_locks_the_file_events_wait_in_order(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as url, disturbed_log(url, pace=IMPATIENT, patience=0.05) as (_, log):
        await record(log, queued("a-1.1", 0))
        other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for position in range(1, 20):
            log.record(queued("a-1.1", position))
        assert "database is locked" in await trouble(log)
        with pytest.raises(NotWritten, match=r"19 events wait.*database is locked"):
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
    async with sqlite(tmp_path) as url, disturbed_log(url, pace=IMPATIENT) as (database, log):
        await database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 20").all())
        for position in range(500):
            log.record(queued("a-1.1", position))
        assert "database or disk is full" in await trouble(log)
        log.record(queued("a-1.1", 500))
        assert log.waiting == 501
        await database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 100000").all())
        assert await log.flushed() == 501
        assert log.problem is None
        assert await log.of_call("a-1.1") == [queued("a-1.1", position) for position in range(501)]


@pytest.mark.parametrize("new", [on_postgresql])
async def test_when_postgresql_drops_the_link_nothing_is_lost_or_doubled(new: NewDatabase, tmp_path: Path) -> None:
    kill = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with new(tmp_path) as url, disturbed_log(url, pace=IMPATIENT) as (_, log):
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
    def lose_the_answer(connection: Connection) -> None:
        if committed:
            connection.connection.commit()
        raise OperationalError("COMMIT", {}, Exception("the link is gone"))

    async with disturbed_log(url, pace=IMPATIENT) as (_, log), open_log(url) as other:
        async with heard("commit", lose_the_answer):
            log.record(rang("a-1.1"))
            log.record(queued("a-1.1", 1))
            assert "the link is gone" in await trouble(log)
        await record(other, rang("b-1.1"))
        await record(log, ended("a-1.1"))
        assert await log.of_call("a-1.1") == [rang("a-1.1"), queued("a-1.1", 1), ended("a-1.1")]
        assert [each.seq for each in await everything(log)] == [1, 2, 3, 4]


async def test_a_problem_does_not_quote_what_was_to_be_written(url: str) -> None:
    async with disturbed_log(url, pace=IMPATIENT) as (database, log):
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
    async with disturbed_log(url) as (database, log):
        await database.write(lambda connection: connection.execute(insert, {"body": body}))
        with pytest.raises(ValueError, match=r"event 7 .*newer version.*caller-sang"):
            await log.of_call("a-1.1")
