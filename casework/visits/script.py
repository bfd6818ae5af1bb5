"""A script: what the machine says and asks in a call, step by step, and what follows from the answers. It is data.

Scripts are TOML files (`scripts/` holds those that come with the product), checked as a whole before the first call.
Steps are taken in order; a branch leads forward only, so every script comes to an end. Each way ends with `thank` or
with a person. In every question `*` repeats it and `0` leads to a person.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from casework.visits.conditions import Conditions, wrong_with
from casework.visits.states import Outcome

SHIPPED: Final = Path(__file__).parent / "scripts"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Prompt = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Key = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9"]


class Part(BaseModel):
    """A part of a script: fixed once read, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Part):
    """One step. It is taken only when `when` holds; `id` names its answer, and where a branch leads."""

    id: Name | None = None
    when: Conditions = Field(default_factory=dict)


class Say(Step):
    """Something is said."""

    kind: Literal["say"]
    prompt: Prompt


class Remind(Step):
    """Something is said, and that it was said to the end is kept."""

    kind: Literal["remind"]
    id: Name
    prompt: Prompt


class Question(Step):
    """Something is asked. Who answers nothing, again and again, is led to `silent`, or else asked the next thing."""

    id: Name
    prompt: Prompt
    silent: Name | None = None


class Ask(Question):
    """A question for yes (1) or no (2)."""

    kind: Literal["ask"]


class Choose(Question):
    """A question with an option behind each key."""

    kind: Literal["choose"]
    keys: Mapping[Key, Name] = Field(min_length=2)

    def option(self, key: str) -> str | None:
        """What this key means here."""
        return self.keys.get(cast(Key, key))


class Score(Question):
    """A question for points; two digits where the highest has two, so `1` waits a moment for a `0`."""

    kind: Literal["score"]
    lowest: int = Field(1, ge=1, le=9)
    highest: int = Field(10, ge=2, le=99)


class Record(Step):
    """The callee may say something, which is recorded; silence is no answer."""

    kind: Literal["record"]
    id: Name
    prompt: Prompt
    limit: timedelta = Field(timedelta(seconds=60), ge=timedelta(seconds=5), le=timedelta(minutes=5))


class Appoint(Step):
    """A time is agreed at which we call again: chosen or keyed, said back, confirmed."""

    kind: Literal["appoint"]
    id: Name


class Branch(Step):
    """Go on at a later step."""

    kind: Literal["branch"]
    to: Name


class Person(Step):
    """Hand the callee to a person; the script ends."""

    kind: Literal["person"]


class Thank(Step):
    """Say good-bye; the script ends, and so does the call."""

    kind: Literal["thank"]
    prompt: Prompt
    outcome: Outcome = Outcome.FINISHED


AnyStep = Annotated[
    Say | Remind | Ask | Choose | Score | Record | Appoint | Branch | Person | Thank, Field(discriminator="kind")
]


class Consequence(Part):
    """What is done after the call when `when` holds; `outcome` among the conditions is how the call ended."""

    when: Conditions = Field(min_length=1)
    do: Literal["reopen", "complain", "close", "note"]


class Script(Part):
    """A whole script, checked in itself."""

    name: Name
    about: Mapping[str, str] = Field(description="what kind of call it is, by language, for people who read lists")
    queue: str | None = Field(None, description="where persons are; else the case's queue, else the site's fallback")
    attempts: int = Field(3, ge=1, le=9, description="so often a question is asked")
    wait: timedelta = Field(timedelta(seconds=5), ge=timedelta(seconds=1), le=timedelta(seconds=30))
    longest: timedelta = Field(timedelta(minutes=6), description="then the call ends with thanks, wherever it is")
    valid: Sequence[Name] = Field((), description="answers that make a visit count in the figures; none: any answer")
    satisfied: Conditions = Field(default_factory=dict, description="what makes a valid visit a satisfied one")
    facts: Sequence[Name] = Field((), description="what a case may say, e.g. paid")
    steps: Sequence[AnyStep] = Field(min_length=1)
    consequences: Sequence[Consequence] = ()

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each named step stands."""
        return {step.id: place for place, step in enumerate(self.steps) if step.id is not None}

    @property
    def prompts(self) -> frozenset[str]:
        """Every prompt that the steps name."""
        return frozenset(prompt for step in self.steps if (prompt := getattr(step, "prompt", None)))

    @property
    def possible(self) -> Mapping[str, frozenset[str] | None]:
        """The values that each answer and each fact can have; None is anything."""
        facts: dict[str, frozenset[str] | None] = dict.fromkeys(self.facts)
        return facts | {step.id: _values(step) for step in self.steps if step.id is not None and _answers(step)}


class ScriptRefused(ValueError):
    """A script cannot be used; the text lists each problem with its place."""

    code = "script-refused"

    def __init__(self, file: Path, problems: Sequence[str]) -> None:
        self.file, self.problems = file, tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{file} cannot be used:\n{lines}\nMend it and check again with: hotline script check {file}")


def read(file: Path, *, prompts: Collection[str]) -> Script:
    """Read and check a script; `prompts` are those that can be said. Raises ScriptRefused with all problems."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except OSError as problem:
        raise ScriptRefused(file, [f"cannot be read: {problem.strerror}"]) from problem
    except ValueError as problem:
        raise ScriptRefused(file, [f"is not TOML: {problem}"]) from problem
    try:
        script = Script.model_validate(raw)
    except ValidationError as problem:
        raise ScriptRefused(file, [_said(error) for error in problem.errors(include_url=False)]) from problem
    if problems := list(_contradictions(script, prompts)):
        raise ScriptRefused(file, problems)
    return script


def read_all(folders: Sequence[Path], *, prompts: Collection[str]) -> Mapping[str, Script]:
    """Read every script of these folders, by name; a later folder's script replaces one of the same name."""
    found = [read(file, prompts=prompts) for folder in folders for file in sorted(folder.glob("*.toml"))]
    return {script.name: script for script in found}


def _contradictions(script: Script, prompts: Collection[str]) -> Iterator[str]:
    for name in sorted(script.prompts - set(prompts)):
        yield f"no prompt is called {name!r}, or it needs more than {{brand}}; write its text in prompts/texts/*.toml"
    yield from _names(script)
    yield from _ways(script)
    yield from _conditions(script)


def _names(script: Script) -> Iterator[str]:
    seen: set[str] = set()
    for place, step in enumerate(script.steps):
        if step.id is not None and step.id in seen | set(script.facts):
            yield f"steps.{place}: the id {step.id!r} is used twice, but must be unique among steps and facts"
        seen |= {step.id} if step.id else set()
        if isinstance(step, Choose) and len(set(step.keys.values())) < len(step.keys):
            yield f"steps.{place}.keys: two keys mean the same option; each needs its own"
        if isinstance(step, Score) and step.lowest >= step.highest:
            yield f"steps.{place}: lowest {step.lowest} is not below highest {step.highest}"


def _ways(script: Script) -> Iterator[str]:
    """Every jump leads forward to a step that is there, every step can be reached, every way comes to an end."""
    reached = {0}
    for place, step in enumerate(script.steps):
        for field in ("to", "silent"):
            if (target := getattr(step, field, None)) is None:
                continue
            if target not in script.places:
                known = ", ".join(script.places)
                yield f"steps.{place}.{field}: no step has the id {target!r}; there are {known}"
            elif script.places[target] <= place:
                yield f"steps.{place}.{field}: {target!r} is not further on; a callee could go in circles"
            else:
                reached.add(script.places[target])
        if place not in reached:
            yield f"steps.{place}: is never reached; give it an id and a branch that leads there, or remove it"
        if not _ends_here(step):
            reached.add(place + 1)
    if len(script.steps) in reached:
        yield "the last step: the script must end with a `thank` or a `person` that has no `when`"


def _ends_here(step: Step) -> bool:
    """Whether nobody comes from this step to the one below it."""
    return isinstance(step, Branch | Person | Thank) and not step.when


def _conditions(script: Script) -> Iterator[str]:
    known: dict[str, frozenset[str] | None] = dict.fromkeys(script.facts)
    for place, step in enumerate(script.steps):
        yield from (f"steps.{place}.when: {wrong}" for wrong in wrong_with(step.when, known))
        if step.id is not None and _answers(step):
            known[step.id] = _values(step)
    yield from (f"satisfied: {wrong}" for wrong in wrong_with(script.satisfied, known))
    yield from (f"valid: no step has the id {name!r}" for name in script.valid if name not in known)
    known["outcome"] = frozenset(outcome.value for outcome in Outcome)
    for place, consequence in enumerate(script.consequences):
        yield from (f"consequences.{place}.when: {wrong}" for wrong in wrong_with(consequence.when, known))


def _answers(step: Step) -> bool:
    """Whether this step leaves an answer."""
    return isinstance(step, Question | Record | Appoint | Remind)


def _values(step: Step) -> frozenset[str] | None:
    match step:
        case Ask():
            return frozenset({"yes", "no"})
        case Choose():
            return frozenset(step.keys.values())
        case Score():
            return frozenset(str(points) for points in range(step.lowest, step.highest + 1))
        case Remind():
            return frozenset({"said"})
    return None


def _said(error: Any) -> str:
    """One pydantic error as a person reads it: where, what was found, what is wrong."""
    where = ".".join(str(part) for part in error["loc"]) or "the file"
    found = error.get("input")
    shown = f" (found {found!r:.60})" if isinstance(found, str | int | float | bool) else ""
    return f"{where}: {str(error['msg']).removeprefix('Value error, ')}{shown}"
