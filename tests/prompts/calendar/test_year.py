"""A year as an operator reads it."""

from __future__ import annotations

import tomllib
from datetime import time
from zoneinfo import ZoneInfo

from prompts.calendar.calendar import Calendar, Rules
from prompts.calendar.hours import Opening, Season
from prompts.calendar.notice import checked_notice
from prompts.calendar.year import told

FESTIVALS = {
    *("new_year", "spring_festival", "lantern", "qingming", "labour_day", "dragon_boat", "mid_autumn", "national_day")
}
HOURS = {
    "office": [Opening(days=["workday"], open=time(8, 30), close=time(17, 30)), Opening(season="heating")],
}


def year(number: int, notice: str = "") -> list[str]:
    rules = Rules(zone=ZoneInfo("Asia/Shanghai"), hours=HOURS, seasons={"heating": Season(first="11-15", last="03-15")})
    return told(Calendar(rules, checked_notice(tomllib.loads(notice), "calendar.toml")), number, FESTIVALS)


def test_a_year_shows_greetings_days_off_make_up_workdays_and_changed_hours() -> None:
    lines = year(2026)
    assert "  2026-10-01 00:00 to 2026-10-08 00:00  national_day  (official)" in lines
    assert "  2026-02-15 sun to 2026-02-23 mon  spring_festival" in lines
    assert "  2026-10-10 sat, with the hours of a wed" in lines
    hours = lines[lines.index("hours 'office' change") :]
    assert "  2026-10-01 thu to 2026-10-02 fri  closed" in hours
    assert "  2026-10-10 sat  08:30-17:30" in hours
    assert "  2026-05-09 sat  08:30-17:30" in hours
    assert any(line.startswith("  2026-11-15 sun") and line.endswith("day and night") for line in hours)
    assert lines[-1] == "no warnings"


def test_festivals_that_overlap_are_told_in_the_order_they_are_said() -> None:
    assert year(2025)[-1] == (
        "  national_day and mid_autumn overlap on 2025-10-06 00:00: said are mid_autumn, then national_day"
    )


def test_a_year_whose_list_is_not_known_says_so_and_what_to_do() -> None:
    (warning,) = year(2027)[year(2027).index("warnings") + 1 :]
    assert "the official list of 2027 is not known yet" in warning
    assert "[[years]]" in warning


def test_gaps_and_windows_without_words_are_warned_of() -> None:
    warnings = "\n".join(
        year(
            2026,
            """
            windows = [
                {do="move", festival="national_day", from=2026-10-03, until=2026-10-07},
                {festival="founding", from=2026-08-08, until=2026-08-08},
                {festival="qingming", from=2026-04-05, until=2026-04-05},
            ]
            closings = [{from=2026-07-01, until=2026-07-20, hours=["office"]}]""",
        )
    )
    assert "2026-10-01 thu to 2026-10-02 fri: days off for national_day, but nothing is said" in warnings
    assert "founding: has no prompt" in warnings
    assert "qingming: two windows overlap on 2026-04-05 00:00; it is said once" in warnings
    assert "hours 'office' have a gap: nobody is there from 2026-07-01 to 2026-07-20" in warnings
