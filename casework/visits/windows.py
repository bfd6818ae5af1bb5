"""When somebody may be called: in the site's windows, in his own zone, and not on a holiday."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from casework.visits.rules import WEEK, Window

IsHoliday = Callable[[date], bool]
"""Whether people stay undisturbed on this day."""
LOOK_AHEAD = 60
"""Days that are looked through for a window; there is none in a rule that allows nothing."""


class Hours:
    """The hours in which people may be called."""

    def __init__(self, windows: Sequence[Window], zone: ZoneInfo, is_holiday: IsHoliday = lambda _: False) -> None:
        self._windows = sorted(windows, key=lambda window: window.open)
        self.zone, self._is_holiday = zone, is_holiday

    def next_time(self, at: datetime, zone: ZoneInfo | None = None) -> datetime:
        """Return the first moment (UTC) from this one on at which somebody in this zone may be called."""
        where = zone or self.zone
        for begin, end in self._openings(at.astimezone(where).date(), where):
            if at < end:
                return max(at, begin).astimezone(UTC)
        return at + timedelta(days=LOOK_AHEAD)

    def working_days_after(self, at: datetime, days: int) -> datetime:
        """Return the end (UTC) of the so-manieth day after this one on which people may be called."""
        today = at.astimezone(self.zone).date()
        for day in (today + timedelta(days=ahead) for ahead in range(1, LOOK_AHEAD)):
            days -= self._open_on(day)
            if days == 0:
                return datetime.combine(day, time.max, self.zone).astimezone(UTC)
        return at + timedelta(days=LOOK_AHEAD)

    def _openings(self, first: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The windows from this day on, as moments in UTC: so an hour that a clock change skips or doubles is right."""
        for day in (first + timedelta(days=ahead) for ahead in range(LOOK_AHEAD)):
            for window in self._windows if self._open_on(day) else ():
                if WEEK[day.weekday()] in window.days:
                    begin, end = (datetime.combine(day, each, zone) for each in (window.open, window.close))
                    yield begin.astimezone(UTC), end.astimezone(UTC)

    def _open_on(self, day: date) -> bool:
        return any(WEEK[day.weekday()] in window.days for window in self._windows) and not self._is_holiday(day)
