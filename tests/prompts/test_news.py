"""Whom news concerns, and what cannot be announced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from prompts.news import Announcement, Area, News, area_of, concerning

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
AREAS = [
    Area(key="city", name="市区", prefixes=["010"]),
    Area(key="east", name="东城", prefixes=["0106", "1390100"]),
]


def news(number: int, area: str | None = None, **more: Any) -> News:
    fields = {"text": {"zh": "停暖抢修。"}, "begins": NOW, "ends": NOW + timedelta(hours=1), **more}
    return News(number=number, area=area, **fields)


SAID = [news(3), news(1, "east"), news(2, "west"), news(4, "east", text={"en": "No heating."})]


@pytest.mark.parametrize(
    ("area", "language", "told"),
    [("east", "zh", [1, 3]), ("city", "zh", [3]), (None, "zh", [1, 2, 3]), ("east", "en", [4]), ("east", "es", [])],
)
def test_who_is_known_to_live_elsewhere_is_spared_and_who_is_not_known_hears_all(
    area: str | None, language: str, told: list[int]
) -> None:
    assert [each.number for each in concerning(SAID, area, language, NOW)] == told


def test_news_begins_and_ends_by_itself_to_the_moment() -> None:
    one = [news(1)]
    moments = [NOW - timedelta(seconds=1), NOW, NOW + timedelta(minutes=59), NOW + timedelta(hours=1)]
    assert [bool(concerning(one, None, "zh", moment)) for moment in moments] == [False, True, True, False]


def test_the_longest_prefix_says_where_a_caller_lives() -> None:
    assert area_of("01065001234", AREAS) == "east"
    assert area_of("01055001234", AREAS) == "city"
    assert area_of("13901005678", AREAS) == "east"
    assert area_of("13801005678", AREAS) is None
    assert area_of(None, AREAS) is None
    assert area_of("01065001234", []) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "。", "停\n暖", "a\x00b", "x" * 201, "<speak>停暖</speak>", "[[hE]]", "停暖 | rm", "$(id) 停", "123"],
)
def test_a_text_that_is_no_plain_words_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Announcement(text={"zh": text}, begins=NOW, ends=NOW + timedelta(hours=1))


def test_news_that_never_ends_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 31 days later"):
        Announcement(text={"zh": "停暖抢修。"}, begins=NOW, ends=NOW + timedelta(days=32))
