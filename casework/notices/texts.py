"""What notices say, in every language: `texts/<language>.toml`, checked as a whole.

    [repair_dispatched]
    title = "Repair {code}"
    text = "Repair {code}: {problem}. {address}. Reply: 1 accept, 2 on site, 3 done."

A site may say it in its own words: a folder of such files, in which only what differs stands.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Final

from casework.notices.channel import Letter
from casework.notices.notice import Notice
from casework.notices.segments import Size, size

TEXTS: Final = Path(__file__).parent / "texts"
LONGEST_VALUE: Final = 120
"""Letters of a value in a text; what a caller dictates may be longer."""
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


class TextsRefused(ValueError):
    """The texts cannot be used; `problems` has all that is wrong with them."""

    code = "notice-texts"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the texts of notices cannot be used:\n" + "\n".join(f"  - {line}" for line in problems))


@dataclass(frozen=True, slots=True)
class Words:
    """One notice in one language; `{names}` stand for values."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One text as an SMS, its values left out: what it costs before anything is filled in."""

    occasion: str
    language: str
    text: str
    size: Size


class Texts:
    """All texts, by language and occasion."""

    def __init__(self, words: Mapping[str, Mapping[str, Words]]) -> None:
        self._words = words

    @classmethod
    def read(cls, *folders: Path) -> Texts:
        """Read the product's texts, and over them those of each folder given; raises TextsRefused."""
        words: dict[str, dict[str, Words]] = {}
        problems: list[str] = []
        for folder in (TEXTS, *folders):
            for file in sorted(folder.glob("*.toml")):
                try:
                    entries = tomllib.loads(file.read_text("utf-8"))
                except (OSError, ValueError) as wrong:
                    problems.append(f"{file.name}: is not a readable TOML file ({wrong})")
                    continue
                for occasion, entry in entries.items():
                    if not isinstance(entry, dict) or set(entry) != {"title", "text"}:
                        problems.append(f"{file.name}: [{occasion}] must have a title and a text, and nothing else")
                        continue
                    words.setdefault(file.stem, {})[occasion] = Words(str(entry["title"]), str(entry["text"]))
        problems += _different(words)
        if problems:
            raise TextsRefused(problems)
        return cls(words)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are texts for."""
        return tuple(sorted(self._words))

    @property
    def occasions(self) -> frozenset[str]:
        """The name of every notice."""
        return frozenset(next(iter(self._words.values())))

    def values_of(self, occasion: str) -> frozenset[str]:
        """Return the names of the values an occasion's text needs."""
        words = next(iter(self._words.values()))[occasion]
        return _fields(words.title) | _fields(words.text)

    def letter(self, notice: Notice, *, again: bool = False, link: str = "") -> Letter:
        """Return a notice as it leaves: its words with the values in them, and the `link` where its text has one.

        A value is one line without anything that could steer a terminal or a reading direction; one that is missing
        is left blank: a notice with a gap is better than none.
        """
        words = self._find(notice.occasion, notice.language)
        values = {name: _plain(value) for name, value in notice.values.items()} | {"link": link}
        given = {name: values.get(name, "") for name in _fields(words.title) | _fields(words.text)}
        return Letter(
            id=notice.id,
            address=notice.current.address,
            text=words.text.format_map(given).strip(),
            title=words.title.format_map(given).strip(),
            occasion=notice.occasion,
            language=notice.language,
            urgency=notice.urgency,
            values=given,
            ticket=notice.ticket,
            attempt=notice.attempts,
            again=again,
        )

    def measured(self) -> Iterator[Measured]:
        """Yield each text with its size."""
        for language, words in sorted(self._words.items()):
            for occasion, entry in sorted(words.items()):
                bare = entry.text.format_map(dict.fromkeys(_fields(entry.text), ""))
                yield Measured(occasion, language, entry.text, size(bare))

    def _find(self, occasion: str, language: str) -> Words:
        for chosen in (language, language.partition("-")[0], "en", *self.languages):
            if (words := self._words.get(chosen, {}).get(occasion)) is not None:
                return words
        return Words("{title}", "{text}")


def _plain(value: str) -> str:
    text = " ".join(_UNPRINTABLE.sub(" ", value).split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _fields(text: str) -> frozenset[str]:
    """Return the names in a text; raises ValueError for braces that are none."""
    names = set()
    for _, name, form, conversion in Formatter().parse(text):
        if name is not None:
            if form or conversion or not name.isidentifier():
                raise ValueError(f"{{{name}}} is not a plain name")
            names.add(name)
    return frozenset(names)


def _different(words: Mapping[str, Mapping[str, Words]]) -> Iterator[str]:
    """Say which texts stand in one language only, or need other values than in the others."""
    names = {occasion for entries in words.values() for occasion in entries}
    for occasion in sorted(names):
        needed: dict[str, frozenset[str]] = {}
        for language, entries in sorted(words.items()):
            if occasion not in entries:
                yield f"{language}.toml: has no [{occasion}], but another language has; add it"
                continue
            try:
                needed[language] = _fields(entries[occasion].title) | _fields(entries[occasion].text)
            except ValueError as wrong:
                yield f"{language}.toml: [{occasion}]: {wrong}; values are written {{name}}"
        if len(set(needed.values())) > 1:
            found = "; ".join(f"{language} has {', '.join(sorted(each))}" for language, each in needed.items())
            yield f"[{occasion}] needs other values in one language than in another: {found}"
