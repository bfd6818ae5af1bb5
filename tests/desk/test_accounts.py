"""Users and sessions on both databases, and the tables' own history."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from desk import migrations
from desk.access import Role
from desk.accounts import open_accounts
from desk.tables import METADATA
from desk.users import LastAdmin, User, UserExists, UserUnknown
from routing.log_sql import open_log
from storage.database import open_database
from tests.routing.databases import DATABASES, NewDatabase


@pytest.mark.parametrize("new", DATABASES)
async def test_users_and_sessions_are_kept_found_and_forgotten(new: NewDatabase, tmp_path: Path) -> None:
    async with new(tmp_path) as url, open_log(url), open_accounts(url) as accounts:
        li = User("li", Role.ADMIN, "9001")
        await accounts.add(li, "a hash", only_first=True)
        await accounts.add(User("chen", Role.AGENT), "another hash")
        for again in (accounts.add(li, "x"), accounts.add(User("wu", Role.ADMIN), "x", only_first=True)):
            with pytest.raises(UserExists):
                await again
        assert await accounts.find("li") == (li, "a hash")
        assert [user.name for user in await accounts.all()] == ["chen", "li"]

        token, begun = await accounts.begin(li)
        assert await accounts.session(token) == begun
        assert await accounts.session(token[:-1]) is None
        other, _ = await accounts.begin(li, instead_of=token)
        assert await accounts.session(token) is None
        await accounts.set_password("li", "new hash")
        assert await accounts.session(other) is None

        with pytest.raises(LastAdmin):
            await accounts.remove("li")
        with pytest.raises(UserUnknown):
            await accounts.set_password("nobody", "x")
        await accounts.change(User("chen", Role.ADMIN, "1024"))
        await accounts.remove("li")
        assert await accounts.find("li") is None


@pytest.mark.parametrize("new", DATABASES)
async def test_of_two_admins_removed_at_the_same_moment_one_stays(new: NewDatabase, tmp_path: Path) -> None:
    async with new(tmp_path) as url, open_accounts(url) as one, open_accounts(url) as other:
        await one.add(User("li", Role.ADMIN), "x")
        await one.add(User("wu", Role.ADMIN), "x")
        ends = await asyncio.gather(one.remove("li"), other.remove("wu"), return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["LastAdmin", "NoneType"]
        assert len(await one.all()) == 1


@pytest.mark.parametrize("new", DATABASES)
async def test_what_is_in_the_table_of_sessions_opens_nothing(new: NewDatabase, tmp_path: Path) -> None:
    async with new(tmp_path) as url, open_accounts(url) as accounts:
        li = User("li", Role.ADMIN)
        await accounts.add(li, "x")
        token, session = await accounts.begin(li)
        database = open_database(url)
        rows = await database.read(lambda connection: connection.execute(text("SELECT * FROM desk_sessions")).all())
        await database.close()
        assert token not in str(rows)
        assert await accounts.session(session.token_hash) is None


@pytest.mark.parametrize("new", DATABASES)
async def test_the_migrated_tables_are_those_of_the_code(new: NewDatabase, tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[Any]:
        ours = {**METADATA.tables}
        options = {
            "version_table": migrations.HISTORY.version_table,
            "include_name": lambda name, kind, _: kind != "table" or name in ours,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    async with new(tmp_path) as url, open_log(url):
        database = open_database(url)
        await migrations.HISTORY.upgrade(database)
        await migrations.HISTORY.upgrade(database)
        assert await database.write(differences) == []
        await database.close()
