"""Every day from 2004 to 2027, against two lists that were written by others: `chinese_calendar` and `holidays`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest
from chinese_calendar.constants import holidays as listed

from prompts.calendar.calendar import Calendar, Rules
from prompts.calendar.hours import Opening, Season

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = Opening(days=["workday"], open=time(8, 30), close=time(17, 30))
CALENDAR = Calendar(
    Rules(
        zone=SHANGHAI,
        hours={
            "office": [OFFICE],
            "weekdays": [Opening(days=["mon", "tue", "wed", "thu", "fri"], open=time(8, 30), close=time(17, 30))],
            "heat": [OFFICE, Opening(days=["holiday"], open=time(9), close=time(12)), Opening(season="heating")],
        },
        seasons={"heating": Season(first="11-15", last="03-15")},
    )
)
NAMES = {
    "New Year's Day": "new_year",
    "Spring Festival": "spring_festival",
    "Tomb-sweeping Day": "qingming",
    "Labour Day": "labour_day",
    "Dragon Boat Festival": "dragon_boat",
    "Mid-autumn Festival": "mid_autumn",
    "National Day": "national_day",
}
WORKED = {date(2005, 12, 31)}
"""The notice for 2006 moved this Saturday to 3 January; chinese_calendar begins that notice on 1 January."""


def days(first: int, last: int) -> Iterator[date]:
    day = date(first, 1, 1)
    while day.year <= last:
        yield day
        day += timedelta(days=1)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), SHANGHAI)


def works(day: date) -> bool:
    """Who may say it: chinese_calendar to 2026, and for 2027 the law as `holidays` has it."""
    if day.year < 2027:
        return chinese_calendar.is_workday(day) or day in WORKED
    return holidays.country_holidays("CN", years=day.year).is_working_day(day)


@pytest.mark.parametrize("hours", ["office", "weekdays"])
def test_the_office_is_open_on_workdays_and_make_up_workdays_and_on_no_other_day(hours: str) -> None:
    wrong = [day for day in days(2004, 2027) if CALENDAR.is_open(hours, noon(day)) != works(day)]
    assert wrong == []


def test_make_up_workdays_are_weekends_that_are_worked() -> None:
    found = {day for day in days(2004, 2026) if CALENDAR.day(day).kind == "make-up"}
    assert found == {day for day in chinese_calendar.constants.workdays if day.year < 2027} | WORKED
    assert all(day.weekday() >= 5 for day in found)
    assert len(found) > 140


def test_holidays_have_hours_of_their_own_and_the_heating_season_knows_no_closing_time() -> None:
    for day in days(2004, 2027):
        heating = (day.month, day.day) >= (11, 15) or (day.month, day.day) <= (3, 15)
        holiday = CALENDAR.day(day).kind == "holiday"
        assert CALENDAR.is_open("heat", datetime.combine(day, time(3), SHANGHAI)) == heating, day
        assert CALENDAR.is_open("heat", datetime.combine(day, time(9, 30), SHANGHAI)) == (
            heating or holiday or works(day)
        ), day
        assert CALENDAR.is_open("heat", noon(day)) == (heating or works(day)), day


def test_each_day_off_is_greeted_with_its_festival() -> None:
    for day, name in listed.items():
        if name in NAMES:
            assert NAMES[name] in CALENDAR.festivals(noon(day)), (day, name)


def test_on_a_day_that_no_list_gives_a_festival_nothing_is_wished() -> None:
    """But for weekends that run into a holiday (与周末连休), which one list does not call holidays, and Lantern."""
    for day in days(2004, 2026):
        said = set(CALENDAR.festivals(noon(day))) - {"lantern"}
        if said and day not in listed:
            assert (day.weekday() >= 5, CALENDAR.day(day).kind) == (True, "holiday"), (day, said)


def test_each_festival_is_wished_every_year() -> None:
    every = {*NAMES.values(), "lantern"}
    for year in range(2008, 2028):
        assert {festival for day in days(year, year) for festival in CALENDAR.festivals(noon(day))} == every, year


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2020-10-01", ("mid_autumn", "national_day")),
        ("2020-10-02", ("national_day",)),
        ("2025-10-05", ("national_day",)),
        ("2025-10-06", ("mid_autumn", "national_day")),
        ("2025-10-08", ("national_day",)),
        ("2025-10-09", ()),
        ("2023-09-29", ("mid_autumn",)),
        ("2012-09-30", ("mid_autumn",)),
        ("2018-12-31", ("new_year",)),
        ("2020-02-02", ("spring_festival",)),
        ("2026-02-16", ("spring_festival",)),
        ("2026-03-03", ("lantern",)),
        ("2015-09-03", ()),
        ("2026-11-18", ()),
    ],
)
def test_two_festivals_that_fall_together_are_both_said_the_day_before_the_week(
    day: str, said: tuple[str, ...]
) -> None:
    assert CALENDAR.festivals(noon(date.fromisoformat(day))) == said


def test_the_years_whose_notice_has_come_are_known_and_the_next_is_not() -> None:
    assert [year for year in range(2004, 2029) if not CALENDAR.official(year).known] == [2027, 2028]
