"""The tables as the migrations make them are the tables the log works with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from routing import migrations
from routing.log_tables import METADATA
from storage.database import open_database
from tests.routing.databases import DATABASES, NewDatabase

EVERY_INDEX = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def schema(connection: Connection) -> dict[str, Any]:
    """Everything the database knows about our tables, down to conditions and collations."""
    look = inspect(connection)
    indexes = connection.execute(text(EVERY_INDEX[connection.dialect.name])).all()
    return {
        "indexes": {name: sql for name, sql in indexes if migrations.HISTORY.version_table not in name},
        **{
            table: {
                "columns": [{**column, "type": repr(column["type"])} for column in look.get_columns(table)],
                "key": look.get_pk_constraint(table),
                "checks": look.get_check_constraints(table),
            }
            for table in METADATA.tables
        },
    }


@pytest.mark.parametrize("new", DATABASES)
async def test_the_migrated_tables_are_those_of_the_code(new: NewDatabase, tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.HISTORY.version_table})
        return list(compare_metadata(context, METADATA))

    made, migrated = tmp_path / "made", tmp_path / "migrated"
    made.mkdir()
    migrated.mkdir()
    async with new(made) as by_code, new(migrated) as by_steps:
        one, other = open_database(by_code), open_database(by_steps)
        await one.write(METADATA.create_all)
        await migrations.HISTORY.upgrade(other)
        assert await other.write(differences) == []
        assert await other.write(schema) == await one.write(schema)
        await one.close()
        await other.close()


@pytest.mark.parametrize("new", DATABASES)
async def test_an_upgrade_that_fails_half_way_leaves_nothing_and_can_be_run_again(
    new: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    async with new(tmp_path) as url:
        database = open_database(url)
        with monkeypatch.context() as trouble:
            trouble.setattr("alembic.op.bulk_insert", power_cut)
            with pytest.raises(RuntimeError, match="power cut"):
                await migrations.HISTORY.upgrade(database)
        assert await database.write(tables) == set()
        await migrations.HISTORY.upgrade(database)
        await migrations.HISTORY.upgrade(database)
        assert await database.write(tables) == {*METADATA.tables, migrations.HISTORY.version_table}
        await database.close()


def power_cut(*_: object) -> None:
    raise RuntimeError("power cut")
