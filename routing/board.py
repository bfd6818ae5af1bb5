"""The blackboard: where the live picture hangs, for this process or for any number of them.

It holds nothing that cannot be rebuilt. `MemoryBoard` is enough for one process; `RedisBoard` shows the same picture to
others. One painter paints (`routing/painter.py`), anybody looks (`routing/mirror.py`); what the picture holds stands in
`routing/picture.py`. An old picture is never shown as new: without its painter it fades, and its beats stop.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final, Protocol, cast

import redis.asyncio
from redis.exceptions import RedisError

from routing.picture import SECTIONS, Change, Picture, apply

KEY: Final = "hotline:board"
NEWS: Final = "hotline:board:news"
FADES_AFTER: Final = 15
"""Seconds that Redis shows a picture nobody paints on."""
SILENT_AFTER: Final = 6.0
"""Seconds without a beat or a change after which what was heard last is old."""
ANSWER_WITHIN: Final = 2.0
UNREAD: Final = 1000
"""So many changes may wait for one reader; who is slower has to look again."""


class BoardGone(Exception):
    """The board cannot be reached, or is silent; calls do not depend on it."""

    code = "board-gone"


class WipedOut(Exception):
    """What hangs there is not the picture before this change: Redis was restarted, or another painter was here."""


News = AsyncIterator[Change]
"""Changes and beats as they come; raises BoardGone when none has come for `SILENT_AFTER` seconds."""


class Board(Protocol):
    """Where the picture hangs."""

    async def paint(self, picture: Picture) -> None:
        """Show this picture instead of the last; readers of news find its number in the next beat. Raises BoardGone."""

    async def change(self, change: Change) -> None:
        """Bring the picture that hangs there up to date, or let it beat; raises BoardGone and WipedOut."""

    async def look(self) -> Picture | None:
        """Return the picture, or None when there is none that is fresh; raises BoardGone."""

    def news(self) -> AbstractAsyncContextManager[News]:
        """Hear every change from now on: `async with board.news() as news: async for change in news: ...`."""

    async def close(self) -> None:
        """Let go of the board."""


class MemoryBoard:
    """A board in this process."""

    def __init__(self) -> None:
        self._picture: dict[str, Any] | None = None
        self._readers: set[asyncio.Queue[Change]] = set()

    async def paint(self, picture: Picture) -> None:
        """See Board."""
        self._picture = _copy(picture)

    async def change(self, change: Change) -> None:
        """See Board."""
        if self._picture is None or not apply(change, self._picture):
            raise WipedOut
        for reader in self._readers:
            if reader.full():
                reader.get_nowait()  # the numbers will not fit, and the reader looks again
            reader.put_nowait(change)

    async def look(self) -> Picture | None:
        """See Board."""
        return None if self._picture is None else cast(Picture, _copy(self._picture))

    @asynccontextmanager
    async def news(self) -> AsyncGenerator[News]:
        """See Board."""
        reader: asyncio.Queue[Change] = asyncio.Queue(UNREAD)
        self._readers.add(reader)
        try:
            yield _taken_from(reader)
        finally:
            self._readers.discard(reader)

    async def close(self) -> None:
        """See Board."""


async def _taken_from(reader: asyncio.Queue[Change]) -> News:
    while True:
        try:
            async with asyncio.timeout(SILENT_AFTER):
                change = await reader.get()
        except TimeoutError:
            raise BoardGone(f"nothing was painted for {SILENT_AFTER:.0f} s") from None
        yield change


CHANGE: Final = """
if redis.call('HGET', KEYS[1], 'board') ~= ARGV[1] or redis.call('HGET', KEYS[1], 'seq') ~= ARGV[2] then return 0 end
local before_gone = 5 + tonumber(ARGV[5])
redis.call('HSET', KEYS[1], unpack(ARGV, 6, before_gone))
if #ARGV > before_gone then redis.call('HDEL', KEYS[1], unpack(ARGV, before_gone + 1)) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', KEYS[2], ARGV[4])
return 1
"""
"""Change the picture, only if it is the one before this change; all of it or nothing.

Given: the board, the number before, the seconds until it fades, the news, how many words of fields and values follow,
these, and the fields that are gone.

A thing is one field of the hash, named `section/name`, so a change costs what it changes, and HGETALL is the picture
of one moment.
"""
MOST_FIELDS: Final = 3000
"""More fields in one change do not fit on Lua's stack: such a change is painted whole."""


class RedisBoard:
    """A board that other processes see too."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.from_url(
            url, socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN, decode_responses=True
        )
        self._change = self._redis.register_script(CHANGE)

    async def paint(self, picture: Picture) -> None:
        """See Board."""
        fields: dict[Any, Any] = {"board": picture["board"], "seq": str(picture["seq"]), "at": picture["at"]}
        for section in SECTIONS:
            fields |= {f"{section}/{name}": _json(thing) for name, thing in picture[section].items()}
        try:
            async with self._redis.pipeline(transaction=True) as together:
                together.delete(KEY)
                together.hset(KEY, mapping=fields)
                together.expire(KEY, FADES_AFTER)
                await together.execute()
        except (RedisError, OSError) as problem:
            raise _gone(problem) from problem

    async def change(self, change: Change) -> None:
        """See Board."""
        is_beat = "set" not in change and "gone" not in change
        fields = ["seq", str(change["seq"]), "at", change["at"]]
        for section, things in change.get("set", {}).items():
            for name, thing in things.items():
                fields += [f"{section}/{name}", _json(thing)]
        gone = [f"{section}/{name}" for section, names in change.get("gone", {}).items() for name in names]
        if len(fields) > MOST_FIELDS or len(gone) > MOST_FIELDS:
            raise WipedOut
        before = change["seq"] if is_beat else change["seq"] - 1
        args: list[str | int] = [change["board"], str(before), FADES_AFTER, _json(change), len(fields), *fields, *gone]
        try:
            done = await self._change(keys=[KEY, NEWS], args=args)
        except (RedisError, OSError) as problem:
            raise _gone(problem) from problem
        if not done:
            raise WipedOut

    async def look(self) -> Picture | None:
        """See Board."""
        try:
            fields = cast(dict[str, str], await self._redis.hgetall(KEY))
        except (RedisError, OSError) as problem:
            raise _gone(problem) from problem
        if not fields:
            return None
        picture: dict[str, Any] = {section: {} for section in SECTIONS}
        picture |= {"board": fields.pop("board"), "seq": int(fields.pop("seq")), "at": fields.pop("at")}
        for field, body in fields.items():
            section, _, name = field.partition("/")
            picture[section][name] = json.loads(body)
        return cast(Picture, picture)

    @asynccontextmanager
    async def news(self) -> AsyncGenerator[News]:
        """See Board."""
        listener = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            try:
                await listener.subscribe(NEWS)
            except (RedisError, OSError) as problem:
                raise _gone(problem) from problem
            yield self._heard(listener)
        finally:
            with suppress(RedisError, OSError):
                await listener.aclose()  # type: ignore[no-untyped-call]

    @staticmethod
    async def _heard(listener: redis.asyncio.client.PubSub) -> News:
        loop = asyncio.get_running_loop()
        silent_at = loop.time() + SILENT_AFTER
        while True:
            try:
                message = await listener.get_message(timeout=max(silent_at - loop.time(), 0.01))
            except (RedisError, OSError) as problem:
                raise _gone(problem) from problem
            if message is not None:
                silent_at = loop.time() + SILENT_AFTER
                yield cast(Change, json.loads(message["data"]))
            elif loop.time() >= silent_at:
                raise BoardGone(f"nothing was painted for {SILENT_AFTER:.0f} s")

    async def close(self) -> None:
        """See Board."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()


def board_at(url: str | None) -> Board:
    """The board at this Redis address, or one in memory."""
    return MemoryBoard() if url is None else RedisBoard(url)


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _json(value: object) -> str:
    return _JSON.encode(value)


def _copy(picture: Any) -> dict[str, Any]:
    """A picture of its own: the things in it are shared, for nobody changes a thing, the tables are not."""
    return {key: dict(value) if isinstance(value, dict) else value for key, value in picture.items()}


def _gone(problem: Exception) -> BoardGone:
    """What went wrong, without the address: it holds the password."""
    return BoardGone(f"Redis: {type(problem).__name__}")
