"""`hotline prompts`: check what callers hear, make it, and exchange it with a studio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from aiohttp import ClientTimeout
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hotline import prepare
from hotline import site as sites
from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find
from hotline.site import own_recordings
from hotline.words import needed_sounds, studio_of, texts_of
from prompts.build import Built, build
from prompts.catalogue import Catalogue
from prompts.delivery import take_in
from prompts.errors import CatalogueError
from prompts.espeak import MANNERS, Espeak
from prompts.plan import Plan, Utterance
from prompts.script import FORMS, lines
from prompts.studio import Studio

prompts = typer.Typer(help="What callers hear: texts, voices, recordings.", no_args_is_help=True)
Form = Literal["text", "csv", "markdown"]
Spoken = Literal["zh", "en", "es"]
SITE = Annotated[
    Path | None, typer.Option("--site", help="the site file; site/site.toml if there is one, else the demo's")
]
BUILD_WITHIN: Final = 1800.0
"""Seconds for the server to make all sounds."""
LONG: Final = ClientTimeout(total=BUILD_WITHIN)
LOOK_EVERY: Final = 0.5


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(prompts, name="prompts")


@prompts.command("check")
def check(site: SITE = None) -> None:
    """Check every text and recording as the server would at its start; say every problem, or what there is."""
    chosen, catalogue, plan = _words_of(site)
    studio = studio_of(chosen)
    if problems := [*_unreadable(plan, studio), *studio.problems(plan)]:
        raise CatalogueError(problems)
    for stray in studio.strays(plan):
        console.print(f"! {stray}: is never heard, no sound has this name; see: hotline prompts script")
    recorded = sum(studio.content(piece.file) is not None for piece in plan)
    languages = ", ".join(catalogue.languages)
    console.print(
        f"{chosen} is good: {len(catalogue.ids)} prompts in {languages}; {len(plan)} sounds, {recorded} recorded."
    )


@prompts.command("build")
def build_all(
    site: SITE = None,
    to: Annotated[Path | None, typer.Option("--to", help="a folder, instead of the running hotline's")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Make the sounds of all that has changed. The running hotline takes them up while calls go on."""
    if to is not None:
        chosen, _, plan = _words_of(site)
        _say_built(_build_here(plan, to, studio_of(chosen)))
        return
    where = stack_named(stack)
    prepare.give_words(where, site or prepare.site_file())
    with console.status("the hotline makes the sounds that have changed"):
        done = run(_build_there(stack))
    console.print(f"{done['made']} made, {done['kept']} as they were, {done['removed']} removed.")
    if done["fell_back"]:
        console.print(f"! espeak-ng spoke {done['fell_back']} of them, for the voice failed; see the server's log")


@prompts.command("script")
def script(
    language: Annotated[Spoken, typer.Option("--lang", help="the speaker's language")] = "zh",
    form: Annotated[Form, typer.Option("--format")] = "text",
    everything: Annotated[bool, typer.Option("--all", help="agents' greetings, digits and pieces too")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="only what no studio has recorded")] = False,
    site: SITE = None,
) -> None:
    """Print the sheet for a speaker in the studio: what to say, and how to call the files."""
    chosen, _, plan = _words_of(site)
    print(FORMS[form](lines(plan, studio_of(chosen), language, everything=everything, missing=missing)), end="")


@prompts.command("import")
def import_folder(
    folder: Annotated[Path, typer.Argument(help="what the studio delivered", exists=True, file_okay=False)],
    language: Annotated[Spoken | None, typer.Option("--lang", help="for names without a language")] = None,
    site: SITE = None,
) -> None:
    """Take recordings of any common format, named as in the script; say what was done to each."""
    chosen, _, plan = _words_of(site)
    taken = list(take_in(folder, plan, own_recordings(chosen), language=language or ""))
    for each in taken:
        what = f"refused: {each.refused}" if each.refused else ", ".join(each.did)
        console.print(f"  {'✗' if each.refused else '✓'} {each.source.name}: {what}", soft_wrap=True)
    refused = sum(bool(each.refused) for each in taken)
    console.print(f"\n{len(taken) - refused} taken, {refused} refused. To hear them: hotline prompts build")
    raise typer.Exit(1 if refused else 0)


@prompts.command("record")
def record(
    sound: Annotated[str, typer.Argument(help="a name on the studio's sheet (zh.no_key), or a prompt's id")],
    language: Annotated[Spoken | None, typer.Option("--lang", help="of a prompt's id")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="of an agent's greeting: whose, by work number")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="whose phone rings; the agent's if left out")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Record a prompt by phone: it rings; speak after the tone, press #, hear it back, press 1 to keep it."""
    wanted = {"sound": sound, "language": language, "agent": agent, "phone": phone}
    ended = run(_record_there(stack, {name: value for name, value in wanted.items() if value is not None}))
    if ended != "heard":
        raise typer.Exit(1)


@prompts.command("recorded")
def recorded(
    drop: Annotated[str | None, typer.Option("--drop", help="forget this one: the voice is heard again")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List what was recorded by phone, or forget one of it."""
    for sound in run(_recorded_there(stack, drop)):
        console.print(sound)


def _words_of(site: Path | None) -> tuple[Path, Catalogue, Plan]:
    """The site file, its texts and all its sounds; raises SiteRefused, CatalogueError."""
    chosen = site or prepare.site_file()
    found, catalogue = sites.load(chosen), texts_of(chosen)
    return chosen, catalogue, needed_sounds(found, catalogue)


def _unreadable(plan: Plan, studio: Studio) -> Iterator[str]:
    """Say which texts the built-in voice cannot read: they would be silence if another voice failed."""
    for piece in plan:
        if isinstance(piece, Utterance) and studio.content(piece.file) is None:
            try:
                MANNERS[piece.language].spelled(piece.text)
            except ValueError as wrong:
                yield f"{piece.language}: {piece.prompt!r}: {piece.text!r}: {wrong}, or record it"


def _build_here(plan: Plan, to: Path, studio: Studio) -> Built:
    if problems := list(studio.problems(plan)):
        raise CatalogueError(problems)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("sounds", total=None)

        def step(done: int, total: int, file: str) -> None:
            progress.update(bar, completed=done, total=total, description=file)

        return build(plan, to, Espeak(), studio=studio, progress=step)


def _say_built(built: Built) -> None:
    console.print(f"{len(built.made)} made, {built.kept} as they were, {len(built.removed)} removed.")
    for file, seconds in sorted(built.too_long.items()):
        console.print(f"! {file} lasts {seconds:.1f} s even when spoken fast: make the text shorter")


async def _build_there(stack: str) -> dict[str, int]:
    async with Client(find(stack_named(stack))) as server:
        done: dict[str, int] = await server.ask("POST", "/api/prompts/build", json={}, timeout=LONG)
        return done


ENDS: Final = {
    "missed": "✗ nobody picked up",
    "not-kept": "✗ nothing was kept",
    "heard": "✓ callers hear it from now on",
    "not-heard": "✗ it is kept, but cannot be used",
}
"""How a recording call can end, and what is said of it."""


async def _record_there(stack: str, wanted: dict[str, str]) -> str:
    """Have somebody rung, and tell how it goes until it is over; return how it ended."""
    async with Client(find(stack_named(stack))) as server:
        session = await server.post("/api/prompts/recordings", wanted)
        console.print(f"{session['sound']}: {session['text']}", soft_wrap=True)
        told, state = 0, ""
        while True:
            for line in session["said"][told:]:
                console.print(f"  {line}", soft_wrap=True)
            told = len(session["said"])
            if session["state"] != state:
                state = session["state"]
                console.print(ENDS.get(state, state), soft_wrap=True)
            if state in ENDS:
                return str(state)
            await asyncio.sleep(LOOK_EVERY)
            session = await server.get(f"/api/prompts/recordings/{session['call']}")


async def _recorded_there(stack: str, drop: str | None) -> list[str]:
    async with Client(find(stack_named(stack))) as server:
        if drop is not None:
            await server.ask("POST", "/api/prompts/recorded/drop", json={"sound": drop}, timeout=LONG)
        found: list[str] = (await server.get("/api/prompts/recorded"))["sounds"]
        return found
