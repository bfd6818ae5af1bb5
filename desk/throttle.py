"""Failed sign-ins are counted, and too many are made to wait: in Redis for all web processes, or in this one.

Three counts, each over a quarter of an hour: of one name from one address (somebody has forgotten the password), of one
address (somebody tries many names), of one name (somebody tries from many addresses; high, because it also keeps out
the one whose name it is).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Protocol

import redis.asyncio
import structlog
from redis.exceptions import RedisError

WINDOW: Final = 15 * 60
LIMITS: Final = {"both": 5, "address": 30, "name": 100}
MOST_KEPT: Final = 10_000
ANSWER_WITHIN: Final = 1.0


class Counts(Protocol):
    """Counts that forget."""

    async def add(self, key: str, count: int = 1) -> int:
        """Count; return how many there are now. They are forgotten `WINDOW` seconds after the first."""

    async def forget(self, key: str) -> None:
        """Begin anew."""

    async def close(self) -> None:
        """Let go of what is behind it."""


class MemoryCounts:
    """Counts in this process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._counts: dict[str, tuple[float, int]] = {}

    async def add(self, key: str, count: int = 1) -> int:
        """See Counts."""
        self._clear()
        ends, so_far = self._counts.get(key, (self._now() + WINDOW, 0))
        self._counts[key] = (ends, so_far + count)
        return so_far + count

    async def forget(self, key: str) -> None:
        """See Counts."""
        self._counts.pop(key, None)

    async def close(self) -> None:
        """See Counts."""

    def _clear(self) -> None:
        """Drop what is over; of too many, the oldest."""
        for key in [key for key, (ends, _) in self._counts.items() if ends <= self._now()]:
            del self._counts[key]
        while len(self._counts) > MOST_KEPT:
            del self._counts[next(iter(self._counts))]


class RedisCounts:
    """Counts that all web processes share. While Redis is away, each counts for itself."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.from_url(url, socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN)
        self._meanwhile = MemoryCounts()

    async def add(self, key: str, count: int = 1) -> int:
        """See Counts."""
        here = await self._meanwhile.add(key, count)
        try:
            async with self._redis.pipeline(transaction=True) as steps:
                steps.set(_place(key), 0, ex=WINDOW, nx=True)
                steps.incrby(_place(key), count)
                return int((await steps.execute())[1])
        except (RedisError, OSError) as problem:
            structlog.get_logger().warning("sign-ins are counted here alone", problem=type(problem).__name__)
            return here

    async def forget(self, key: str) -> None:
        """See Counts."""
        await self._meanwhile.forget(key)
        with suppress(RedisError, OSError):
            await self._redis.delete(_place(key))

    async def close(self) -> None:
        """See Counts."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()


class Throttle:
    """Says when a sign-in must wait."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def may_try(self, name: str, address: str) -> bool:
        """Count a try, before the password is looked at: tries made at the same moment are told apart."""
        counted = [(await self._counts.add(key), limit) for key, limit in _keys(name, address)]
        return all(count <= limit for count, limit in counted)

    async def succeeded(self, name: str, address: str) -> None:
        """The password was right: this try was none. What the address did to other names still counts."""
        (both, _), *others = _keys(name, address)
        await self._counts.forget(both)
        for key, _ in others:
            await self._counts.add(key, -1)

    async def close(self) -> None:
        """Let go of the counts."""
        await self._counts.close()


def throttle_at(url: str | None) -> Throttle:
    """A throttle at this Redis address, or one in memory."""
    return Throttle(MemoryCounts() if url is None else RedisCounts(url))


def _keys(name: str, address: str) -> Iterator[tuple[str, int]]:
    yield f"both {name} {address}", LIMITS["both"]
    yield f"address {address}", LIMITS["address"]
    yield f"name {name}", LIMITS["name"]


def _place(key: str) -> str:
    """What was typed as a name may be a password: only its hash is kept."""
    return "hotline:failed:" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]
