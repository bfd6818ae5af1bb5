"""The blackboard, in memory and on a real Redis."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from routing import board
from routing.board import Board, BoardGone, MemoryBoard, Painter, RedisBoard


class RedisServer:
    """A Redis of our own, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with closing(socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""],
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    assert shutil.which("redis-server"), "redis-server is missing: make test installs it"
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        yield server
        server.kill()


@pytest.fixture(params=["memory", "redis"])
async def a_board(request: pytest.FixtureRequest) -> AsyncIterator[Board]:
    made: Board = MemoryBoard()
    if request.param == "redis":
        made = RedisBoard(request.getfixturevalue("redis_server").url)
        await _eventually(made.look)
    yield made
    await made.close()


async def test_what_is_painted_is_what_is_seen(a_board: Board) -> None:
    await a_board.paint({"calls": ["pbx-1.1"], "agents": {"1024": "ready"}})
    assert await a_board.look() == {"calls": ["pbx-1.1"], "agents": {"1024": "ready"}}


async def test_a_change_is_painted_soon(a_board: Board) -> None:
    scene = {"calls": 0}
    painter = Painter(a_board, lambda: scene)
    painter.start()
    await _until(a_board, lambda picture: picture["calls"] == 0)
    scene = {"calls": 1}
    painter.change()
    await _until(a_board, lambda picture: picture["calls"] == 1)
    await painter.stop()


async def test_a_picture_nobody_paints_over_fades(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "FADES_AFTER", 1)
    made = RedisBoard(redis_server.url)
    await _eventually(lambda: made.paint({"calls": 1}))

    async def gone() -> None:
        assert await made.look() is None

    await _eventually(gone)
    await made.close()


async def test_a_redis_that_dies_is_reported_and_painted_again_when_it_is_back(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "REPAINT_EVERY", 0.1)
    made = RedisBoard(redis_server.url)
    painter = Painter(made, lambda: {"calls": 7})
    painter.start()
    await _until(made, lambda picture: picture["calls"] == 7)
    redis_server.kill()
    await _eventually_true(lambda: painter.problem is not None)
    with pytest.raises(BoardGone):
        await made.look()
    redis_server.start()
    await _eventually_true(lambda: painter.problem is None)
    assert "127.0.0.1" not in str(painter.problem)
    await _until(made, lambda picture: picture["calls"] == 7)
    await painter.stop()


async def _until(made: Board, good: Any) -> None:
    async def seen() -> None:
        picture = await made.look()
        assert picture is not None
        assert good(picture)

    await _eventually(seen)


async def _eventually_true(good: Any) -> None:
    async def so() -> None:
        assert good()

    await _eventually(so)


async def _eventually(attempt: Any, *, within: float = 20.0) -> None:
    """Repeat until it works; the last failure is the test's."""
    give_up = asyncio.get_running_loop().time() + within
    while True:
        try:
            await attempt()
        except (AssertionError, BoardGone):
            if asyncio.get_running_loop().time() > give_up:
                raise
            await asyncio.sleep(0.05)
        else:
            return
