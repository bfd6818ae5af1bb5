"""Where operators' words are kept: announcements and changes of the calendar, in SQL, withdrawn but never deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import insert, select, update

from prompts.calendar.notice import Notice
from prompts.errors import NoSuchWords
from prompts.news import Announcement, News
from prompts.tables import SAID
from storage.database import Database

Kind = Literal["news", "calendar"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the calendar that was said by command, under its number."""

    number: int
    notice: Notice
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """Everything operators have said that has not been withdrawn, in the order it was said."""

    news: Sequence[News] = ()
    changes: Sequence[Change] = ()


class Store:
    """Operators' words in one database, whose tables are up to date (`prompts/migrations`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def said(self) -> Said:
        """Return all that holds."""
        chosen = select(SAID).where(SAID.c.withdrawn_at.is_(None)).order_by(SAID.c.number)
        rows = await self._database.read(lambda connection: connection.execute(chosen).mappings().all())
        return Said(
            [
                News.model_validate({**json.loads(row["body"]), "number": row["number"], "by": row["said_by"]})
                for row in rows
                if row["kind"] == "news"
            ],
            [
                Change(
                    row["number"],
                    Notice.model_validate_json(row["body"]),
                    row["said_by"],
                    datetime.fromtimestamp(row["said_at"], UTC),
                )
                for row in rows
                if row["kind"] == "calendar"
            ],
        )

    async def was_announced(self, about: str) -> bool:
        """Say whether anything about this was ever announced, withdrawn or not."""
        begun = SAID.c.body.contains(f'"about":"{about}"', autoescape=True)
        found = select(SAID.c.number).where(SAID.c.kind == "news", begun).limit(1)
        return await self._database.read(lambda connection: connection.execute(found).scalar()) is not None

    async def next_number(self) -> int:
        """Return a number that is not in use yet, nor will be: it is taken."""
        return await self._add("news", "{}", "", withdrawn=True)

    async def announce(self, number: int, news: Announcement, *, at: datetime) -> News:
        """Keep an announcement under the number that was taken for it."""
        body = news.model_dump_json(exclude={"by"}, ensure_ascii=True)
        change = (
            update(SAID)
            .where(SAID.c.number == number)
            .values(body=body, said_by=news.by, said_at=_seconds(at), withdrawn_at=None)
        )
        await self._database.write(lambda connection: connection.execute(change))
        return News(number=number, **news.model_dump())

    async def change(self, notice: Notice, *, by: str) -> int:
        """Keep a change of the calendar; return its number."""
        return await self._add("calendar", notice.model_dump_json(by_alias=True, ensure_ascii=True), by)

    async def withdraw(self, kind: Kind, number: int, *, at: datetime) -> None:
        """Let it hold no longer; raises NoSuchWords if it does not."""
        held = (SAID.c.number == number, SAID.c.kind == kind, SAID.c.withdrawn_at.is_(None))
        change = update(SAID).where(*held).values(withdrawn_at=_seconds(at)).returning(SAID.c.number)
        if await self._database.write(lambda connection: connection.execute(change).scalar()) is None:
            raise NoSuchWords(kind, number)

    async def _add(self, kind: Kind, body: str, by: str, *, withdrawn: bool = False) -> int:
        now = _seconds(datetime.now(UTC))
        row = {"kind": kind, "body": body, "said_by": by, "said_at": now, "withdrawn_at": now if withdrawn else None}
        taken = insert(SAID).values(row).returning(SAID.c.number)
        number: int = await self._database.write(lambda connection: connection.execute(taken).scalar_one())
        return number


def _seconds(at: datetime) -> int:
    return round(at.timestamp())
