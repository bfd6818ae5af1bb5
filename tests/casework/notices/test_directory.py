"""The site's people and channels are checked before the first notice, and every problem is named."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from casework.notices.notice import Way
from casework.notices.numbers import BadNumber, e164
from casework.phone_numbers import at_home
from tests.casework.notices.a_site import CREW, TABLES, a_site


def test_a_persons_ways_are_checked_numbers_in_writing_and_by_phone() -> None:
    site = a_site()
    lead = site.person("lead-zhang")
    assert lead is not None
    assert site.ways_of(lead) == (Way("sms", "+8613900139000"),)
    assert site.ways_of(lead, by_phone=True) == (Way("phone", "+8613900139000"),)
    assert site.ways_to_number("13800138000") == (Way("sms", CREW),)


def test_a_person_is_found_by_the_name_tickets_are_dispatched_to() -> None:
    person = a_site().person("East")
    assert person is not None
    assert person.key == "crew-east"
    assert a_site().person("nobody") is None


@pytest.mark.parametrize(
    ("table", "value", "said"),
    [
        ("concerned", ["nobody"], "nobody is called 'nobody'"),
        ("duty", ["crew-east"], "no way by a channel of kind 'call'"),
        ("callers", ["fax"], "no channel is called 'fax'"),
        ("channels", [*TABLES["channels"], TABLES["channels"][0]], "used 2 times"),
        ("people", [{"key": "x", "name": "X", "ways": [{"channel": "sms", "address": "123"}]}], "no such telephone"),
        ("people", [{"key": "x", "name": "X", "ways": [{"channel": "mail", "address": "a b@c"}]}], "name@domain"),
        ("people", [{"key": "x", "name": "X", "ways": [{"channel": "fax", "address": "123"}]}], "no channel"),
        ("channels", [{"name": "s", "kind": "aliyun", "account": "a"}], "templates only"),
        ("channels", [{"name": "s", "kind": "gammu", "database": "postgresql://u:secret@h/d"}], "holds a password"),
        ("channels", [{"name": "s", "kind": "pigeon"}], "pigeon"),
        ("pepole", [], "pepole"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_place(table: str, value: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        a_site(**{table: value})


def test_no_number_of_a_person_is_printed() -> None:
    assert "138" not in repr(a_site())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("13800138000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("010 1234 5678", "+861012345678"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_numbers_are_kept_as_the_world_writes_them(given: str, kept: str) -> None:
    assert e164(given, "CN") == kept


@pytest.mark.parametrize("given", ["", "110", "1380013800", "+8613800138000000", "seven", "１３８; DROP"])
def test_numbers_that_nobody_can_have_are_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(BadNumber) as refused:
        e164(given, "CN")
    assert not given or given not in str(refused.value)


def test_our_own_trunk_dials_home_numbers_as_people_do() -> None:
    assert at_home("+8613800138000", "CN") == "13800138000"
    assert at_home("+861012345678", "CN") == "01012345678"
    assert at_home("+442079460958", "CN") == "00442079460958"
