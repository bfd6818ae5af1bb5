"""When and how often we call, as the site wants it: the table `[visits]` of the site file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from casework.visits.fates import Fate

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Part(BaseModel):
    """A part of the rules: fixed once read, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Window(Part):
    """Hours of some weekdays in which people may be called, in their own zone; `close` is already too late."""

    days: Sequence[Weekday] = Field(WEEK, min_length=1)
    open: time
    close: time

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.open >= self.close:
            raise ValueError(f"opens at {self.open} but closes at {self.close}")
        return self


class Again(Part):
    """What is done about a call that did not come about: wait, and try again so often."""

    pause: timedelta = Field(ge=timedelta(seconds=1))
    tries: int = Field(ge=1, le=100, description="calls with this fate, after which the visit is given up")


AGAIN: Final[Mapping[Fate, Again]] = {
    Fate.BUSY: Again(pause=timedelta(minutes=10), tries=5),
    Fate.NO_ANSWER: Again(pause=timedelta(hours=2), tries=3),
    # Whoever pressed the call away twice does not want it now.
    Fate.REJECTED: Again(pause=timedelta(hours=4), tries=2),
    # The network's fault: nobody was disturbed.
    Fate.CONGESTION: Again(pause=timedelta(minutes=1), tries=20),
    Fate.UNSEEN: Again(pause=timedelta(minutes=10), tries=3),
}


class Rules(Part):
    """How return visits and other calls of ours are made."""

    windows: Sequence[Window] = Field(
        (Window(open=time(9), close=time(12)), Window(open=time(14), close=time(20))), min_length=1
    )
    """DL/T 2046 forbids visits at night."""
    on_holidays: bool = Field(False, description="whether people are called on public holidays")
    attempts: int = Field(6, ge=1, le=100, description="calls per visit, whatever their fate; congestion aside")
    again: Mapping[Fate, Again] = Field(default_factory=dict, description="what differs from the usual, by fate")
    ring_for: timedelta = Field(timedelta(seconds=30), ge=timedelta(seconds=5), le=timedelta(minutes=2))
    wait_before: timedelta = Field(timedelta(minutes=30), description="from a ticket's end until we first call")
    within_working_days: int = Field(
        2, ge=1, le=50, description="days with calling windows after a ticket's end; a visit that takes longer is late"
    )
    trunk_lines: int = Field(30, ge=1, le=10_000, description="calls the carrier takes at one time, both ways")
    kept_free: float = Field(0.3, ge=0, le=1, description="the share of them that is always left for incoming calls")
    most_calls: int = Field(10, ge=1, le=10_000, description="calls of ours at one time")
    calls_per_free_agent: int = Field(
        5, ge=0, le=1000, description="a callee may ask for a person; 0 calls whether agents are free or not"
    )
    a_second: float = Field(2, gt=0, le=100, description="new calls a second, at most")
    machine_hint: bool = Field(False, description="let Asterisk guess whether a machine answered; it is only noted")
    survey: bool = Field(False, description="let callers grade the talk by key, when the agent has hung up")
    scripts: str | None = Field(None, description="a folder with scripts of your own")

    def after(self, fate: Fate) -> Again:
        """What is done about this fate."""
        return self.again.get(fate) or AGAIN[fate]
