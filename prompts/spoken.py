"""How the values in a text are said aloud, by the name of the parameter."""

from collections.abc import Callable, Mapping
from typing import Final

LANGUAGES: Final = ("en", "es", "zh")


def as_written(value: str, _language: str) -> str:
    """Return a name as the site wrote it for this language."""
    return value


def digit_by_digit(value: str, language: str) -> str:
    """Return a work number as the trade says it: 1024 is 一零二四, or 1 0 2 4."""
    if language == "zh":
        return value.translate(str.maketrans("0123456789", "零一二三四五六七八九"))
    return " ".join(value)


SPOKEN: Final[Mapping[str, Callable[[str, str], str]]] = {
    "brand": as_written,
    "work_number": digit_by_digit,
}
"""Every parameter a text may use, and the rule that turns its value into words of a language."""
