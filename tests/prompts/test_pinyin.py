"""Chinese as it is read aloud."""

from itertools import product

import pytest

from prompts.catalogue import Catalogue
from prompts.pinyin import DIGITS, Unreadable, pinyin


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("您好，请按1。", "nin2 hao3 , qing3 an4 yi1 ."),
        ("一零二四号为您服务", "yi1 ling2 er4 si4 hao4 wei4 nin2 fu2 wu4"),
        ("一一一一号", "yi1 yi1 yi1 yi1 hao4"),
        ("10号", "yi1 ling2 hao4"),
        ("一般报修", "yi4 ban1 bao4 xiu1"),
        ("重听", "chong2 ting1"),
        ("您拨打的号码", "nin2 bo1 da3 de5 hao4 ma3"),
        ("您是下一位", "nin2 shi4 xia4 yi2 wei4"),
        ("（“漏水”、无暖）", ", lou4 shui3 , wu2 nuan3 ,"),
        ("银行，绿色", "yin2 hang2 , lv4 se4"),
    ],
)
def test_a_text_is_read_as_people_say_it(text: str, read: str) -> None:
    assert pinyin(text) == read


def test_no_digit_of_a_work_number_changes_its_tone_beside_another() -> None:
    catalogue = Catalogue.read()
    for pair in product("0123456789", repeat=2):
        text = catalogue.text("agent_greeting", "zh", brand="北方热力", work_number="".join(pair))
        one, other = (DIGITS[digit] for digit in pair)
        assert f", {one} {other} hao4 wei4" in pinyin(text)


@pytest.mark.parametrize(
    ("text", "strange"),
    [("北方ABC热力", "ABC"), ("[[hao]]", "[[hao]]"), ("您好\n", "\n"), ("５号", "５"), ("かな", "かな")],
)
def test_what_is_not_chinese_is_refused_and_not_guessed(text: str, strange: str) -> None:
    with pytest.raises(Unreadable) as refused:
        pinyin(text)
    assert refused.value.found == strange
