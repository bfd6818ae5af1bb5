"""SMS by a GSM modem: gammu-smsd drives it, and we meet in its database (its own schema, SQLite or PostgreSQL).

A letter is a row of `outbox` with our notice's id as CreatorID. gammu-smsd moves it to `sentitems` when the modem has
sent it. So whether a letter is there can be asked at any time, and none is doubled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from pydantic import SecretStr
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from casework.notices.channel import Accepted, AfterACrash, ChannelDown, Letter
from casework.notices.directory import Gammu
from casework.notices.notice import Urgency
from casework.notices.segments import alphabet_of, parts

LOOK_EVERY: Final = 1.0
"""Seconds between looks at what came in and what went out."""
CODING: Final = {"GSM-7": "Default_No_Compression", "UCS-2": "Unicode_No_Compression"}
GONE_OUT: Final = ("SendingOK", "SendingOKNoReport", "DeliveryPending", "DeliveryUnknown")
FAILED: Final = ("SendingError", "Error", "DeliveryFailed")

HAS_IT: Final = text(
    'SELECT 1 FROM outbox WHERE "CreatorID" = :id UNION ALL SELECT 1 FROM sentitems WHERE "CreatorID" = :id LIMIT 1'
)
PUT: Final = text(
    'INSERT INTO outbox ("DestinationNumber", "TextDecoded", "CreatorID", "Coding", "MultiPart", "UDH", "Priority",'
    ' "DeliveryReport", "Class") VALUES (:number, :text, :id, :coding, :multipart, :udh, :priority, :report, -1)'
    ' RETURNING "ID"'
)
PUT_PART: Final = text(
    'INSERT INTO outbox_multipart ("ID", "SequencePosition", "UDH", "TextDecoded", "Coding", "Class")'
    " VALUES (:row, :place, :udh, :text, :coding, -1)"
)
CAME_IN: Final = text(
    'SELECT "ID", "SenderNumber", "TextDecoded", "ReceivingDateTime" FROM inbox WHERE "Processed" = \'false\''
    ' ORDER BY "ID" LIMIT 100'
)
DONE_WITH: Final = text('UPDATE inbox SET "Processed" = \'true\' WHERE "ID" = :id')
WENT_OUT: Final = text('SELECT "Status" FROM sentitems WHERE "CreatorID" = :id ORDER BY "SequencePosition"')

log = structlog.get_logger()
Result = TypeVar("Result")


class GammuSms:
    """One modem."""

    after_a_crash = AfterACrash.ASK
    gives_receipts = True
    limit = 10.0

    def __init__(self, site: Gammu, secret: SecretStr | None = None) -> None:
        self._site = site
        self._engine = _engine(site.database, secret)

    async def send(self, letter: Letter) -> Accepted:
        """See Channel. Whether it is there already is asked in the same transaction."""
        return await self._in_database(lambda connection: self._put(connection, letter))

    async def ask(self, letter: Letter) -> Accepted | None:
        """See Channel."""

        async def look(connection: AsyncConnection) -> Accepted | None:
            there = (await connection.execute(HAS_IT, {"id": letter.id})).first()
            return None if there is None else Accepted(letter.id)

        return await self._in_database(look)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def watch(
        self,
        *,
        open_letters: Callable[[], Awaitable[Sequence[str]]],
        on_receipt: Callable[[str, bool], Awaitable[None]],
        on_reply: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        """Look for ever at what came in and what went out.

        `open_letters` gives the letters of which no end is known; `on_receipt` is told a letter's id and whether it
        got there; `on_reply` the message's id, its sender and its text, and has it for good when it returns.
        """
        while True:
            try:
                await self._look(await open_letters(), on_receipt, on_reply)
            except (ChannelDown, SQLAlchemyError, OSError) as problem:
                log.warning(
                    "the modem's database cannot be read", channel=self._site.name, problem=type(problem).__name__
                )
                await asyncio.sleep(5 * LOOK_EVERY)
            await asyncio.sleep(LOOK_EVERY)

    async def _look(
        self,
        letters: Sequence[str],
        on_receipt: Callable[[str, bool], Awaitable[None]],
        on_reply: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        async def came_in(connection: AsyncConnection) -> Sequence[Any]:
            return (await connection.execute(CAME_IN)).all()

        for row, sender, said, at in await self._in_database(came_in):
            await on_reply(f"{row}@{at}", sender, said)
            await self._in_database(partial(_done_with, row=row))
        for letter in letters:
            if (there := await self._verdict(letter)) is not None:
                await on_receipt(letter, there)

    async def _verdict(self, letter: str) -> bool | None:
        """Whether a letter got there with all its parts; None while that is not known."""

        async def look(connection: AsyncConnection) -> Sequence[str]:
            return list((await connection.execute(WENT_OUT, {"id": letter})).scalars())

        found = await self._in_database(look)
        if any(status in FAILED for status in found):
            return False
        enough = ("DeliveryOK",) if self._site.receipts else ("DeliveryOK", *GONE_OUT)
        return True if found and all(status in enough for status in found) else None

    async def _put(self, connection: AsyncConnection, letter: Letter) -> Accepted:
        if (await connection.execute(HAS_IT, {"id": letter.id})).first() is not None:
            return Accepted(letter.id)
        cut = parts(letter.text)
        coding = CODING[alphabet_of(letter.text)]
        # The parts of one text share a number, by which the phone puts them together.
        headers = [f"050003{int(letter.id[-2:], 16):02X}{len(cut):02X}{place:02X}" for place in range(1, len(cut) + 1)]
        several = len(cut) > 1
        row = await connection.execute(
            PUT,
            {
                "number": letter.address,
                "text": cut[0],
                "id": letter.id,
                "coding": coding,
                "multipart": "true" if several else "false",
                "udh": headers[0] if several else "",
                "priority": 10 if letter.urgency is Urgency.EMERGENCY else 0,
                "report": "yes" if self._site.receipts else "no",
            },
        )
        number = row.scalar_one()
        for place, part in list(enumerate(cut, 1))[1:]:
            values = {"row": number, "place": place, "udh": headers[place - 1], "text": part, "coding": coding}
            await connection.execute(PUT_PART, values)
        return Accepted(letter.id)

    async def _in_database(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        try:
            async with asyncio.timeout(self.limit), self._engine.begin() as connection:
                return await work(connection)
        except (SQLAlchemyError, OSError, TimeoutError) as problem:
            raise ChannelDown(f"the modem's database cannot be used: {type(problem).__name__}") from None


async def _done_with(connection: AsyncConnection, row: int) -> None:
    await connection.execute(DONE_WITH, {"id": row})


def _engine(address: str, secret: SecretStr | None) -> AsyncEngine:
    url: URL = make_url(address)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+asyncpg", password=secret.get_secret_value() if secret else None)
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"timeout": 5})
    return create_async_engine(url.set(drivername="sqlite+aiosqlite"), hide_parameters=True)
