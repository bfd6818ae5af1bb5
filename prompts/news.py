"""Known outages and other news: what a lead announces, whom it concerns, and how long it is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator

from prompts.calendar.hours import Entry, Name

NEWS: Final = "news_"
"""How the prompts of news begin; the rest of the name is the number of the announcement."""
PLAIN: Final = r"^[^\x00-\x1f\x7f<>{}\[\]|$`\\]*$"
"""A text for people: no control characters, nothing that some voice takes for an instruction."""
LONGEST: Final = timedelta(days=31)
ABOUT_TICKET: Final = r"ticket-([0-9]{9})-[0-9]+"
"""What the news of an emergency is `about`: its code, and how often it was reopened."""
Prefix = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,15}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200, pattern=PLAIN)]


class Area(Entry):
    """A part of town, known by how its telephone numbers begin."""

    key: Name
    name: str
    prefixes: Sequence[Prefix] = Field(min_length=1)


class Announcement(Entry):
    """What is said before the menu, from one moment until another, to whom it concerns."""

    area: Name | None = Field(None, description="only callers of this area, and those whose area nobody knows, hear it")
    text: Mapping[Literal["zh", "en", "es"], Text] = Field(min_length=1)
    expected_end: AwareDatetime | None = Field(None, description="said too: when it should be over")
    begins: AwareDatetime
    ends: AwareDatetime
    by: str = Field("", max_length=80)
    about: str = Field("", max_length=80, pattern=r"^[\w-]*$")
    """What it follows, and ends with (an emergency's ticket); empty for what a lead announces."""

    @field_validator("text")
    @classmethod
    def _in_words(cls, text: Mapping[str, str]) -> Mapping[str, str]:
        for language, words in text.items():
            if not any(sign.isalpha() for sign in words):
                raise ValueError(f"the text in {language!r} has no words")
        return text

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if not timedelta(0) < self.ends - self.begins <= LONGEST:
            raise ValueError(f"must end after it begins, at most {LONGEST.days} days later; announce it anew then")
        return self


class News(Announcement):
    """An announcement under its number."""

    number: int

    @property
    def prompt(self) -> str:
        """The name under which it is said and written down."""
        return f"{NEWS}{self.number}"

    @property
    def emergency(self) -> str | None:
        """The code of the emergency it tells of; None for what a lead announced by hand."""
        told = re.fullmatch(ABOUT_TICKET, self.about)
        return told[1] if told else None


def area_of(caller: str | None, areas: Iterable[Area]) -> str | None:
    """Return the area whose prefix fits a caller's number longest; None if nobody knows."""
    fitting = [
        (len(prefix), area.key) for area in areas for prefix in area.prefixes if (caller or "").startswith(prefix)
    ]
    return max(fitting)[1] if fitting else None


def concerning(news: Iterable[News], area: str | None, language: str, at: datetime) -> list[News]:
    """Return what a caller of this area is told at this moment, in the order it was announced."""
    return [
        each
        for each in sorted(news, key=lambda one: one.number)
        if each.begins <= at < each.ends and language in each.text and (area == each.area or None in (area, each.area))
    ]
