"""Appointment slots: when somebody can come, and how many callers each slot has room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, bindparam, select, text, update

from casework.errors import SlotTaken
from casework.register import Change
from casework.tables import SLOTS
from casework.ticket import OVER, Slot, State

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

TAKE: Final = text(
    "INSERT INTO ticket_slots (begins, taken) VALUES (:begins, 1)"
    " ON CONFLICT (begins) DO UPDATE SET taken = ticket_slots.taken + 1 WHERE ticket_slots.taken < :room"
    " RETURNING taken"
).bindparams(bindparam("begins", type_=SLOTS.c.begins.type))
"""Take one place of a slot; returns nothing when there is none left."""


class Window(BaseModel):
    """A time of day at which somebody can come, on some days of the week."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    begin: time
    end: time
    days: Sequence[Weekday] = WEEK
    room: int = Field(10, ge=1, le=10_000, description="so many callers can have it")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begins at {self.begin} but ends at {self.end}")
        return self


class FreeSlot(NamedTuple):
    """A slot that can still be had, by so many callers."""

    slot: Slot
    room: int


class Calendar:
    """The slots of a site. Without windows any time can be agreed on, and nothing is counted."""

    def __init__(self, windows: Sequence[Window] = (), *, zone: ZoneInfo) -> None:
        self._windows, self._zone = tuple(windows), zone

    def free(self, connection: Connection, *, after: datetime, days: int) -> Sequence[FreeSlot]:
        """Return the slots with room that begin after this moment and within so many days."""
        slots = list(self._slots(after.astimezone(self._zone).date(), days + 1))
        end = after + timedelta(days=days)
        counted = select(SLOTS).where(SLOTS.c.begins > after, SLOTS.c.begins <= end)
        taken = {row.begins.replace(tzinfo=UTC): row.taken for row in connection.execute(counted)}
        return [
            FreeSlot(slot, window.room - taken.get(slot.begin, 0))
            for slot, window in slots
            if after < slot.begin <= end and taken.get(slot.begin, 0) < window.room
        ]

    def follow(self, transaction: Connection, change: Change) -> None:
        """Take the place of a new appointment and give back that of an old one; raises SlotTaken."""
        before = _held(change.before.slot, change.before.state) if change.before else None
        after = _held(change.after.slot, change.after.state)
        if before == after or not self._windows:
            return
        if after is not None:
            self._take(transaction, after)
        if before is not None:
            self._give_back(transaction, before)

    def _take(self, transaction: Connection, slot: Slot) -> None:
        window = self._window_of(slot)
        if window is None:
            raise SlotTaken(f"nobody comes from {slot.begin} to {slot.end}; ask for the free slots")
        begin = slot.begin.astimezone(UTC)
        if transaction.execute(TAKE, {"begins": begin, "room": window.room}).scalar() is None:
            raise SlotTaken(f"the slot that begins at {slot.begin} is full; ask for the free slots")

    @staticmethod
    def _give_back(transaction: Connection, slot: Slot) -> None:
        begin = slot.begin.astimezone(UTC)
        one_less = update(SLOTS).where(SLOTS.c.begins == begin, SLOTS.c.taken > 0).values(taken=SLOTS.c.taken - 1)
        transaction.execute(one_less)

    def _window_of(self, slot: Slot) -> Window | None:
        day = slot.begin.astimezone(self._zone).date()
        return next((window for found, window in self._slots(day, 1) if found == slot), None)

    def _slots(self, first: date, days: int) -> Iterator[tuple[Slot, Window]]:
        for day in (first + timedelta(days=n) for n in range(days)):
            for window in sorted(self._windows, key=lambda window: window.begin):
                if WEEK[day.weekday()] in window.days:
                    begin, end = (datetime.combine(day, hour, self._zone) for hour in (window.begin, window.end))
                    yield Slot(begin=begin.astimezone(UTC), end=end.astimezone(UTC)), window


def _held(slot: Slot | None, state: State) -> Slot | None:
    """The slot a ticket takes up; who is helped already or cancelled needs it no more."""
    return None if state in OVER else slot
