"""Facts of made-up calls, as short as a test can say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from routing.events import CallEnded, CallQueued, CallRang, Event, PhoneNumber
from routing.log import EventLog, Recorded

START = datetime(2025, 11, 21, 9, 20, tzinfo=UTC)
ALICE, BOB = PhoneNumber("13812345678"), PhoneNumber("13900000000")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rang(call: str, seconds: float = 0, caller: PhoneNumber | None = ALICE) -> CallRang:
    return CallRang(at=at(seconds), call=call, caller=caller, dialled="95598")


def queued(call: str, position: int, seconds: float = 0) -> CallQueued:
    return CallQueued(at=at(seconds), call=call, queue="repair", position=position)


def ended(call: str, seconds: float = 0) -> CallEnded:
    return CallEnded(at=at(seconds), call=call, by="caller", why="Normal Clearing")


async def record(log: EventLog, *events: Event) -> None:
    for each in events:
        log.record(each)
    await log.flushed()


async def everything(log: EventLog) -> list[Recorded]:
    return list(await log.after(0))
