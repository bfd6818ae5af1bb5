"""`hotline call`: a try-out call by the pretend carrier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hotline import tryout
from hotline.cli.common import DEFAULT_STACK, InLanguage, StackName, run, spoken_here, stack_named
from hotline.cli.conversation import Wishes, converse


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(call)
    app.command("tryout-voices", hidden=True)(voices)


def call(
    dialled: Annotated[str, typer.Option("--number", "-n", help="the number that is dialled")] = "4001234567",
    keys: Annotated[str, typer.Option("--keys", "-k", help="keys to press, one at each question")] = "1",
    talk: Annotated[
        float, typer.Option("--talk", "-t", min=0, max=600, help="seconds of talk before hanging up")
    ] = 6.0,
    caller: Annotated[str | None, typer.Option("--from", help="the caller's number; else a random one")] = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Place a call through the pretend carrier and print the conversation as it happens."""
    wishes = Wishes(dialled=dialled, keys=keys, talk_for=talk, number=caller)
    run(converse(stack_named(stack), wishes, lang or spoken_here()))


def voices(folder: Path) -> None:
    """Make the pretend people's voices (run in the server's container, which has the voice)."""
    tryout.voices(folder)
