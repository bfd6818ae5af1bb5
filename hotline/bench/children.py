"""Child processes of a bench: each offers a port, and coroutines that are asked for by name over a pipe."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import uvloop

STARTS_WITHIN: Final = 60
"""Seconds in which a child must have imported everything, on a machine that has other work too."""


@dataclass
class Offer:
    """What a child process offers: a port, and coroutines that may be asked for by name."""

    port: int
    keep: object = None
    """A server that must not be collected while the process lives."""
    calls: Callable[..., Awaitable[Any]] | None = None
    hang_ups: Callable[..., Awaitable[Any]] | None = None
    settle: Callable[..., Awaitable[Any]] | None = None


@dataclass
class Child:
    """A child process, seen from here."""

    pid: int
    pipe: Connection
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = self._reply(STARTS_WITHIN)

    def ask(self, name: str, *arguments: int | str) -> Any:
        """Have the child run one of its coroutines, at most a minute."""
        self.pipe.send((name, arguments))
        return self._reply(60)

    def _reply(self, within: float) -> Any:
        if not self.pipe.poll(within):
            raise RuntimeError(f"a bench process did not answer within {within:g} s")
        reply = self.pipe.recv()
        if isinstance(reply, Exception):
            raise RuntimeError("a bench process failed") from reply
        return reply

    def cpu_seconds(self) -> float:
        """User and system time since it started, to the nanosecond (clock_getcpuclockid, for a process)."""
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def child(
    service: Callable[[], Awaitable[Offer]],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
) -> Iterator[Child]:
    """Start a child; it ends with this block, or by itself when this process is gone."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=_live, args=(service, theirs, new_loop), daemon=True)
    child.start()
    theirs.close()
    try:
        yield Child(child.pid or 0, ours)
    finally:
        ours.close()
        child.join(5)
        if child.is_alive():
            child.kill()
            child.join()


def _live(
    service: Callable[[], Awaitable[Offer]], pipe: Connection, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A child's whole life."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        offered = await service()
        threading.Thread(target=_obey, args=(pipe, offered, loop), daemon=True).start()
        await loop.create_future()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve())


def _obey(pipe: Connection, offered: Offer, loop: asyncio.AbstractEventLoop) -> None:
    """Runs in a thread of its own, so that even a process whose event loop spins can be ended."""
    pipe.send(offered.port)
    try:
        while True:
            name, arguments = pipe.recv()
            try:
                wanted = getattr(offered, name)(*arguments)
                pipe.send(asyncio.run_coroutine_threadsafe(wanted, loop).result())
            except Exception as failure:
                pipe.send(failure)
    finally:
        os._exit(0)
