"""What casework may rely on, whichever database it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from casework import migrations
from casework.schema import METADATA
from storage.database import Database
from tests.casework.databases import EVERYWHERE, a_database


@pytest.fixture(params=EVERYWHERE)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database]:
    async with a_database(request.param, tmp_path) as opened:
        yield opened


def count(connection: Connection) -> int:
    found: int = connection.execute(text("SELECT count(*) FROM pieces")).scalar_one()
    return found


async def test_a_transaction_is_written_whole_or_not_at_all(database: Database) -> None:
    def half(transaction: Connection) -> None:
        transaction.execute(text("INSERT INTO pieces VALUES (2)"))
        raise RuntimeError("power cut")

    await database.write(lambda transaction: transaction.execute(text("CREATE TABLE pieces (id INTEGER)")))
    await database.write(lambda transaction: transaction.execute(text("INSERT INTO pieces VALUES (1)")))
    with pytest.raises(RuntimeError, match="power cut"):
        await database.write(half)
    assert await database.read(count) == 1


async def test_the_migrated_tables_are_those_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        ours = {"version_table": migrations.HISTORY.version_table, "include_object": is_ours}
        context = MigrationContext.configure(connection, opts=ours)
        return list(compare_metadata(context, METADATA))

    assert await database.write(differences) == []


def is_ours(_: object, name: str | None, *__: object) -> bool:
    """The index of words is another one on each database, so only the migration knows it."""
    return name is None or not name.startswith(("ticket_words", "ix_tickets_words"))


async def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database: Database) -> None:
    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    before = await database.write(tables)
    assert before >= METADATA.tables.keys()
    await migrations.HISTORY.upgrade(database)
    assert await database.write(tables) == before
