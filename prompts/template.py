"""A text with gaps: what it says, and where values are put in.

    "{brand}：您的工单{code:code}，预计{until:moment}前完成。"

A gap with a name alone is a value of the site (its brand, a work number), known when sounds are made. A gap with a name
and a kind is a value of the call; `prompts/spoken` has the kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True, slots=True)
class Gap:
    """A place for a value; without a kind it is one of the site's."""

    name: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{{{self.name}:{self.kind}}}" if self.kind else f"{{{self.name}}}"


def parts(text: str) -> tuple[str | Gap, ...]:
    """Take a text apart; raise ValueError for any braces but a plain `{name}` or `{name:kind}`."""
    found: list[str | Gap] = []
    for words, name, kind, conversion in Formatter().parse(text):
        if words:
            found.append(words)
        if name is not None:
            if conversion or not name.isidentifier() or (kind and not kind.isidentifier()):
                raise ValueError(f"{{{name}}} is not a plain name, or a name and a kind")
            found.append(Gap(name, kind or ""))
    return tuple(found)


def gaps(text: str) -> frozenset[Gap]:
    """Return the gaps of a text; raise ValueError as `parts` does."""
    return frozenset(part for part in parts(text) if isinstance(part, Gap))
