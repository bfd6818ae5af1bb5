"""Users and their sessions, in SQL: a restart signs nobody out, and whoever is removed is out at once, everywhere."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from desk import migrations
from desk.access import Role
from desk.keys import Keys
from desk.tables import SESSIONS, USERS
from desk.users import LastAdmin, User, UserExists, UserUnknown
from storage.database import Database, open_database

LASTS: Final = timedelta(hours=12)
"""A session is at most a long shift; then the password is asked for again."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in. `csrf` is what the pages send with every change."""

    user: User
    csrf: str
    token_hash: str


class Accounts:
    """Who may sign in, and who has. Every method raises SQLAlchemyError or OSError when the database is away."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._now = database, now
        self.keys = Keys(database, now=now)

    # Users

    async def add(self, user: User, password_hash: str, *, only_first: bool = False) -> None:
        """Keep a new user; raises UserExists, and with `only_first` also when there is any."""

        def work(connection: Connection) -> None:
            if only_first and connection.execute(select(USERS.c.name).limit(1)).first() is not None:
                raise UserExists(user.name)
            try:
                connection.execute(insert(USERS).values(_written(user) | {"password": password_hash}))
            except IntegrityError:
                raise UserExists(user.name) from None

        await self._database.write(work)

    async def find(self, name: str) -> tuple[User, str] | None:
        """Return a user and the hash of the password."""
        wanted = select(USERS).where(USERS.c.name == name)
        row = await self._database.read(lambda connection: connection.execute(wanted).first())
        return None if row is None else (_user(row), row.password)

    async def all(self) -> Sequence[User]:
        """Return everybody, by name."""
        by_name = select(USERS).order_by(USERS.c.name)
        return [_user(row) for row in await self._database.read(lambda connection: connection.execute(by_name).all())]

    async def change(self, user: User) -> None:
        """Keep another role or number, and end the user's sessions; raises UserUnknown, LastAdmin."""

        def work(connection: Connection) -> None:
            if user.role is not Role.ADMIN:
                _leave_an_admin(connection, user.name)
            done = connection.execute(update(USERS).where(USERS.c.name == user.name).values(_written(user)))
            _must_be(done.rowcount, user.name)
            _end_sessions(connection, user.name)

        await self._database.write(work)

    async def set_password(self, name: str, password_hash: str) -> None:
        """Keep another password, and end the user's sessions; raises UserUnknown."""

        def work(connection: Connection) -> None:
            done = connection.execute(update(USERS).where(USERS.c.name == name).values(password=password_hash))
            _must_be(done.rowcount, name)
            _end_sessions(connection, name)

        await self._database.write(work)

    async def remove(self, name: str) -> None:
        """Forget a user, sessions too; raises UserUnknown, LastAdmin."""

        def work(connection: Connection) -> None:
            _leave_an_admin(connection, name)
            _must_be(connection.execute(delete(USERS).where(USERS.c.name == name)).rowcount, name)
            _end_sessions(connection, name)

        await self._database.write(work)

    # Sessions

    async def begin(self, user: User, *, instead_of: str | None = None) -> tuple[str, Session]:
        """Begin a session with a token nobody knew before, and end the one that the browser came with."""
        token = secrets.token_urlsafe(32)
        session = Session(user, csrf=secrets.token_urlsafe(24), token_hash=_hash(token))
        now = self._now()

        def work(connection: Connection) -> None:
            over = SESSIONS.c.until <= now
            if instead_of is not None:
                over |= SESSIONS.c.token_hash == _hash(instead_of)
            connection.execute(delete(SESSIONS).where(over))
            values = {"token_hash": session.token_hash, "name": user.name, "csrf": session.csrf}
            connection.execute(insert(SESSIONS).values(values | {"until": now + LASTS}))

        await self._database.write(work)
        return token, session

    async def session(self, token: str) -> Session | None:
        """Return the session of this token, if it has one that is not over."""
        wanted = (
            select(SESSIONS.c.csrf, SESSIONS.c.token_hash, USERS)
            .join(USERS, USERS.c.name == SESSIONS.c.name)
            .where(SESSIONS.c.token_hash == _hash(token), SESSIONS.c.until > self._now())
        )
        row = await self._database.read(lambda connection: connection.execute(wanted).first())
        return None if row is None else Session(_user(row), csrf=row.csrf, token_hash=row.token_hash)

    async def end(self, session: Session) -> None:
        """Sign out."""

        def work(connection: Connection) -> None:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == session.token_hash))

        await self._database.write(work)


@asynccontextmanager
async def open_accounts(url: str) -> AsyncGenerator[Accounts]:
    """Open the accounts in the database at this address, its tables brought up to date."""
    database = open_database(url)
    try:
        await migrations.HISTORY.upgrade(database)
        yield Accounts(database)
    finally:
        await database.close()


def _leave_an_admin(connection: Connection, name: str) -> None:
    """Raise LastAdmin if there would be no admin without this user; others who try at the same time wait."""
    admins = connection.execute(select(USERS.c.name).where(USERS.c.role == Role.ADMIN).with_for_update()).scalars()
    if set(admins) == {name}:
        raise LastAdmin(name)


def _end_sessions(connection: Connection, name: str) -> None:
    connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name))


def _must_be(rows: int, name: str) -> None:
    if not rows:
        raise UserUnknown(name)


def _written(user: User) -> dict[str, str | None]:
    return {"name": user.name, "role": user.role.value, "number": user.number}


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(row.name, Role(row.role), row.number)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
