"""Prompts with values that only a call knows: cut into pieces that are made into sound ahead, and joined in the call.

"您的工单{code:code}，预计{until:moment}前完成。"   ->   您的工单 | 一 | 零 | 二 | 四 | (pause) | 预计 | 明天 | ...
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, cast

from prompts.catalogue import Catalogue
from prompts.errors import CannotSay
from prompts.spoken import PAUSE, Pieces, Value, spoken, vocabulary

PIECE: Final = "piece"
"""The prompt's name under which the manifest keeps the sounds of pieces."""
_FULL_STOPS: Final = "。！？.!?"
_STRETCH: Final = re.compile(rf"([，、：；,:;—…{_FULL_STOPS}\s]*)(.*?)([，、：；,:;—…{_FULL_STOPS}\s]*)", re.DOTALL)


def piece_file(text: str, language: str) -> str:
    """Name the file of a piece by its words, which no file's name could hold."""
    return f"{language}/pieces/{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def needed(catalogue: Catalogue, language: str, brands: Iterable[str]) -> frozenset[str]:
    """Return the words of every piece that calls in this language can need."""
    prompts = [prompt for prompt in catalogue.ids if catalogue.values(prompt)]
    kinds = frozenset(kind for prompt in prompts for kind in catalogue.values(prompt).values())
    found = set(vocabulary(language, kinds))
    for prompt in prompts:
        for brand in brands if "brand" in catalogue.parameters(prompt) else ("",):
            for part in catalogue.parts(prompt, language, brand=brand):
                if isinstance(part, str):
                    found |= {piece for piece in _pieces(part) if piece != PAUSE}
    return frozenset(found)


def spoken_pieces(
    catalogue: Catalogue, prompt: str, language: str, brand: str, values: Mapping[str, Value], at: datetime
) -> Pieces:
    """Return the pieces of a prompt with these values, in order.

    A value of kind `prompt` is another prompt's id, and its words are that prompt's. Raises `CannotSay` for a value
    that is missing or of the wrong kind.
    """
    pieces = list(_in_order(catalogue, prompt, language, brand, values, at))
    return tuple(pieces[:-1] if pieces[-1:] == [PAUSE] else pieces)


def _in_order(
    catalogue: Catalogue, prompt: str, language: str, brand: str, values: Mapping[str, Value], at: datetime
) -> Iterator[str]:
    for part in catalogue.parts(prompt, language, brand=brand):
        if isinstance(part, str):
            yield from _pieces(part)
        elif part.name not in values:
            raise CannotSay(part.kind, None, f"{prompt!r} needs a value for {part}")
        elif part.kind == "prompt":
            yield _other(catalogue, values[part.name], language)
        else:
            yield from spoken(part.kind, values[part.name], language, at=at)


def _other(catalogue: Catalogue, prompt: Value, language: str) -> str:
    if not isinstance(prompt, str) or prompt not in catalogue.ids or catalogue.gaps(prompt):
        raise CannotSay("prompt", prompt, f"{prompt!r:.80} is no prompt without parameters")
    return catalogue.text(prompt, language)


def _pieces(words: str) -> Pieces:
    """One stretch of a text between its gaps: its words, and a pause where a sign before or behind asks for it."""
    before, core, behind = cast("re.Match[str]", _STRETCH.fullmatch(words.strip())).groups()
    ended = behind[:1] if behind[:1] in _FULL_STOPS else ""  # a voice lowers itself before it
    return (*((PAUSE,) if before else ()), *((core + ended,) if core else ()), *((PAUSE,) if core and behind else ()))
