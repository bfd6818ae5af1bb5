"""What notices say: in every language the same, harmless whatever callers dictate, and of known length."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from casework.notices.notice import Notice, State
from casework.notices.texts import TEXTS, Texts, TextsRefused
from tests.casework.notices.pretend import NOON, a_notice


def written(occasion: str, language: str, **values: str) -> Notice:
    new = a_notice(occasion=occasion, language=language, values=values)
    fields = {name: getattr(new, name) for name in new.__dataclass_fields__}
    return Notice(**fields, id="n1", state=State.WAITING, created=NOON, due=NOON, deadline=NOON + timedelta(hours=1))


def test_the_texts_of_the_product_agree_in_all_languages() -> None:
    texts = Texts.read()
    assert {"zh", "en", "es"} <= set(texts.languages)
    assert {"emergency_opened", "emergency_over", "duty_call", "test"} <= texts.occasions


def test_a_notice_says_what_it_is_about_in_the_readers_language() -> None:
    texts = Texts.read()
    values = {"brand": "阳光供热", "code": "123", "problem": "爆管", "address": "和平路1号", "link": ""}
    assert texts.letter(written("emergency_opened", "zh", **values)).text == (
        "【阳光供热】抢修单123：爆管。地址：和平路1号。回复1接单，2到场，3完成。"
    )


def test_a_language_without_texts_falls_back_to_english() -> None:
    assert Texts.read().letter(written("test", "xx", brand="B")).text.startswith("B: this is a test")


def test_what_a_caller_dictates_stays_one_harmless_line() -> None:
    hostile = "bad\r\n\x1b[2J\u202eevil{code}\x00" + "x" * 500
    text = Texts.read().letter(written("emergency_people", "en", brand="B", code="1", problem=hostile, address="")).text
    assert "bad [2J evil{code}" in text
    assert "\n" not in text
    assert len(text) < 300


def test_a_value_that_is_missing_leaves_a_gap() -> None:
    assert Texts.read().letter(written("test", "en")).text == ": this is a test, please ignore it."


def test_every_text_is_shown_with_its_length_and_segments() -> None:
    measured = {(each.occasion, each.language): each.size for each in Texts.read().measured()}
    assert measured["test", "en"].alphabet == "GSM-7"
    assert measured["test", "zh"].alphabet == "UCS-2"
    assert {size.alphabet for (_, language), size in measured.items() if language == "es"} == {"GSM-7"}
    assert all(size.segments == 1 for size in measured.values()), "each fits one SMS before its values are filled in"


def test_a_site_says_one_notice_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[test]\ntitle = "T"\ntext = "Hello from {brand}"\n')
    texts = Texts.read(tmp_path)
    assert texts.letter(written("test", "en", brand="B")).text == "Hello from B"
    assert texts.letter(written("emergency_over", "en", brand="B", problem="p")).text.startswith("B: what you told us")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('[test]\ntitle = "T"\ntext = "{brand} {other}"\n', "needs other values"),
        ('[test]\ntitle = "T"\ntext = "{brand!r}"\n', "not a plain name"),
        ('[test]\ntext = "no title"\n', "must have a title and a text"),
        ('[new]\ntitle = "T"\ntext = "x"\n', "has no \\[new\\]"),
        ("[test\n", "not a readable TOML"),
    ],
)
def test_texts_that_do_not_agree_are_refused_with_their_place(tmp_path: Path, wrong: str, said: str) -> None:
    (tmp_path / "en.toml").write_text(wrong)
    with pytest.raises(TextsRefused, match=said):
        Texts.read(tmp_path)


def test_the_shipped_folder_is_found() -> None:
    assert (TEXTS / "zh.toml").is_file()
