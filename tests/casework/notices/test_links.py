"""A link in a notice: made here, for one notice, for a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from casework.notices.links import BadLink, Links
from tests.casework.notices.pretend import NOON

LINKS = Links(SecretStr("a secret of ours"), page="https://sms.example.org/", good_for=timedelta(hours=24))
NOTICE = "0123456789abcdef0123456789abcdef"


def token(notice: str = NOTICE) -> str:
    return LINKS.make(notice, NOON).removeprefix("https://sms.example.org/n/")


def test_a_link_leads_to_its_notice_until_its_time_is_over() -> None:
    assert LINKS.read(token(), NOON + timedelta(hours=23, minutes=58)) == NOTICE
    with pytest.raises(BadLink, match="time"):
        LINKS.read(token(), NOON + timedelta(hours=24, minutes=1))


def test_a_link_is_short_enough_for_an_sms() -> None:
    assert len(LINKS.make(NOTICE, NOON)) <= 86


@given(st.integers(0, 59), st.characters(codec="ascii"))
def test_one_letter_changed_and_it_is_nobodys(place: int, letter: str) -> None:
    good = token()
    forged = good[:place] + letter + good[place + 1 :]
    if forged != good:
        with pytest.raises(BadLink):
            LINKS.read(forged, NOON)


@pytest.mark.parametrize("nonsense", ["", ".", "..", "a.b.c", "\udcff", "水", "x" * 10_000])
def test_nonsense_is_refused(nonsense: str) -> None:
    with pytest.raises(BadLink):
        LINKS.read(nonsense, NOON)


def test_another_secret_does_not_open_it() -> None:
    others = Links(SecretStr("another secret"), page="https://sms.example.org", good_for=timedelta(hours=24))
    with pytest.raises(BadLink):
        others.read(token(), NOON)
