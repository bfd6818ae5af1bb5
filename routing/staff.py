"""Who can answer, as data: queues, agents, departments. Parts of the site file (`hotline/site.py` reads it)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
WorkNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")]
# Never a number: a guesser who tries 1000, 1001, ... must not meet a phone.
PhoneAccount = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,30}$")]
ShortCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")]
OutsideNumber = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,20}$")]


class Entry(BaseModel):
    """A part of the site file: fixed once read, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Queue(Entry):
    """A line of waiting callers and how it behaves."""

    name: QueueName
    label: Mapping[str, str] = Field(default_factory=dict, description="what people read, per language")
    transfer_code: ShortCode = Field(description="what an agent dials to send a caller here")
    hours: QueueName | None = Field(None, description="opening hours by name; without them, those of the line")
    patience: timedelta = Field(timedelta(minutes=10), description="a longer wait ends with a message")
    wrap_up: timedelta = Field(timedelta(seconds=5), description="an agent's pause after each talk")
    ring_for: timedelta = Field(timedelta(seconds=20), description="then the next agent is tried")
    answer_within: timedelta = Field(timedelta(seconds=20), description="an answer within this counts as in time")
    short_abandon: timedelta = Field(timedelta(seconds=5), description="who hangs up sooner is counted apart")
    longest_wait: timedelta = Field(timedelta(minutes=3), description="a longer wait raises an alarm")
    service_level: float | None = Field(
        None, gt=0, le=1, description="a smaller share of callers answered in time raises an alarm, e.g. 0.8"
    )
    busy_at: int = Field(
        0, ge=0, description="more callers in an hour raise an alarm, until the usual is known; 0 never does"
    )
    most_waiting: int = Field(0, ge=0, description="a full queue asks for a message; 0 is no limit")


class Agent(Entry):
    """Someone who answers: known to callers by the work number, to Asterisk by the phone's account."""

    work_number: WorkNumber
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    phone: PhoneAccount
    queues: Mapping[QueueName, Annotated[int, Field(ge=0, le=100)]] = Field(
        min_length=1, description="queue: penalty; agents with 0 are asked first"
    )

    @property
    def interface(self) -> str:
        """The phone as Asterisk's queues know it."""
        return f"PJSIP/{self.phone}"


class Supervisor(Entry):
    """Someone with a phone who takes no callers: it rings when its owner listens to a talk, or joins one."""

    number: WorkNumber
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    phone: PhoneAccount


class Department(Entry):
    """A place outside the centre that agents may transfer to."""

    code: ShortCode
    name: str
    number: OutsideNumber
