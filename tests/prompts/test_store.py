"""What operators have said, in both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from prompts import migrations
from prompts.calendar.notice import Notice, WindowChange
from prompts.errors import NoSuchWords
from prompts.news import Announcement
from prompts.store import Store
from prompts.tables import METADATA
from storage.database import Database, open_database
from tests.routing.databases import DATABASES, NewDatabase

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
OUTAGE = Announcement(
    area="east",
    text={"zh": "东城区正在抢修，\U0001f6a7 暂停供暖。"},
    begins=NOW,
    ends=NOW + timedelta(hours=5),
    expected_end=NOW + timedelta(hours=4),
    by="zhao",
)


@pytest_asyncio.fixture(params=DATABASES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    new: NewDatabase = request.param
    async with new(tmp_path) as url:
        opened = open_database(url)
        await migrations.HISTORY.upgrade(opened)
        yield opened
        await opened.close()


async def test_what_is_announced_is_known_after_a_restart_until_it_is_withdrawn(database: Database) -> None:
    store = Store(database)
    number = await store.next_number()
    assert (await store.said()).news == [], "a number alone announces nothing"
    told = await store.announce(number, OUTAGE, at=NOW)
    assert told.prompt == f"news_{number}"
    assert (await Store(database).said()).news == [told]

    await store.withdraw("news", number, at=NOW)
    assert (await store.said()).news == []
    with pytest.raises(NoSuchWords):
        await store.withdraw("news", number, at=NOW)
    assert await store.next_number() > number, "a number is never used again: the log names prompts by it"


async def test_what_follows_a_ticket_is_remembered_after_it_was_withdrawn(database: Database) -> None:
    store = Store(database)
    assert not await store.was_announced("ticket-271828188-0")
    number = await store.next_number()
    await store.announce(number, OUTAGE.model_copy(update={"about": "ticket-271828188-0"}), at=NOW)
    await store.withdraw("news", number, at=NOW)
    assert await store.was_announced("ticket-271828188-0")
    assert not await store.was_announced("ticket-271828188-1")


async def test_changes_of_the_calendar_come_back_as_they_were_said_in_their_order(database: Database) -> None:
    store = Store(database)
    silence = Notice(windows=(WindowChange(do="silence", first=datetime(2026, 10, 1, 8), last=date(2026, 10, 2)),))  # noqa: DTZ001
    moved = Notice(
        windows=[WindowChange(do="move", festival="new_year", first=date(2026, 12, 31), last=date(2027, 1, 2))]
    )
    numbers = [await store.change(silence, by="zhao"), await store.change(moved, by="qian")]
    found = (await store.said()).changes
    assert [(one.number, one.notice, one.by) for one in found] == [
        (numbers[0], silence, "zhao"),
        (numbers[1], moved, "qian"),
    ]
    with pytest.raises(NoSuchWords):
        await store.withdraw("news", numbers[0], at=NOW)
    await store.withdraw("calendar", numbers[0], at=NOW)
    assert [one.number for one in (await store.said()).changes] == numbers[1:]


async def test_the_migrated_tables_are_those_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.HISTORY.version_table})
        return list(compare_metadata(context, METADATA))

    assert await database.write(differences) == []
