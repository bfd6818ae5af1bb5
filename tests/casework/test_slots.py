"""Appointments: a slot has so much room and no more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from casework.errors import SlotTaken
from casework.ticket import Slot, Ticket
from tests.casework.cases import AFTERNOONS, MORNINGS, Office


@pytest.fixture
def crowded(office: Office) -> Office:
    """An office with two places each morning and one in the afternoon of a working day. Its clock: a Friday, 9:30."""
    return Office(office.database, windows=[AFTERNOONS, MORNINGS])


async def free(office: Office, days: int = 3) -> list[tuple[str, int]]:
    return [(f"{slot.begin:%d %H}", room) for slot, room in await office.tickets.free_slots(days=days)]


async def first(office: Office, *, but: int = 0) -> Slot:
    return (await office.tickets.free_slots())[but].slot


async def test_free_slots_are_told_with_their_room(crowded: Office) -> None:
    assert await free(crowded) == [("21 06", 1), ("22 01", 2), ("23 01", 2), ("24 01", 2)]
    assert await free(Office(crowded.database)) == []


async def test_a_taken_slot_is_no_longer_offered_and_cannot_be_had(crowded: Office) -> None:
    slot = await first(crowded)
    await crowded.step(await crowded.open(), "appoint", slot=slot)
    assert (await first(crowded)).begin > slot.begin
    other = await crowded.open()
    with pytest.raises(SlotTaken, match="is full"):
        await crowded.step(other, "appoint", slot=slot)
    assert (await crowded.tickets.get(other.code)).version == 1


async def test_who_moves_or_is_helped_gives_the_slot_back(crowded: Office) -> None:
    before = await free(crowded)
    ticket = await crowded.step(await crowded.open(), "appoint", slot=await first(crowded))
    later = await first(crowded, but=1)
    moved = await crowded.step(ticket, "appoint", slot=later)
    assert moved.expected_end() == later.end
    assert (await free(crowded))[0] == before[0]
    await crowded.walk(moved, "finish")
    assert await free(crowded) == before


async def test_a_time_nobody_comes_at_is_refused(crowded: Office) -> None:
    slot = await first(crowded)
    odd = Slot(begin=slot.begin + timedelta(hours=1), end=slot.end)
    with pytest.raises(SlotTaken, match="nobody comes"):
        await crowded.step(await crowded.open(), "appoint", slot=odd)


async def test_of_many_who_want_the_last_place_one_gets_it(crowded: Office) -> None:
    slot = await first(crowded)
    tickets = [await crowded.open() for _ in range(5)]
    tries = (crowded.step(ticket, "appoint", slot=slot) for ticket in tickets)
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, Ticket) for each in outcomes) == 1
    assert sum(isinstance(each, SlotTaken) for each in outcomes) == 4
