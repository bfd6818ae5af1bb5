"""The instant something begins or ends: at midnight, over a change of clocks, and wherever a window is cut."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.calendar.calendar import Calendar, Rules
from prompts.calendar.festivals import Window, in_order, midnight, overlaps, without
from prompts.calendar.hours import Interval, Opening, Season, cut, joined
from prompts.calendar.notice import Notice, checked_notice
from prompts.errors import NoticeRefused

SHANGHAI = ZoneInfo("Asia/Shanghai")
MOMENT = timedelta(microseconds=1)
START = datetime(2025, 1, 1, tzinfo=UTC)


def calendar(
    zone: ZoneInfo = SHANGHAI, notice: Notice = Notice(), country: str | None = "CN", **openings: Opening
) -> Calendar:
    hours = {name: [opening] for name, opening in openings.items()}
    seasons = {"heating": Season(first="11-15", last="03-15")}
    return Calendar(Rules(zone=zone, country=country, hours=hours, seasons=seasons), notice)


def at(local: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)


def test_a_window_begins_with_its_first_midnight_and_ends_with_its_last() -> None:
    for moment, said in {
        "2026-10-01": ("national_day",),
        "2026-10-08": (),
    }.items():
        assert calendar().festivals(at(moment)) == said
    assert calendar().festivals(at("2026-10-01") - MOMENT) == ()
    assert calendar().festivals(at("2026-10-08") - MOMENT) == ("national_day",)


def test_hours_begin_sharp_and_end_sharp_and_midnight_is_the_end_of_the_day() -> None:
    found = calendar(late=Opening(days=["fri"], open=time(18)), season=Opening(season="heating"))
    assert not found.is_open("late", at("2026-11-20T18:00") - MOMENT)
    assert found.is_open("late", at("2026-11-20T18:00"))
    assert found.is_open("late", at("2026-11-21") - MOMENT)
    assert not found.is_open("late", at("2026-11-21"))
    assert not found.is_open("season", at("2026-11-15") - MOMENT)
    assert found.is_open("season", at("2026-11-15"))
    assert found.is_open("season", at("2027-03-16") - MOMENT)
    assert not found.is_open("season", at("2027-03-16"))


def test_a_caller_elsewhere_hears_what_holds_at_the_centre() -> None:
    in_new_york = datetime(2026, 9, 30, 12, 0, tzinfo=ZoneInfo("America/New_York"))
    assert calendar().festivals(in_new_york) == ("national_day",)
    with pytest.raises(ValueError, match="time zone"):
        calendar().festivals(datetime(2026, 10, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", date(2026, 3, 29), 23),
        ("Europe/Madrid", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # its clocks go from 0:00 to 1:00: there is no midnight
        ("America/Asuncion", date(2023, 10, 1), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
    ],
)
def test_a_day_lasts_as_long_as_it_does_where_the_clocks_change(zone: str, day: date, hours: float) -> None:
    found = calendar(ZoneInfo(zone), country=None)
    ((begins, ends),) = found.openings("always", day)
    assert (ends - begins) / timedelta(hours=1) == hours
    assert begins == found.openings("always", day - timedelta(days=1))[0][1]


def test_hours_that_the_clocks_leave_out_or_repeat_are_open_once() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    night = calendar(madrid, country=None, night=Opening(open=time(2, 30), close=time(5)))
    ((begins, ends),) = night.openings("night", date(2026, 3, 29))  # 2:30 is not on the clock that night
    assert ends - begins == timedelta(hours=1.5)
    ((begins, ends),) = night.openings("night", date(2026, 10, 25))  # 2:30 comes twice
    assert ends - begins == timedelta(hours=3.5)


# The operator's word


def said(text: str) -> Notice:
    return checked_notice(tomllib.loads(text), "calendar.toml")


def test_a_window_is_moved_from_a_day_and_an_hour() -> None:
    moved = calendar(
        notice=said('windows = [{do="move", festival="national_day", from=2026-09-30T18:00:00, until=2026-10-03}]')
    )
    assert moved.festivals(at("2026-09-30T18:00") - MOMENT) == ()
    assert moved.festivals(at("2026-09-30T18:00")) == ("national_day",)
    assert moved.festivals(at("2026-10-04") - MOMENT) == ("national_day",)
    assert moved.festivals(at("2026-10-04")) == ()
    assert moved.festivals(at("2025-10-04")) == ("national_day",), "other years stay"


def test_new_year_moved_into_december_is_still_the_next_years() -> None:
    moved = calendar(notice=said('windows = [{do="move", festival="new_year", from=2026-12-31, until=2026-12-31}]'))
    assert moved.festivals(at("2026-12-31")) == ("new_year",)
    assert moved.festivals(at("2027-01-01")) == ()
    assert moved.festivals(at("2026-01-01")) == ("new_year",)


def test_a_festival_of_the_operators_own_is_added_and_one_is_silenced_for_a_while() -> None:
    changed = calendar(
        notice=said(
            """
            windows = [
                {festival="founding", from=2026-10-05, until=2026-10-05, says={zh="十周年快乐！"}},
                {do="silence", festival="national_day", from=2026-10-03T12:00:00, until=2026-10-04T12:00:00},
                {do="silence", from=2026-10-07, until=2026-10-07},
            ]"""
        )
    )
    assert changed.festivals(at("2026-10-05")) == ("founding", "national_day")
    assert changed.festivals(at("2026-10-03T11:59")) == ("national_day",)
    assert changed.festivals(at("2026-10-03T12:00")) == ()
    assert changed.festivals(at("2026-10-04T12:00")) == ("national_day",)
    assert changed.festivals(at("2026-10-07T08:00")) == ()
    assert changed.notice.words == {"founding": {"zh": "十周年快乐！"}}
    assert ("founding", "national_day") in changed.said_together(at("2026-01-01"), at("2027-01-01"))


def test_a_year_whose_notice_the_operator_has_is_as_the_notice_says() -> None:
    told = calendar(
        office=Opening(days=["workday"], open=time(8), close=time(17)),
        notice=said(
            """
            [[years]]
            year = 2027
            off = [{from=2027-01-01, until=2027-01-03}, {from=2027-02-05, until=2027-02-11}]
            workdays = [2027-01-31, 2027-02-20]"""
        ),
    )
    assert told.official(2027).known
    assert told.is_open("office", at("2027-02-20T09:00")), "a Saturday that is worked"
    assert not told.is_open("office", at("2027-02-11T09:00")), "a Thursday off"
    assert told.is_open("office", at("2027-05-03T09:00")), "what the notice does not name is no holiday"
    assert told.festivals(at("2027-02-11T09:00")) == ("spring_festival",)


def test_an_emergency_closing_closes_day_and_night_lines_too_and_ends_by_itself() -> None:
    closed = calendar(
        office=Opening(days=["workday"]),
        notice=said(
            """closings = [
                {from=2026-08-12T14:00:00, until=2026-08-12T18:00:00},
                {from=2026-08-13, until=2026-08-13, hours=["office"]},
            ]"""
        ),
    )
    assert closed.is_open("always", at("2026-08-12T14:00") - MOMENT)
    assert not closed.is_open("always", at("2026-08-12T14:00"))
    assert closed.is_open("always", at("2026-08-12T18:00"))
    assert closed.is_open("always", at("2026-08-13T09:00"))
    assert not closed.is_open("office", at("2026-08-13T09:00"))


def test_a_season_that_begins_early_this_year_is_the_only_one_that_changes() -> None:
    early = calendar(
        heat=Opening(season="heating"),
        notice=said('seasons = [{season="heating", from=2026-11-08, until=2027-03-31}]'),
    )
    assert early.is_open("heat", at("2026-11-08"))
    assert early.is_open("heat", at("2027-03-31T23:00"))
    assert not early.is_open("heat", at("2027-04-01"))
    assert not early.is_open("heat", at("2027-11-08"))
    assert early.is_open("heat", at("2027-11-15"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('windows = [{festival="x", from=2026-10-02, until=2026-10-01}]', "must end after it begins"),
        ('windows = [{festival="x", from=2026-10-02, until=2028-10-01}]', "at most 400 days later"),
        ("windows = [{from=2026-10-01, until=2026-10-02}]", "to add a window needs its festival"),
        ('windows = [{festival="../x", from=2026-10-01, until=2026-10-02}]', "windows.0.festival"),
        ('windows = [{festival="x", do="delete", from=2026-10-01, until=2026-10-02}]', "windows.0.do"),
        ('windows = [{festival="x", from=2026-10-01T08:00:00Z, until=2026-10-02}]', "site's own time zone"),
        ('window = [{festival="x", from=2026-10-01, until=2026-10-02}]', "window: Extra inputs"),
        ("years = [{year=2027, off=[{from=2026-01-01, until=2026-01-03}]}]", "does not end in 2027"),
        ("years = [{year=2027, off=[{from=2027-01-01, until=2027-01-03}], workdays=[2027-01-02]}]", "a day off and a"),
        (
            'windows = [{do="move", festival="x", from=2026-10-01, until=2026-10-02, says={zh="好"}}]',
            "leave out `says`",
        ),
    ],
)
def test_a_notice_with_a_mistake_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(NoticeRefused) as refused:
        said(text)
    assert problem in str(refused.value)
    assert str(refused.value).startswith("calendar.toml cannot be used")


# Whatever the windows are

instants = st.integers(0, 200).map(lambda hours: START + timedelta(hours=hours))
names = st.sampled_from(["a", "b", "c"])


@st.composite
def windows(draw: st.DrawFn) -> list[Window]:
    spans = draw(st.lists(st.tuples(names, instants, st.integers(1, 100)), max_size=6))
    return [Window(name, begins, begins + timedelta(hours=length)) for name, begins, length in spans]


@given(windows(), instants, st.integers(1, 100), instants)
def test_what_is_silenced_is_silent_and_the_rest_is_as_it_was(
    some: list[Window], begins: datetime, length: int, moment: datetime
) -> None:
    ends = begins + timedelta(hours=length)
    left = list(without(some, begins, ends))
    expected = [] if begins <= moment < ends else sorted(w.festival for w in some if w.covers(moment))
    assert sorted(window.festival for window in left if window.covers(moment)) == expected
    assert all(window.begins < window.ends for window in left)


@given(windows())
def test_each_festival_is_said_once_and_the_shortest_first(some: list[Window]) -> None:
    ordered = in_order(some)
    assert sorted(ordered) == sorted({window.festival for window in some})
    shortest = {name: min(w.ends - w.begins for w in some if w.festival == name) for name in ordered}
    assert [shortest[name] for name in ordered] == sorted(shortest.values())


@given(windows())
def test_every_overlap_is_found_and_nothing_else(some: list[Window]) -> None:
    pairs = sum(1 for n, a in enumerate(some) for b in some[n + 1 :] if a.begins < b.ends and b.begins < a.ends)
    assert len(list(overlaps(some))) == pairs


@st.composite
def intervals(draw: st.DrawFn) -> list[Interval]:
    return [
        (begins, begins + timedelta(hours=h)) for begins, h in draw(st.lists(st.tuples(instants, st.integers(1, 60))))
    ]


@given(intervals(), instants, st.integers(1, 60), instants)
def test_hours_that_are_joined_and_cut_hold_exactly_the_moments_they_should(
    some: list[Interval], begins: datetime, length: int, moment: datetime
) -> None:
    ends = begins + timedelta(hours=length)
    found = cut(joined(some), begins, ends)
    held = any(a <= moment < b for a, b in some) and not begins <= moment < ends
    assert any(a <= moment < b for a, b in found) == held
    assert all(one[1] <= other[0] for one, other in pairwise(found))


@given(
    st.dates(date(2004, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["Africa/Cairo", "Asia/Shanghai", "Europe/Madrid", "America/Santiago"]),
)
def test_days_follow_each_other_without_a_gap_in_every_zone(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    assert begins.astimezone(zone).date() == day
    assert (ends - MOMENT).astimezone(zone).date() == day
    assert timedelta(hours=22) < ends - begins < timedelta(hours=26)
