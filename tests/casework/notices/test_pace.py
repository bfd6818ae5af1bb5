"""Pauses grow and differ; the night is quiet for what can wait."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from casework.notices.notice import Urgency
from casework.notices.pace import LONGEST_PAUSE, Caps, QuietHours, pause_after

NIGHT = QuietHours(time(21), time(8), ZoneInfo("Asia/Shanghai"))


def test_pauses_double_up_to_a_limit_and_half_of_each_is_luck() -> None:
    longest = [pause_after(failures, luck=lambda: 1.0).total_seconds() for failures in range(1, 6)]
    assert longest == [2, 4, 8, 16, 32]
    assert pause_after(1, luck=lambda: 0.0) == timedelta(seconds=1)
    assert pause_after(10_000, luck=lambda: 1.0) == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        ("2026-01-15T20:59:59+08:00", "2026-01-15T20:59:59+08:00"),
        ("2026-01-15T21:00:00+08:00", "2026-01-16T08:00:00+08:00"),
        ("2026-01-16T02:00:00+08:00", "2026-01-16T08:00:00+08:00"),
        ("2026-01-16T08:00:00+08:00", "2026-01-16T08:00:00+08:00"),
        ("2026-12-31T23:00:00+08:00", "2027-01-01T08:00:00+08:00"),
    ],
)
def test_what_falls_into_the_night_goes_in_the_morning(moment: str, goes: str) -> None:
    given = datetime.fromisoformat(moment).astimezone(UTC)
    assert NIGHT.end_after(given) == datetime.fromisoformat(goes)


def test_quiet_hours_within_a_day_do_not_reach_into_the_next() -> None:
    noon = QuietHours(time(12), time(14), ZoneInfo("Asia/Shanghai"))
    assert noon.end_after(datetime(2026, 1, 15, 5, tzinfo=UTC)) == datetime(2026, 1, 15, 6, tzinfo=UTC)
    assert noon.end_after(datetime(2026, 1, 15, 7, tzinfo=UTC)) == datetime(2026, 1, 15, 7, tzinfo=UTC)


def test_emergencies_have_more_room_under_the_caps() -> None:
    caps = Caps(number=20, ticket=100, total=3000, for_emergencies=3)
    assert caps.of(Urgency.SOON) == (20, 100, 3000)
    assert caps.of(Urgency.EMERGENCY) == (60, 300, 9000)
