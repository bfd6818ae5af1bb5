"""What a callee answered, one type for each kind of question. An answer is kept as soon as it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered at a step of the script, and when. `value` is how a script's conditions compare it."""

    step: str
    at: datetime

    @property
    def value(self) -> str:
        """The answer in one word."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo(Answer):
    """Yes or no."""

    yes: bool

    @property
    def value(self) -> str:
        """`yes` or `no`."""
        return "yes" if self.yes else "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Answer):
    """One of the options that the question offered."""

    option: str

    @property
    def value(self) -> str:
        """The option's name in the script."""
        return self.option


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Answer):
    """A number of points."""

    points: int

    @property
    def value(self) -> str:
        """The points in digits."""
        return str(self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Answer):
    """Something was said and recorded; `file` is a name made of ids, without a folder."""

    file: str
    length: timedelta

    @property
    def value(self) -> str:
        """The file's name."""
        return self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed(Answer):
    """A time (UTC) at which we shall call again."""

    time: datetime

    @property
    def value(self) -> str:
        """The time in ISO 8601."""
        return self.time.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Answer):
    """A reminder was heard to its end; nothing was asked."""

    @property
    def value(self) -> str:
        """`said`."""
        return "said"


KINDS: Final[dict[str, type[Answer]]] = {
    "yes-no": YesNo,
    "chosen": Chosen,
    "scored": Scored,
    "recorded": Recorded,
    "agreed": Agreed,
    "said": Said,
}
"""Each kind's name where answers are kept. A name stays for good."""
