"""A tracking code survives being said and keyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.codes import MOST, code_of, in_groups, number_of, read_code

NUMBERS = st.integers(1, MOST - 1)


@given(NUMBERS)
def test_a_code_is_nine_digits_that_can_be_read_back(number: int) -> None:
    code = code_of(number)
    assert len(code) == 9
    assert code.isdecimal()
    assert number_of(code) == number
    assert read_code(code) == read_code(in_groups(code)) == read_code(f" {code[:4]}-{code[4:]} ") == code


def test_no_two_tickets_have_the_same_code() -> None:
    assert len({code_of(number) for number in range(1, 100_001)}) == 100_000


@given(NUMBERS, st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(number: int, place: int, slip: int) -> None:
    code = code_of(number)
    wrong = code[:place] + str((int(code[place]) + slip) % 10) + code[place + 1 :]
    assert read_code(wrong) is None


@given(NUMBERS, st.integers(0, 7))
def test_two_swapped_neighbours_are_noticed(number: int, place: int) -> None:
    code = code_of(number)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert read_code(swapped) == (code if swapped == code else None)


def test_codes_of_tickets_in_a_row_are_not_alike() -> None:
    pairs = [(code_of(number), code_of(number + 1)) for number in range(1, 500)]
    assert all(sum(a != b for a, b in zip(one, other, strict=True)) >= 4 for one, other in pairs)


@pytest.mark.parametrize(
    "said", ["", "1234", "1234567890", "12345678a", "１２３４５６７８９", "12345678\x00", "0" * 10]
)
def test_what_is_no_code_is_not_taken_for_one(said: str) -> None:
    assert read_code(said) is None
    assert number_of(said) is None


def test_there_is_an_end_to_the_numbers() -> None:
    with pytest.raises(ValueError, match="numbered from 1 to 99999999"):
        code_of(MOST)
