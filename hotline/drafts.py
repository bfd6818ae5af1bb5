"""The event log is read for calls that left something behind: a message, or a talk that nobody wrote down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from casework.drafts import Drafts, Left
from casework.ticket import Kind
from ivr.lines import Menu
from routing.events import CallEnded, CallQueued, CallRang, Event, KeyPressed, MessageLeft, RecordingKept, TalkStarted
from routing.log import EventLog

NEEDS_A_TICKET: Final[Mapping[str, Kind]] = {
    "repair": Kind.REPAIR,
    "emergency": Kind.REPAIR,
    "complaint": Kind.COMPLAINT,
}
"""What a talk under this topic, or in this queue, is about. A repair becomes an emergency when an agent raises it."""
LOOK_EVERY: Final = 5.0
"""Seconds at most between two looks at what has become due."""
PAGE: Final = 500
CALLABLE: Final = re.compile(r"\+?[0-9]{2,20}")
"""What the carrier shows as the caller's number may be any text."""


class DraftsFromCalls:
    """Turns what calls leave behind into drafts, from where it stopped the last time."""

    def __init__(self, events: EventLog, drafts: Drafts, menus: Mapping[str, Menu]) -> None:
        self._events, self._drafts = events, drafts
        self._menus = {menu.prompt: menu for menu in menus.values()}

    async def run(self) -> None:
        """Read the log as it grows, for ever."""
        while True:
            try:
                await self._follow()
            except (SQLAlchemyError, OSError) as problem:
                structlog.get_logger().error("drafts of calls cannot be kept", problem=type(problem).__name__)
                await asyncio.sleep(LOOK_EVERY)

    async def _follow(self) -> None:
        async with self._events.subscribe(room=1) as live:
            seq = await self._drafts.read_up_to()
            if seq is None:
                seq = await self._events.flushed()
                await self._drafts.take(seq)
            while True:
                seq = await self.catch_up(seq)
                try:
                    await asyncio.wait_for(anext(live), LOOK_EVERY)
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    return await asyncio.sleep(LOOK_EVERY)

    async def catch_up(self, seq: int) -> int:
        """Look at everything after this event, and at what has become due; return the last event's number."""
        while page := await self._events.after(seq, limit=PAGE):
            messages: list[Left] = []
            talks: list[tuple[str, datetime]] = []
            for _, event in page:
                if isinstance(event, MessageLeft):
                    messages.append(await self._left(event.call, recording=event.file))
                elif isinstance(event, CallEnded) and await self._needs_a_ticket(event.call):
                    talks.append((event.call, event.at))
            seq = page[-1].seq
            await self._drafts.take(seq, messages=messages, talks_over=talks)
        for call in await self._drafts.waiting():
            await self._drafts.settle(await self._left(call))
        return seq

    async def _needs_a_ticket(self, call: str) -> bool:
        events = await self._events.of_call(call)
        return any(isinstance(event, TalkStarted) for event in events) and self._topic(events) in NEEDS_A_TICKET

    async def _left(self, call: str, *, recording: str = "") -> Left:
        events = await self._events.of_call(call)
        topic = self._topic(events)
        kept = [event.file for event in events if isinstance(event, RecordingKept)]
        return Left(
            call=call,
            kind=NEEDS_A_TICKET.get(topic, Kind.MEMO),
            caller=_caller(events),
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
    shown = next((event.caller for event in events if isinstance(event, CallRang)), None)
    return shown.digits if shown is not None and CALLABLE.fullmatch(shown.digits) else ""
