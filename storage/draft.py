"""Draft the next step of a room's tables: python -m storage.draft casework "add a column" --name tickets_0005."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Annotated

import typer

from storage.database import MemoryDatabase
from storage.history import History


def main(
    room: Annotated[str, typer.Argument(help="routing, casework, desk or prompts")],
    title: Annotated[str, typer.Argument(help="what the step does")],
    name: Annotated[str | None, typer.Option(help="the step's own name, where the room has several lines")] = None,
) -> None:
    """Write the step, to be read and corrected."""
    history: History = import_module(f"{room}.migrations").HISTORY
    asyncio.run(_draft(history, title, name))


async def _draft(history: History, title: str, name: str | None) -> None:
    database = MemoryDatabase()
    await history.draft(database, title, name=name)
    await database.close()


if __name__ == "__main__":
    typer.run(main)
