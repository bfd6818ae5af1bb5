"""The service lines as data: which number speaks with which brand, menu and hours.

A site is described in one file (`hotline/site.py` reads it); these are the parts of it that a flow needs.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Language = Literal["zh", "en", "es"]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")]
Key = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]


class Part(BaseModel):
    """A part of the site file: fixed once read, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(Part):
    """What a key means: a topic that goes to a queue, or to a further menu, or that the machine itself can tell."""

    topic: Id
    queue: Id | None = None
    menu: Id | None = None
    tells: Literal["ticket-status"] | None = None
    priority: int = Field(0, ge=0, le=1000, description="higher waits in front of lower")
    always_open: bool = Field(False, description="answered out of hours too (emergencies)")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if [self.queue, self.menu, self.tells].count(None) != 2:
            raise ValueError(f"topic {self.topic!r} must name either a queue or a menu, or what it tells")
        return self


class Menu(Part):
    """One question to the caller: a prompt and what each key means. `*` always repeats it."""

    prompt: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    keys: Mapping[Key, Choice] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_a_way_out(self) -> Self:
        if all(choice.queue is None for choice in self.keys.values()):
            raise ValueError("no key leads to a queue; a caller who presses nothing must reach a person, best with 0")
        return self

    def choice(self, key: str) -> Choice | None:
        """What this key means here."""
        return self.keys.get(cast(Key, key))


class Line(Part):
    """One service line: the numbers that lead to it, and how it presents itself."""

    key: Id
    name: str
    dialled: Sequence[Digits] = Field(min_length=1)
    brand: Mapping[Language, Annotated[str, StringConstraints(min_length=1, max_length=40)]]
    languages: Sequence[Language] = Field(min_length=1, description="the first one is spoken")
    language_keys: Mapping[Key, Language] = Field(
        default_factory=dict, description="keys that change the language, in any menu that has no other use for them"
    )
    menu: Id
    hours: Id = "always"

    @property
    def language(self) -> Language:
        """The language callers of this line hear."""
        return self.languages[0]

    def language_behind(self, key: str | None) -> Language | None:
        """The language this key changes to, if it does."""
        return self.language_keys.get(cast(Key, key))

    @model_validator(mode="after")
    def _brand_in_each_language(self) -> Self:
        if missing := [language for language in self.languages if language not in self.brand]:
            raise ValueError(f"line {self.key!r} has no brand in {', '.join(missing)}")
        if strange := [language for language in self.language_keys.values() if language not in self.languages]:
            spoken = ", ".join(self.languages)
            raise ValueError(f"line {self.key!r} has keys for {', '.join(strange)}, but speaks {spoken}")
        return self
