"""`hotline script ...`: what the machine says and asks in the calls that we make, checked and tried out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from casework.visits.answers import Answer
from casework.visits.case import Case
from casework.visits.consequences import following
from casework.visits.script import SHIPPED, Script, read
from casework.visits.states import Outcome
from hotline.cli.common import console, spoken_here
from ivr.call import Call
from ivr.flows.script import Talk
from ivr.hand import Hand
from ivr.rehearsal import HANG_UP, SILENCE, Stage, perform
from ivr.rooms import Rooms
from ivr.scripts import sayable
from prompts.catalogue import Catalogue
from prompts.library import Sound
from prompts.spoken import Value

script = typer.Typer(help="Scripts: what is said and asked in return visits and the like.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="a file, or the name of a script that comes with the product")]
SPOKEN_SECONDS: Final = 4.0
"""How long a text typed in a rehearsal is taken to be as speech."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(script, name="script")


@script.command("list")
def listing() -> None:
    """Show the scripts that come with the product."""
    table = Table("script", "what it is", "questions")
    for file in sorted(SHIPPED.glob("*.toml")):
        found = read(file, prompts=sayable(Catalogue.read()))
        table.add_row(found.name, found.about.get(spoken_here(), ""), ", ".join(found.places))
    console.print(table)


@script.command()
def check(file: File) -> None:
    """Check a script as the server would; say every problem, or what it holds."""
    found = _read(file)
    console.print(
        f"{found.name} is good: {len(found.steps)} steps, {len(found.prompts)} prompts,"
        f" {len(found.consequences)} consequences.",
        markup=False,
    )


@script.command()
def rehearse(
    file: File,
    lang: Annotated[str | None, typer.Option("--lang", help="zh, en or es")] = None,
    fact: Annotated[list[str] | None, typer.Option("--fact", help="what the case says, e.g. paid=no")] = None,
) -> None:
    """Be the callee: read what would be said, press keys, and see what was answered and what would follow."""
    found = _read(file)
    facts = dict(each.split("=", 1) for each in fact or () if "=" in each)
    language = lang or spoken_here()
    console.print("Enter is silence, a key or several are pressed, h hangs up; into a recording, type what you say.\n")
    answers, outcome = asyncio.run(_rehearse(found, facts, language))
    table = Table("question", "answer")
    for answer in answers:
        table.add_row(answer.step, answer.value)
    console.print(table)
    console.print(f"the visit would be {outcome.value}", markup=False)
    for follows in following(found, answers, facts, outcome):
        console.print(f"  and then: {follows}", markup=False)


async def _rehearse(found: Script, facts: dict[str, str], language: str) -> tuple[Sequence[Answer], Outcome]:
    answers: list[Answer] = []
    outcome: list[Outcome] = []

    async def keep(answer: Answer) -> None:
        answers.append(answer)

    async def flow(call: Call, rooms: Rooms) -> Hand:
        call.language = language
        case = Case(script=found, facts=facts, language=language)
        ending = await Talk(call, rooms, case, keep=keep, next_time=lambda at: at).lead()
        outcome.append(ending.outcome)
        return ending.hand

    stage = Terminal(language)
    await perform(flow, stage)
    console.print(f"  {stage.lines[-1]}\n", markup=False)
    return answers, outcome[0] if outcome else Outcome.PARTIAL if answers else Outcome.HUNG_UP


class Terminal(Stage):
    """A stage on which the person at the keyboard is the callee: texts are read, keys are typed."""

    def __init__(self, language: str) -> None:
        super().__init__((), {}, ())
        self._language, self._ahead = language, ""

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
        """Print what is said."""
        return self._printed(super().sound(prompt, language, **parameters))

    async def saying(
        self, prompt: str, language: str, values: Mapping[str, Value], *, brand: str, at: datetime
    ) -> Sound:
        """Print what is said, values and all."""
        return self._printed(await super().saying(prompt, language, values, brand=brand, at=at))

    def _printed(self, sound: Sound) -> Sound:
        console.print("  " + sound.text.replace("{brand}", "…"), markup=False)
        return sound

    def act(self) -> str:
        """Ask the keyboard; several keys are pressed one after the other."""
        if not self._ahead:
            self._ahead = typer.prompt("  >", default="", show_default=False, prompt_suffix=" ").strip()
        if self._ahead == "h":
            return HANG_UP
        key, self._ahead = self._ahead[:1], self._ahead[1:]
        return key or SILENCE

    def speech(self) -> float:
        """Whatever is typed was said."""
        said = typer.prompt("  (speak) >", default="", show_default=False, prompt_suffix=" ").strip()
        self._ahead = "#" if said else ""
        return SPOKEN_SECONDS if said else 0.0


def _read(file: Path) -> Script:
    shipped = SHIPPED / f"{file.name}.toml"
    chosen = shipped if not file.exists() and shipped.is_file() else file
    return read(chosen, prompts=sayable(Catalogue.read()))
