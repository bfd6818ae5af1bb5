"""Chinese text as tone-numbered pinyin, for a voice that cannot be trusted to read characters.

`您好，请按1。` becomes `nin2 hao3 , qing3 an4 yi1 .`
"""

import re
from collections.abc import Iterator
from typing import Final

from pypinyin import Style, lazy_pinyin

READINGS: Final = {
    "重听": "chong2 ting1",
    "拨打的": "bo1 da3 de5",
    "下一位": "xia4 yi2 wei4",
    "试一次": "shi4 yi2 ci4",
}
"""Words of ours that the dictionary reads wrongly."""

DIGITS: Final = {
    "0": "ling2",
    "1": "yi1",
    "2": "er4",
    "3": "san1",
    "4": "si4",
    "5": "wu3",
    "6": "liu4",
    "7": "qi1",
    "8": "ba1",
    "9": "jiu3",
}

PAUSES: Final = dict.fromkeys("，、：—…,:（）()", ",") | dict.fromkeys("。！？；.!?;", ".")
UNHEARD: Final = frozenset(" “”‘’《》【】·\"'")

_APART: Final = re.compile(rf"({'|'.join(READINGS)}|[0-9]|[{re.escape(''.join(PAUSES))}])")
_SYLLABLE: Final = re.compile(r"[a-z]+[1-5]")


class Unreadable(ValueError):
    """Something in a text has no Chinese reading."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"{found!r} cannot be read as Chinese; write it in Chinese characters")


def pinyin(text: str) -> str:
    """Return the text as syllables and pauses, separated by spaces; raise `Unreadable` if some is not Chinese."""
    return " ".join(part for stretch in _APART.split(text) for part in _read(stretch))


def _read(stretch: str) -> Iterator[str]:
    """Read one stretch of text that needs one rule."""
    if stretch in PAUSES:
        yield PAUSES[stretch]
    elif stretch in READINGS:
        yield READINGS[stretch]
    elif stretch in DIGITS:
        yield DIGITS[stretch]
    else:
        yield from _characters("".join(character for character in stretch if character not in UNHEARD))


def _characters(stretch: str) -> Iterator[str]:
    """Read characters in the context of their words."""
    for syllable in lazy_pinyin(stretch, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True):
        if not _SYLLABLE.fullmatch(syllable):
            raise Unreadable(syllable)
        yield syllable
