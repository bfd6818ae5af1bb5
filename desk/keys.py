"""Keys of other systems (BOSS, CRM, another hotline): each has one of its own and may do tickets, nothing else.

A key is shown once, when it is made; what is kept is its hash. A key that is taken back is out at once, everywhere.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from desk.access import Role, Who
from desk.tables import KEYS
from desk.users import UserError
from storage.database import Database

PREFIX: Final = "hk_"
LOOKS_LIKE_ONE: Final = re.compile(r"hk_[A-Za-z0-9_-]{43}")


class KeyTaken(UserError):
    """The system has a key already."""

    code = "key-exists"
    status = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} has a key already; take it back first: hotline key remove {name}")


class KeyUnknown(UserError):
    """There is no such key."""

    code = "key-unknown"
    status = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no key of {name!r:.40}; see: hotline key list")


class Keys:
    """The keys there are. Every method raises SQLAlchemyError or OSError when the database is away."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._now = database, now

    async def make(self, name: str) -> str:
        """Make a key for this system and return it, this once; raises KeyTaken."""
        key = PREFIX + secrets.token_urlsafe(32)

        def work(connection: Connection) -> None:
            try:
                connection.execute(insert(KEYS).values(name=name, key_hash=_hash(key), made=self._now()))
            except IntegrityError:
                raise KeyTaken(name) from None

        await self._database.write(work)
        return key

    async def whose(self, key: str) -> Who | None:
        """Return the system whose key this is."""
        if not LOOKS_LIKE_ONE.fullmatch(key):
            return None
        wanted = select(KEYS.c.name).where(KEYS.c.key_hash == _hash(key))
        name = await self._database.read(lambda connection: connection.execute(wanted).scalar())
        return None if name is None else Who(str(name), Role.PROGRAM)

    async def all(self) -> Sequence[tuple[str, datetime]]:
        """Return the systems that have a key, and since when."""
        by_name = select(KEYS).order_by(KEYS.c.name)
        rows = await self._database.read(lambda connection: connection.execute(by_name).all())
        return [(row.name, row.made.replace(tzinfo=UTC)) for row in rows]

    async def take_back(self, name: str) -> None:
        """Forget a key; raises KeyUnknown."""

        def work(connection: Connection) -> None:
            if not connection.execute(delete(KEYS).where(KEYS.c.name == name)).rowcount:
                raise KeyUnknown(name)

        await self._database.write(work)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
