"""How fast notices go: the pause after a failure, the quiet hours, and the caps that slow a storm."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from casework.notices.notice import Urgency

FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(minutes=10)
LONGEST_PROBE_PAUSE: Final = timedelta(seconds=30)
"""A channel that is down is tried at least this often, so that what waits goes out within a minute of its return."""
HOUR: Final = timedelta(hours=1)


def pause_after(
    failures: int, *, longest: timedelta = LONGEST_PAUSE, luck: Callable[[], float] = random.random
) -> timedelta:
    """Return how long to wait after so many failures in a row: doubled each time, up to `longest`.

    Half of it is left to luck, so that a thousand notices that failed together do not come back together.
    """
    whole: timedelta = min(FIRST_PAUSE * 2 ** min(max(failures - 1, 0), 30), longest)
    return whole * (0.5 + luck() / 2)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When people are left alone, in the site's zone: from 21:00 to 08:00, for example, over midnight."""

    begin: time
    end: time
    zone: ZoneInfo

    def end_after(self, moment: datetime) -> datetime:
        """Return when a notice of this moment may go: the moment itself, or the end of the quiet hours it falls in."""
        here = moment.astimezone(self.zone)
        if not self._quiet(here.time()):
            return moment
        day = here.date() if here.time() < self.end else here.date() + timedelta(days=1)
        return datetime.combine(day, self.end, self.zone).astimezone(moment.tzinfo)

    def _quiet(self, now: time) -> bool:
        if self.begin <= self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


@dataclass(frozen=True, slots=True)
class Caps:
    """How many may go out within any hour: to one number, about one ticket, and in all.

    Emergencies count too, but are held back only at `for_emergencies` times as many: enough for the worst day, and a
    program that has gone mad still cannot ring a crew for ever.
    """

    number: int = 20
    ticket: int = 100
    total: int = 3000
    for_emergencies: int = 3

    def of(self, urgency: Urgency) -> tuple[int, int, int]:
        """Return the caps (number, ticket, total) that hold for a notice of this urgency."""
        times = self.for_emergencies if urgency is Urgency.EMERGENCY else 1
        return self.number * times, self.ticket * times, self.total * times
