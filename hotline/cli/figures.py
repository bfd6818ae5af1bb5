"""`hotline figures` and `hotline replay`: what the centre did, in numbers, and whether they can be had from the log."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, get_args

import typer

from hotline.cli import sheets
from hotline.cli.common import DEFAULT_STACK, InLanguage, StackName, console, run, spoken_here, stack_named
from hotline.cli.sheets import CsvFile, XlsxFile
from hotline.client import Client, find
from routing.figures import Formula
from routing.figures_table import By


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(figures)
    app.command()(replay)


def figures(
    since: Annotated[str, typer.Option("--from", help="a day or a moment: 2025-11-21, 2025-11-21T08:00")] = "today",
    until: Annotated[str, typer.Option("--to", help="the last day, or the moment before which")] = "today",
    by: Annotated[str, typer.Option("--by", help=" | ".join(get_args(By)))] = "queue",
    formula: Annotated[str, typer.Option("--formula", help=" | ".join(get_args(Formula)))] = "of-offered",
    queue: Annotated[str | None, typer.Option("--queue", help="this queue only")] = None,
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Show figures by queue, agent, hour or day; docs/figures.md says what each is."""
    if by not in get_args(By):
        raise typer.BadParameter(f"there are {', '.join(get_args(By))}; found {by!r}", param_hint="--by")
    if formula not in get_args(Formula):
        raise typer.BadParameter(f"there are {', '.join(get_args(Formula))}; found {formula!r}", param_hint="--formula")
    language = lang or spoken_here()
    query = {"since": moment(since), "until": moment(until, end=True), "by": by, "formula": formula}

    async def show() -> None:
        async with Client(find(stack_named(stack))) as server:
            found = await server.get("/api/figures", **query, **({"queue": queue} if queue else {}))
        sheets.tell(found, language, csv=csv, xlsx=xlsx)

    run(show())


def replay(stack: StackName = DEFAULT_STACK) -> None:
    """Compute today's figures anew from the event log, and compare them with those that were kept as it happened."""

    async def compare() -> list[str]:
        async with Client(find(stack_named(stack))) as server:
            return list((await server.get("/api/figures/check"))["differences"])

    differences = run(compare())
    for line in differences:
        console.print(line, markup=False)
    if differences:
        raise typer.Exit(1)
    console.print("The log gives the same figures as were kept.")


def moment(text: str, *, end: bool = False) -> str:
    """A day or a moment as typed, as the server reads it; a day as an end is over at its midnight."""
    try:
        if text == "today":
            found = datetime.combine(datetime.now().astimezone().date(), time())
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected 2025-11-21 or 2025-11-21T08:00, found {text!r}") from None
    if end and "T" not in text:
        found += timedelta(days=1)
    return found.astimezone().isoformat()
