"""A visit: somebody whom we want to call, by which script, about what, and where that stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from casework.visits.answers import Answer
from casework.visits.fates import Fate
from casework.visits.states import Outcome, State

CALL: Final = re.compile(r"visit-(?P<visit>\d{1,18})-(?P<attempt>\d{1,6})")
"""The id of a call of ours, in Asterisk, in the log and in file names."""
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]


class NewVisit(BaseModel):
    """A visit as somebody asks for it: a ticket, a list, another program."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    script: Short = "return-visit"
    number: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,20}$")] = Field(repr=False)
    key: Short = Field("", description="yours; the same key is never taken twice")
    due: AwareDatetime | None = Field(None, description="not called before; else as soon as possible")
    ticket: Short = ""
    crew: Short = ""
    area: Short = ""
    queue: Short = Field("", description="where a callee who wants a person is led")
    line: Short = Field("", description="the key of the service line in whose name we call")
    language: Short = ""
    zone: Short = Field("", description="the callee's time zone, e.g. Asia/Urumqi; else the site's")
    facts: Mapping[Short, Short] = Field(default_factory=dict, description='what the script may ask, e.g. paid = "no"')

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, OSError, ValueError):
                raise ValueError(f"{name!r} is not a time zone; expected a name such as Asia/Shanghai") from None
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit as it stands."""

    id: int
    script: str
    number: str = field(repr=False)
    state: State
    due: datetime
    priority: int = 0
    attempt: int = 0
    """Calls placed so far, ever; the last one is `call`."""
    tries: int = 0
    """Calls since it became due last: those that count against the limit."""
    key: str = ""
    ticket: str = ""
    crew: str = ""
    area: str = ""
    queue: str = ""
    line: str = ""
    language: str = ""
    zone: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    created: datetime
    changed: datetime

    @property
    def call(self) -> str:
        """The id of its newest call."""
        return f"visit-{self.id}-{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """One call of a visit, or one survey after a call: how it went and what was answered."""

    call: str
    visit: int | None
    script: str
    began: datetime
    answered: datetime | None = None
    ended: datetime | None = None
    fate: Fate | None = None
    cause: int | None = None
    tech_cause: str = ""
    hint: str = ""
    """What Asterisk guessed of who answered: HUMAN, MACHINE, NOTSURE. A guess, and used for nothing."""
    outcome: Outcome | None = None
    answers: Sequence[Answer] = ()


class VisitUnknown(Exception):
    """There is no such visit."""

    code = "visit-unknown"

    def __init__(self, asked: object) -> None:
        super().__init__(f"there is no visit {asked!r:.40}; see: hotline visits list")
