"""The event log is read for calls that left something behind: a message, or a talk that nobody wrote down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from casework.drafts import Drafts, Left
from casework.phone_numbers import callable_number
from casework.ticket import Kind
from ivr.lines import Menu
from routing.events import (
    CallEnded,
    CallPlaced,
    CallQueued,
    CallRang,
    Event,
    KeyPressed,
    MessageLeft,
    RecordingKept,
    TalkStarted,
)
from routing.log import EventLog

NEEDS_A_TICKET: Final[Mapping[str, Kind]] = {
    "repair": Kind.REPAIR,
    "emergency": Kind.REPAIR,
    "complaint": Kind.COMPLAINT,
}
"""What a talk under this topic, or in this queue, is about. A repair becomes an emergency when an agent raises it."""
LOOK_EVERY: Final = 15.0
"""Seconds between two looks at what has become due, while no call leaves anything."""
GATHER: Final = 2.0
"""Seconds in which what calls leave is gathered, to be looked at together."""
PLACE_EVERY: Final = 60.0
"""Seconds after which it is written how far we have read, if nothing was found there; what is found says so at once."""
PAGE: Final = 500
CONCERNS_US: Final = (MessageLeft, CallEnded)
"""What we are woken for."""
TELLS: Final = (CallRang, CallPlaced, KeyPressed, CallQueued, TalkStarted, RecordingKept)
"""What tells what a call was about."""


class DraftsFromCalls:
    """Turns what calls leave behind into drafts, from where it stopped the last time."""

    def __init__(
        self,
        events: EventLog,
        drafts: Drafts,
        menus: Mapping[str, Menu],
        *,
        lines: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lines` has the key of the service line behind each of our numbers."""
        self._events, self._drafts, self._clock = events, drafts, clock
        self._lines = lines
        self._menus = {menu.prompt: menu for menu in menus.values()}
        self._place_written_at = clock()

    async def run(self) -> None:
        """Read the log as it grows, for ever."""
        while True:
            try:
                await self._follow()
            except (SQLAlchemyError, OSError) as problem:
                structlog.get_logger().error("drafts of calls cannot be kept", problem=type(problem).__name__)
            except Exception:  # what it was must be known, and the next calls' drafts are needed all the same
                structlog.get_logger().exception("drafts of calls cannot be kept")
            await asyncio.sleep(LOOK_EVERY)

    async def _follow(self) -> None:
        async with self._events.subscribe(room=1, only=CONCERNS_US) as live:
            seq = await self._drafts.read_up_to()
            if seq is None:
                seq = await self._events.flushed()
                await self._drafts.take(seq)
            while True:
                live.forget()
                seq = await self.catch_up(seq)
                try:
                    async with asyncio.timeout(LOOK_EVERY):
                        await anext(live)
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    return
                await asyncio.sleep(GATHER)

    async def catch_up(self, seq: int) -> int:
        """Look at what concerns us after this event, and at what has become due; return the last event's number."""
        while page := await self._events.after(seq, limit=PAGE, only=CONCERNS_US):
            seq = page[-1].seq
            await self._look_at(seq, [recorded.event for recorded in page])
        due = await self._drafts.waiting()
        told = await self._events.of_calls(due, only=TELLS) if due else {}
        for call in due:
            await self._drafts.settle(self._left(call, told.get(call, ())))
        return seq

    async def _look_at(self, seq: int, page: Sequence[Event]) -> None:
        """Keep what calls left. Where they left nothing, reading it again after a crash does no harm."""
        told = await self._events.of_calls({event.call for event in page if event.call}, only=TELLS)
        messages: list[Left] = []
        talks: list[tuple[str, datetime]] = []
        for event in page:
            if isinstance(event, MessageLeft):
                messages.append(self._left(event.call, told.get(event.call, ()), recording=event.file))
            elif isinstance(event, CallEnded) and self._needs_a_ticket(told.get(event.call, ())):
                talks.append((event.call, event.at))
        if messages or talks or self._clock() - self._place_written_at >= PLACE_EVERY:
            await self._drafts.take(seq, messages=messages, talks_over=talks)
            self._place_written_at = self._clock()

    def _needs_a_ticket(self, events: Sequence[Event]) -> bool:
        return any(isinstance(event, TalkStarted) for event in events) and self._topic(events) in NEEDS_A_TICKET

    def _left(self, call: str, events: Sequence[Event], *, recording: str = "") -> Left:
        topic = self._topic(events)
        kept = [event.file for event in events if isinstance(event, RecordingKept)]
        return Left(
            call=call,
            kind=NEEDS_A_TICKET.get(topic, Kind.MEMO),
            caller=_caller(events),
            line=line_of(events, self._lines),
            recording=recording or (kept[-1] if kept else ""),
            urgent=topic == "emergency",
        )

    def _topic(self, events: Sequence[Event]) -> str:
        """What the caller wanted: the last choice in a menu, else the queue."""
        topic = ""
        for event in events:
            if isinstance(event, CallQueued) and not topic:
                topic = event.queue
            elif isinstance(event, KeyPressed) and (menu := self._menus.get(event.at_prompt)) is not None:
                choice = menu.choice(event.key.pressed)
                topic = topic if choice is None or choice.tells else choice.topic
        return topic


def _caller(events: Sequence[Event]) -> str:
    """Who called, or whom we called."""
    shown = next((event.caller for event in events if isinstance(event, CallRang | CallPlaced)), None)
    return "" if shown is None else callable_number(shown.digits)


def line_of(events: Sequence[Event], lines: Mapping[str, str]) -> str:
    """Return the key of the line that a call came by, or in whose name we called; empty if its number is no line's."""
    ours = (
        event.dialled if isinstance(event, CallRang) else event.shown
        for event in events
        if isinstance(event, CallRang | CallPlaced)
    )
    return lines.get(next(ours, None) or "", "")
