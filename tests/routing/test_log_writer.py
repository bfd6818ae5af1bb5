"""The writer behind the log: groups, order, patience and limits, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from routing.log import NotWritten
from routing.log_writer import GroupWriter, Pace, Refused

QUICK = Pace(linger=0.001, first_retry=0.001, slowest_retry=0.002)
FOR_EVER = 3600.0


class Store:
    """Takes groups while its gate is open, and refuses for as long as it has a reason."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.offered: list[list[str]] = []
        self.refusal: Exception | None = None
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, group: Sequence[str]) -> None:
        """Take a group, or refuse it."""
        self.offered.append(list(group))
        self.asked.set()
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        self.groups.append(list(group))

    @property
    def items(self) -> list[str]:
        """Everything written, in order."""
        return [item for group in self.groups for item in group]


@asynccontextmanager
async def writing(store: Store, pace: Pace = QUICK) -> AsyncGenerator[GroupWriter[str]]:
    """A writer at work."""
    writer = GroupWriter(store.write, dropped=lambda count: f"{count} dropped", pace=pace)
    writer.start()
    try:
        yield writer
    finally:
        store.gate.set()
        await writer.close(within=0.05)


async def test_what_gathers_is_written_as_one_group() -> None:
    store = Store()
    async with writing(store) as writer:
        for item in "abcdef":
            writer.add(item)
        await writer.flushed(10)
    assert store.groups == [list("abcdef")]


async def test_a_large_heap_is_written_in_groups_of_bounded_size() -> None:
    store = Store()
    async with writing(store, Pace(group=3)) as writer:
        for item in "abcdefgh":
            writer.add(item)
        await writer.flushed(10)
    assert store.groups == [list("abc"), list("def"), list("gh")]


async def test_a_full_group_does_not_linger() -> None:
    store = Store()
    async with writing(store, Pace(group=3, linger=FOR_EVER)) as writer:
        for item in "abc":
            writer.add(item)
        await asyncio.wait_for(store.asked.wait(), 10)
    assert store.groups == [list("abc")]


async def test_who_waits_for_the_end_does_not_wait_for_more_to_gather() -> None:
    store = Store()
    async with writing(store, Pace(linger=FOR_EVER)) as writer:
        writer.add("a")
        await asyncio.sleep(0)
        await writer.flushed(10)
    assert store.items == ["a"]


async def test_one_group_is_written_at_a_time() -> None:
    store = Store()
    async with writing(store) as writer:
        store.gate.clear()
        writer.add("a")
        await asyncio.wait_for(store.asked.wait(), 10)
        writer.add("b")
        assert writer.waiting == 2
        store.gate.set()
        await writer.flushed(10)
    assert store.groups == [["a"], ["b"]]


async def test_a_refused_group_is_offered_again_before_anything_newer() -> None:
    store = Store()
    async with writing(store) as writer:
        store.refusal = Refused("the disk is full")
        writer.add("a")
        await asyncio.wait_for(store.asked.wait(), 10)
        writer.add("b")
        store.asked.clear()
        await asyncio.wait_for(store.asked.wait(), 10)
        assert writer.problem == "the event log cannot be written: the disk is full (2 events wait)"
        store.refusal = None
        await writer.flushed(10)
        assert [writer.problem, writer.waiting] == [None, 0]
    assert store.groups == [["a"], ["b"]]
    assert store.offered[:2] == [["a"], ["a"]]


async def test_an_unforeseen_error_does_not_stop_the_writer_nor_show_its_text() -> None:
    store = Store()
    async with writing(store) as writer:
        store.refusal = KeyError("13812345678")
        writer.add("a")
        with pytest.raises(NotWritten):
            await writer.flushed(0.05)
        assert writer.problem == "the event log cannot be written: KeyError (1 events wait)"
        store.refusal = None
        await writer.flushed(10)
    assert store.items == ["a"]


async def test_beyond_the_limit_items_are_dropped_and_counted_in_their_place() -> None:
    store = Store()
    async with writing(store, Pace(linger=0.001, limit=4)) as writer:
        store.gate.clear()
        store.refusal = Refused("the disk is full")
        writer.add("a")
        await asyncio.wait_for(store.asked.wait(), 10)
        for item in "bcdefg":
            writer.add(item)
        assert writer.waiting == 4
        with pytest.raises(NotWritten):
            await writer.flushed(10)
        store.refusal = None
        store.gate.set()
        async with asyncio.timeout(10):
            while writer.waiting == 4:
                await asyncio.sleep(0.001)
        writer.add("h")
        await writer.flushed(10)
    assert store.items == ["a", "b", "c", "d", "3 dropped", "h"]


async def test_waiting_for_the_end_has_a_limit_and_says_what_is_wrong() -> None:
    store = Store()
    async with writing(store) as writer:
        store.gate.clear()
        writer.add("a")
        with pytest.raises(NotWritten, match="1 events wait to be written: the database is slow"):
            await writer.flushed(0.01)


async def test_closing_says_how_much_was_not_written() -> None:
    store = Store()
    async with writing(store) as writer:
        store.refusal = Refused("the disk is full")
        for item in "abc":
            writer.add(item)
        assert await writer.close(within=0.05) == 3
