"""Every text callers and agents can hear, in every language, read from TOML and checked as a whole."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prompts.errors import CatalogueError
from prompts.names import is_name
from prompts.spoken import KINDS, LANGUAGES, SPOKEN
from prompts.template import Gap, gaps, parts

TEXTS: Final = Path(__file__).parent / "texts"
"""The folder of the texts that come with the product."""

TABLES: Final = ("prompts", "digits")

Texts = Mapping[str, Mapping[str, str]]
"""Language, then name, then text."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Texts that agree: each prompt is there in each language, with parameters that can be spoken."""

    prompts: Texts
    digits: Texts

    @classmethod
    def read(cls, folder: Path = TEXTS, *, own: Path | None = None) -> "Catalogue":
        """Read `<language>.toml` files; raise `CatalogueError` with all that is wrong with them.

        Files of the same form in the folder `own`, which need not be there, win over these text by text and may add
        prompts of their own.
        """
        prompts: dict[str, dict[str, str]] = {}
        digits: dict[str, dict[str, str]] = {}
        problems: list[str] = []
        theirs, ours = sorted(folder.glob("*.toml")), sorted(own.glob("*.toml")) if own else []
        for file in (*theirs, *ours):
            name = file.name if file in theirs else str(file)
            try:
                tables = tomllib.loads(file.read_text("utf-8"))
            except (OSError, ValueError) as wrong:
                problems.append(f"{name}: is not a readable TOML file ({wrong}); mend it there")
                continue
            problems += _misshapen(name, file.stem, tables, needed=TABLES if file in theirs else ())
            prompts.setdefault(file.stem, {}).update(_texts(tables.get("prompts")))
            digits.setdefault(file.stem, {}).update(_texts(tables.get("digits")))
        if not prompts and not problems:
            problems.append(f"{folder}: holds no texts; expected files such as zh.toml and en.toml")
        problems += [*_missing(prompts), *_unspeakable(prompts), *_different(prompts), *_uncountable(digits)]
        if problems:
            raise CatalogueError(problems)
        return cls(prompts, digits)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are texts for, in the order of the alphabet."""
        return tuple(sorted(self.prompts))

    @property
    def ids(self) -> frozenset[str]:
        """The name of every prompt."""
        return frozenset(next(iter(self.prompts.values())))

    def parameters(self, prompt: str) -> frozenset[str]:
        """Return the names of the site's values this prompt needs; raise KeyError if there is no such prompt."""
        return frozenset(gap.name for gap in self.gaps(prompt) if not gap.kind)

    def values(self, prompt: str) -> Mapping[str, str]:
        """Return the kinds of the call's values this prompt needs, by name; none if its sound is made ahead."""
        return {gap.name: gap.kind for gap in self.gaps(prompt) if gap.kind}

    def text(self, prompt: str, language: str, **values: str) -> str:
        """Return the words to speak, each value said as `prompts.spoken` has it; KeyError for an unknown name.

        The call's values stay gaps.
        """
        return "".join(map(str, self.parts(prompt, language, **values)))

    def parts(self, prompt: str, language: str, **values: str) -> tuple[str | Gap, ...]:
        """Return the words to speak with the site's values put in, and the gaps for the call's values."""
        said = {name: SPOKEN[name](value, language) for name, value in values.items()}
        return tuple(
            said[part.name] if isinstance(part, Gap) and not part.kind else part
            for part in parts(self.prompts[language][prompt])
        )

    def gaps(self, prompt: str) -> frozenset[Gap]:
        """Return the places in this prompt's text where values are put in."""
        return gaps(self.prompts[self.languages[0]][prompt])


def _texts(table: object) -> Mapping[str, str]:
    """Return a table as texts; what is no text was said by `_misshapen`, and must not hide other problems."""
    entries = table.items() if isinstance(table, dict) else ()
    return {name: str(text) for name, text in entries}


def _misshapen(file: str, language: str, tables: Mapping[str, object], *, needed: Sequence[str]) -> Iterator[str]:
    """Say which tables and entries are not of the form `name = "text"`."""
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        yield f"{file}: {language!r} is not a language whose numbers can be spoken ({known}); rename or remove it"
    for title in sorted(set(needed) - tables.keys()):
        yield f"{file}: has no table [{title}]; add it"
    for title, table in tables.items():
        if title not in TABLES or not isinstance(table, dict):
            yield f"{file}: {title!r} is not expected here; only the tables [prompts] and [digits] are"
            continue
        for name, text in table.items():
            if not is_name(name):
                yield f"{file}: {name!r}: a name has only the characters a-z 0-9 _ - and at most 64; rename it"
            if not isinstance(text, str) or not text.strip():
                yield f"{file}: {name!r}: found {text!r}, expected a text in quotes; write one"


def _missing(prompts: Texts) -> Iterator[str]:
    """Say which prompts have a text in one language only."""
    for name in sorted({name for texts in prompts.values() for name in texts}):
        having = [language for language, texts in prompts.items() if name in texts]
        for language in sorted(prompts.keys() - having):
            yield (
                f"{language}.toml: {name!r}: has no text, but {having[0]}.toml has one; "
                f"add it to [prompts] here, or remove it there"
            )


def _unspeakable(prompts: Texts) -> Iterator[str]:
    """Say which texts have braces that are no parameter, or a parameter nothing is known of."""
    known = ", ".join(f"{{{name}}}" for name in SPOKEN)
    for language, texts in prompts.items():
        for name, text in texts.items():
            try:
                found = gaps(text)
            except ValueError as wrong:
                yield (
                    f"{language}.toml: {name!r}: braces are broken ({wrong}); "
                    f"write parameters as {known} or {{name:kind}}"
                )
                continue
            for gap in sorted(found, key=str):
                if gap.kind and gap.kind not in KINDS:
                    kinds = ", ".join(KINDS)
                    yield f"{language}.toml: {name!r}: found {gap}, expected one of the kinds {kinds}; change it"
                elif not gap.kind and gap.name not in SPOKEN:
                    yield (
                        f"{language}.toml: {name!r}: found parameter {gap}, expected one of {known}, "
                        f"or {{{gap.name}:kind}} for a value of the call; change it"
                    )


def _different(prompts: Texts) -> Iterator[str]:
    """Say which prompts have other parameters in one language than in the first that has them."""
    first_seen: dict[str, tuple[str, frozenset[Gap]]] = {}
    for language, texts in prompts.items():
        for name, text in texts.items():
            try:
                found = gaps(text)
            except ValueError:
                continue  # already said by _unspeakable
            other, expected = first_seen.setdefault(name, (language, found))
            if found != expected:
                yield (
                    f"{language}.toml: {name!r}: found {_listed(found)}, but {other}.toml has "
                    f"{_listed(expected)}; give both texts the same parameters"
                )


def _uncountable(digits: Texts) -> Iterator[str]:
    """Say which languages lack a digit; beyond ten, languages count differently."""
    for language, texts in digits.items():
        lacking = [digit for digit in "0123456789" if digit not in texts]
        if lacking:
            yield f"{language}.toml: [digits] has no {', '.join(lacking)}; expected 0 to 9 at least; add them"


def _listed(found: frozenset[Gap]) -> str:
    return ", ".join(sorted(map(str, found))) or "no parameters"
