"""How long an SMS is, and how many it becomes: GSM 03.38 packs 160 letters in one, anything else is UCS-2 with 70.

A longer text is cut into parts that each give up room for a header (GSM 03.40: 6 octets), so 153 or 67 are left. A
letter of the extension table (^ { } [ ~ ] | \\ €) counts twice, and so does a character outside the basic plane (an
emoji); neither is cut in two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")

Alphabet = Literal["GSM-7", "UCS-2"]
ROOM: Final[dict[Alphabet, tuple[int, int]]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Letters in a message that stands alone, and in each part of a longer one."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a text costs."""

    alphabet: Alphabet
    length: int
    """In letters of the alphabet: septets of GSM-7, 16-bit units of UCS-2."""
    segments: int


def size(text: str) -> Size:
    """Measure a text; an empty one is still one message."""
    alphabet = alphabet_of(text)
    return Size(alphabet, sum(_width(letter, alphabet) for letter in text), len(parts(text)))


def alphabet_of(text: str) -> Alphabet:
    """Return the smaller alphabet that has all letters of the text."""
    return "GSM-7" if BASIC.union(EXTENDED).issuperset(text) else "UCS-2"


def parts(text: str) -> list[str]:
    """Cut a text into what fits one message each."""
    alphabet = alphabet_of(text)
    alone, in_part = ROOM[alphabet]
    if sum(_width(letter, alphabet) for letter in text) <= alone:
        return [text]
    cut, room = [""], in_part
    for letter in text:
        width = _width(letter, alphabet)
        if width > room:
            cut.append("")
            room = in_part
        cut[-1] += letter
        room -= width
    return cut


def _width(letter: str, alphabet: Alphabet) -> int:
    if alphabet == "GSM-7":
        return 2 if letter in EXTENDED else 1
    return 2 if ord(letter) > 0xFFFF else 1
