"""What a call leaves behind becomes a draft with the recording: once, and never nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from casework.drafts import Drafts
from casework.search import Search
from casework.ticket import Kind, State, Ticket
from hotline.drafts import CONCERNS_US, DraftsFromCalls
from ivr.small_house import small_house
from routing.events import (
    CallEnded,
    CallPlaced,
    CallQueued,
    CallRang,
    Event,
    KeyPressed,
    Keys,
    MessageLeft,
    PhoneNumber,
    RecordingKept,
    TalkStarted,
)
from routing.log import MemoryLog
from tests.casework.cases import ALICE, MORNING, Office, at, burst_pipe
from tests.casework.databases import EVERYWHERE, a_database

CALL = "pbx-1770091200.1"
LINES = {"400100": "cable"}


class Watched:
    """An office whose calls are watched."""

    def __init__(self, office: Office) -> None:
        self.office, self.log = office, MemoryLog()
        self.drafts = Drafts(office.database, office.register)
        self.reader = DraftsFromCalls(self.log, self.drafts, small_house().menus, lines=LINES)

    async def happens(self, *events: Event) -> list[Ticket]:
        """Let this happen, and have it looked at; return the drafts there are then."""
        for event in events:
            self.log.record(event)
        await self.reader.catch_up(await self.drafts.read_up_to() or 0)
        return list(await self.office.tickets.search(Search(states=(State.DRAFT,))))


@pytest_asyncio.fixture(params=EVERYWHERE)
async def watched(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Watched]:
    async with a_database(request.param, tmp_path) as database:
        yield Watched(Office(database))


def rang(caller: str | None = ALICE, call: str = CALL) -> Event:
    return CallRang(at=MORNING, call=call, caller=None if caller is None else PhoneNumber(caller), dialled="400100")


def pressed(*keys: str) -> list[Event]:
    prompts = ("main_menu", "repair_menu")
    return [KeyPressed(at=MORNING, call=CALL, key=Keys(key), at_prompt=prompts[n]) for n, key in enumerate(keys)]


MESSAGE = MessageLeft(at=MORNING, call=CALL, file=f"{CALL}.wav", length=timedelta(seconds=9))
TALK = [
    CallQueued(at=MORNING, call=CALL, queue="repair"),
    TalkStarted(at=MORNING, call=CALL, agent="1024"),
    CallEnded(at=at(3), call=CALL, by=None, why="Network out of order"),
    RecordingKept(at=at(4), call=CALL, file=f"{CALL}.1.wav", length=timedelta(minutes=3)),
]


async def test_a_message_becomes_a_draft_with_the_recording_and_the_callers_number(watched: Watched) -> None:
    (draft,) = await watched.happens(rang(), *pressed("3"), MESSAGE)
    assert (draft.kind, draft.caller, draft.call) == (Kind.COMPLAINT, ALICE, CALL)
    assert (draft.recording, draft.source, draft.urgent) == (f"{CALL}.wav", "message", False)
    assert draft.line == "cable"


async def test_a_talk_that_we_began_is_of_the_line_in_whose_name_we_called_and_about_whom_we_called(
    watched: Watched,
) -> None:
    placed = CallPlaced(at=MORNING, call=CALL, caller=PhoneNumber(ALICE), script="after-repair", shown="400100")
    await watched.happens(placed, *TALK)
    watched.office.clock = at(14)
    (draft,) = await watched.happens()
    assert (draft.kind, draft.caller, draft.line) == (Kind.REPAIR, ALICE, "cable")


async def test_a_message_about_an_emergency_is_urgent(watched: Watched) -> None:
    (draft,) = await watched.happens(rang(), *pressed("2", "1"), MESSAGE)
    assert (draft.kind, draft.urgent) == (Kind.REPAIR, True)


@pytest.mark.parametrize("shown", [None, "anonymous", "'; DROP TABLE tickets", "\x00", "1" * 40])
async def test_whatever_the_carrier_shows_the_message_is_kept(watched: Watched, shown: str | None) -> None:
    (draft,) = await watched.happens(rang(shown), MESSAGE)
    assert (draft.kind, draft.caller) == (Kind.MEMO, "")


async def test_the_same_message_told_twice_leaves_one_draft(watched: Watched) -> None:
    await watched.happens(rang(), MESSAGE, MESSAGE)
    await watched.reader.catch_up(0)
    assert len(await watched.happens()) == 1


async def test_a_draft_of_before_tickets_knew_their_line_is_found_again(watched: Watched) -> None:
    watched.reader = DraftsFromCalls(watched.log, watched.drafts, small_house().menus, lines={})
    await watched.happens(rang(), MESSAGE)
    watched.reader = DraftsFromCalls(watched.log, watched.drafts, small_house().menus, lines=LINES)
    assert len(await watched.happens(MESSAGE)) == 1


async def test_a_talk_that_nobody_wrote_down_becomes_a_draft_after_a_while(watched: Watched) -> None:
    assert await watched.happens(rang(), *pressed("2", "2"), *TALK) == []
    watched.office.clock = at(12)
    assert await watched.happens() == []
    watched.office.clock = at(14)
    (draft,) = await watched.happens()
    assert (draft.source, draft.kind, draft.recording) == ("cut-call", Kind.REPAIR, f"{CALL}.1.wav")
    assert len(await watched.happens()) == 1


async def test_a_talk_with_a_ticket_leaves_no_draft(watched: Watched) -> None:
    await watched.happens(rang(), *pressed("2", "2"), *TALK)
    await watched.office.open(burst_pipe(call=CALL))
    watched.office.clock = at(14)
    assert await watched.happens() == []


async def test_an_enquiry_needs_no_ticket(watched: Watched) -> None:
    watched.office.clock = at(60)
    assert await watched.happens(rang(), *pressed("1"), *TALK) == []


async def test_what_happened_while_we_were_down_is_found_at_the_next_start(watched: Watched) -> None:
    await watched.happens(rang())
    again = Watched(watched.office)
    again.log, again.reader = watched.log, DraftsFromCalls(watched.log, again.drafts, small_house().menus, lines=LINES)
    assert len(await again.happens(MESSAGE)) == 1


async def test_calls_that_leave_nothing_are_not_written_down_each_time(watched: Watched) -> None:
    await watched.happens(rang(), *pressed("1"), *TALK)
    assert await watched.drafts.read_up_to() is None
    watched.reader = DraftsFromCalls(
        watched.log, watched.drafts, small_house().menus, lines=LINES, clock=iter((0, 61, 61)).__next__
    )
    await watched.happens()
    assert await watched.drafts.read_up_to() == 5


async def test_a_message_is_found_while_the_log_is_followed(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.drafts.LOOK_EVERY", 3600)
    following = asyncio.create_task(watched.reader.run())
    while await watched.drafts.read_up_to() is None:
        await asyncio.sleep(0.01)
    watched.log.record(rang())
    watched.log.record(MESSAGE)
    async with asyncio.timeout(60):
        while not await watched.office.tickets.search(Search(states=(State.DRAFT,))):
            await asyncio.sleep(0.1)
    following.cancel()


async def test_what_does_not_concern_us_wakes_nobody(watched: Watched) -> None:
    async with watched.log.subscribe(only=CONCERNS_US) as live:
        for event in (rang(), *pressed("2", "2"), *TALK[:2], TALK[3]):
            watched.log.record(event)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(live), 0.1)
