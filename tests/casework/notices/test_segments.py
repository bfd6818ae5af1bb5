"""How many SMS a text becomes, against GSM 03.38 and 03.40."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.notices.segments import BASIC, EXTENDED, ROOM, Size, alphabet_of, parts, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Size("GSM-7", 0, 1)),
        ("a" * 160, Size("GSM-7", 160, 1)),
        ("a" * 161, Size("GSM-7", 161, 2)),
        ("a" * 306, Size("GSM-7", 306, 2)),
        ("a" * 307, Size("GSM-7", 307, 3)),
        ("€" * 80, Size("GSM-7", 160, 1)),
        ("€" * 81, Size("GSM-7", 162, 2)),
        ("水" * 70, Size("UCS-2", 70, 1)),
        ("水" * 71, Size("UCS-2", 71, 2)),
        ("水" * 135, Size("UCS-2", 135, 3)),
        ("🔥" * 35, Size("UCS-2", 70, 1)),
        ("a" * 70 + "水", Size("UCS-2", 71, 2)),
        ("Straße", Size("GSM-7", 6, 1)),
        ("`", Size("UCS-2", 1, 1)),
    ],
)
def test_a_text_is_measured_as_phones_count(text: str, expected: Size) -> None:
    assert size(text) == expected


def test_the_alphabets_have_the_letters_that_gsm_03_38_has() -> None:
    # 128 places, one of which is the escape to the extension table.
    assert len(BASIC) == 127
    assert len(EXTENDED) == 10
    assert not BASIC & EXTENDED


@given(st.text(alphabet=st.sampled_from("aé€{水🔥"), max_size=500))
def test_parts_put_together_are_the_text_and_each_fits(text: str) -> None:
    cut = parts(text)
    alphabet = alphabet_of(text)
    assert "".join(cut) == text
    for part in cut:
        units = len(part.encode("utf-16-be")) // 2 if alphabet == "UCS-2" else sum(1 + (c in EXTENDED) for c in part)
        assert units <= ROOM[alphabet][1 if len(cut) > 1 else 0]
