"""The blackboard, in memory and on a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import redis.asyncio

from routing import board, tasks
from routing import painter as painting
from routing.board import Board, BoardGone, MemoryBoard, RedisBoard, WipedOut
from routing.mirror import Look, Mirror
from routing.painter import Painter
from routing.picture import Canvas, Change, Picture, apply, is_picture, moment
from tests.routing.redis_servers import RedisServer, a_redis

NOON = datetime(2025, 11, 21, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with a_redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def a_board(request: pytest.FixtureRequest) -> AsyncIterator[Board]:
    made: Board = MemoryBoard()
    if request.param == "redis":
        made = RedisBoard(request.getfixturevalue("redis_server").url)
        await _eventually(made.look)
    yield made
    await made.close()


def painted(**calls: str) -> Picture:
    """A picture with these calls, each in its state."""
    canvas = Canvas()
    for call, state in calls.items():
        canvas.put("calls", call, {"state": state})
    canvas.change(NOON)
    return canvas.whole(NOON)


async def test_what_is_painted_is_what_is_seen(a_board: Board) -> None:
    picture = painted(one="queue", two="说话")
    await a_board.paint(picture)
    assert await a_board.look() == picture


async def test_a_change_is_seen_by_who_looks_and_by_who_listens(a_board: Board) -> None:
    canvas = Canvas()
    canvas.put("calls", "one", {"state": "queue"})
    canvas.put("agents", "1024", {"state": "ready"})
    canvas.change(NOON)
    await a_board.paint(canvas.whole(NOON))
    async with a_board.news() as news:
        canvas.take_off("calls", "one")
        canvas.put("agents", "1024", {"state": "paused"})
        change = canvas.change(NOON)
        assert change is not None
        await a_board.change(change)
        await a_board.change(canvas.beat(NOON))
        assert await anext(news) == change
        assert (await anext(news)).keys() == {"board", "seq", "at"}
    assert await a_board.look() == canvas.whole(NOON)


async def test_a_change_of_another_picture_is_refused_and_changes_nothing(a_board: Board) -> None:
    picture = painted(one="queue")
    await a_board.paint(picture)
    for name, seq in ((picture["board"], picture["seq"]), (picture["board"], picture["seq"] + 2), ("other", 2)):
        with pytest.raises(WipedOut):
            await a_board.change({"board": name, "seq": seq, "at": moment(NOON), "set": {"calls": {"two": {}}}})
    assert await a_board.look() == picture


async def test_a_large_centre_fits(a_board: Board) -> None:
    canvas = Canvas()
    canvas.change(NOON)
    await a_board.paint(canvas.whole(NOON))
    for number in range(1200):
        canvas.put("agents", str(number), {"state": "ready", "name": "王" * 40})
    change = canvas.change(NOON)
    assert change is not None
    await a_board.change(change)
    assert await a_board.look() == canvas.whole(NOON)


async def test_a_picture_nobody_paints_over_fades(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "FADES_AFTER", 1)
    made = RedisBoard(redis_server.url)
    await _eventually(lambda: made.paint(painted(one="queue")))

    async def gone() -> None:
        assert await made.look() is None

    await _eventually(gone)
    await made.close()


# A painter, and mirrors of what it paints


class Scene:
    """What is to be seen."""

    def __init__(self) -> None:
        self.calls: dict[str, str] = {}

    def __call__(self, canvas: Canvas) -> None:
        canvas.only("calls", {call: {"state": state} for call, state in self.calls.items()})


async def test_a_mirror_follows_every_change(a_board: Board) -> None:
    scene = Scene()
    painter, mirror = Painter(a_board, scene), Mirror(a_board)
    painter.start()
    mirror.start()
    with mirror.looking() as look:
        picture: dict[str, Any] = dict(await anext(look))
        assert picture["sources"]["board"]["stale_since"] is not None, "nothing was seen so far"
        for nth in range(1, 12):
            scene.calls = {str(n): "queue" for n in range(nth % 7, nth)}
            painter.change()
            await _seen(look, picture, lambda: picture["calls"].keys() == scene.calls.keys())
        assert picture["sources"]["board"]["stale_since"] is None
        assert {**picture, "at": ""} == {**mirror.picture, "at": ""}
    await mirror.stop()
    await painter.stop()


async def test_a_busy_board_is_painted_a_few_times_a_second() -> None:
    board, scene, began = MemoryBoard(), Scene(), time.monotonic()
    painter = Painter(board, scene)
    painter.start()
    for nth in range(100):
        scene.calls = {str(nth): "queue"}
        painter.change()
        await asyncio.sleep(0.01)
    picture = await board.look()
    assert picture is not None
    assert 2 <= picture["seq"] <= (time.monotonic() - began) / painting.PAINT_EVERY + 2
    await painter.stop()


async def test_an_onlooker_who_is_too_slow_gets_the_whole_picture_again(a_board: Board) -> None:
    scene = Scene()
    painter, mirror = Painter(a_board, scene), Mirror(a_board)
    painter.start()
    mirror.start()
    with mirror.looking() as fast, mirror.looking(room=2) as slow:
        picture: dict[str, Any] = dict(await anext(fast))
        first = await anext(slow)
        for nth in range(8):
            scene.calls = {str(nth): "queue"}
            painter.change()
            await _seen(fast, picture, lambda: picture["calls"].keys() == scene.calls.keys())
        again = await anext(slow)
        assert is_picture(again)
        assert again["seq"] > first["seq"] + 2
        assert cast(Picture, again)["calls"].keys() == {"7"}
    await mirror.stop()
    await painter.stop()


async def test_a_picture_whose_painter_is_gone_is_seen_but_never_taken_for_new(
    a_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "SILENT_AFTER", 1.0)
    monkeypatch.setattr(painting, "BEAT_EVERY", 0.1)
    scene = Scene()
    scene.calls = {"one": "queue"}
    canvas = Canvas()
    scene(canvas)
    canvas.change(NOON)
    await a_board.paint(canvas.whole(NOON))
    mirror = Mirror(a_board)
    mirror.start()
    with mirror.looking() as look:
        picture: dict[str, Any] = dict(await anext(look))
        await _seen(look, picture, lambda: picture["calls"].keys() == {"one"})
        assert picture["sources"]["board"]["stale_since"] is not None

        scene.calls = {"two": "talk"}
        painter = Painter(a_board, scene)
        painter.start()
        await _seen(look, picture, lambda: picture["calls"].keys() == {"two"})
        await _seen(look, picture, lambda: picture["sources"]["board"]["stale_since"] is None)

        await painter.stop()
        await _seen(look, picture, lambda: picture["sources"]["board"]["stale_since"] is not None)
        assert picture["calls"].keys() == {"two"}
    await mirror.stop()


async def test_a_redis_that_dies_is_reported_and_shows_the_picture_again_when_it_is_back(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "BEAT_EVERY", 0.1)
    made, scene = RedisBoard(redis_server.url), Scene()
    scene.calls = {"one": "queue"}
    elsewhere = RedisBoard(redis_server.url)
    painter, mirror = Painter(made, scene), Mirror(elsewhere)
    painter.start()
    mirror.start()
    with mirror.looking() as look:
        picture: dict[str, Any] = dict(await anext(look))
        await _seen(look, picture, lambda: picture["calls"].keys() == {"one"})
        redis_server.kill()
        await _eventually_true(lambda: painter.problem is not None)
        assert "127.0.0.1" not in str(painter.problem)
        await _seen(look, picture, lambda: picture["sources"]["board"]["stale_since"] is not None)
        with pytest.raises(BoardGone):
            await made.look()
        scene.calls = {"two": "talk"}
        redis_server.start()
        await _eventually_true(lambda: painter.problem is None)
        await _seen(look, picture, lambda: picture["calls"].keys() == {"two"})
        await _seen(look, picture, lambda: picture["sources"]["board"]["stale_since"] is None)
    await mirror.stop()
    await painter.stop()
    await elsewhere.close()


async def test_a_painter_that_is_told_of_a_change_and_to_stop_in_one_breath_stops(a_board: Board) -> None:
    scene = Scene()
    scene.calls = {"one": "queue"}
    painter = Painter(a_board, scene)
    painter.start()

    async def painted_it() -> None:
        assert await a_board.look() is not None

    await _eventually(painted_it)
    await asyncio.sleep(0.3)  # it waits for a change now
    painter.change()
    async with asyncio.timeout(20):
        await painter.stop()


async def test_a_redis_that_forgets_without_a_word_is_painted_anew(redis_server: RedisServer) -> None:
    made, scene = RedisBoard(redis_server.url), Scene()
    scene.calls = {"one": "queue"}
    painter = Painter(made, scene)
    painter.start()
    other = redis.asyncio.from_url(redis_server.url)

    async def shown() -> None:
        picture = await made.look()
        assert picture is not None
        assert picture["calls"].keys() == scene.calls.keys()

    await _eventually(shown)
    await other.flushall()
    scene.calls = {"one": "queue", "two": "talk"}
    painter.change()
    await _eventually(shown)
    await painter.stop()
    await other.aclose()


async def _seen(look: Look, picture: dict[str, Any], good: Callable[[], bool], *, within: float = 20.0) -> None:
    """Keep a picture up as an onlooker does, until it is good."""
    async with asyncio.timeout(within):
        while not good():
            item = await anext(look)
            if is_picture(item):
                picture |= item
            else:
                assert apply(cast(Change, item), picture), "a change was missed"


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


async def test_a_task_that_swallows_its_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ASKED_AGAIN_AFTER", 0.05)
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed == 2:
                    raise
                swallowed += 1

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await tasks.ended(task)
    assert (task.cancelled(), swallowed) == (True, 2)
