"""What all commands share: which stack, which language, and how to print."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console

from hotline.stack import DEFAULT, Stack, known
from routing.story_words import Language

Result = TypeVar("Result")
console: Final = Console(highlight=False)


StackName = Annotated[
    str, typer.Option("--stack", envvar="HOTLINE_STACK", help="which stack on this machine", show_default=True)
]
InLanguage = Annotated[Language | None, typer.Option("--lang", help="language of the story")]
Reveal = Annotated[bool, typer.Option("--reveal", help="show callers' numbers whole")]
DEFAULT_STACK: Final = DEFAULT


def spoken_here() -> Language:
    """The language of this terminal: Chinese where the locale says so, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.startswith("zh") else "en"


def stack_named(name: str) -> Stack:
    """The stack of this name."""
    return known(name)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end; Ctrl-C ends it quietly."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
