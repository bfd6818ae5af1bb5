"""`hotline figures` and `hotline replay`: what the centre did, in numbers, and whether they can be had from the log."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer
from rich.markup import escape
from rich.table import Table

from hotline.cli.common import DEFAULT_STACK, InLanguage, StackName, console, run, spoken_here, stack_named
from hotline.client import Client, find
from routing.figures import Formula
from routing.figures_table import By, Column, to_csv, to_xlsx

WIDE: Final = 170
"""A table is this wide even in a narrow terminal: its columns stay readable."""


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
    csv: Annotated[Path | None, typer.Option("--csv", help="write them to this file")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="write them to this workbook")] = None,
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
        columns = [Column(**column) for column in found["columns"]]
        rows = [dict(zip((column.key for column in columns), row, strict=True)) for row in found["rows"]]
        if csv is not None:
            csv.write_text(to_csv(rows, columns, language), encoding="utf-8", newline="")
        if xlsx is not None:
            xlsx.write_bytes(to_xlsx(rows, columns, language))
        for file in filter(None, (csv, xlsx)):
            console.print(f"written to {file}", markup=False)
        if csv is None and xlsx is None:
            console.print(_table(columns, rows, language), width=max(console.width, WIDE), crop=False)

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


def _table(columns: list[Column], rows: list[dict[str, Any]], language: str) -> Table | str:
    if not rows:
        return "Nothing was counted in this time."
    table = Table()
    for column in columns:
        table.add_column(getattr(column, language), justify="left" if column.kind == "text" else "right")
    for row in rows:
        table.add_row(*(_shown(row[column.key], column.kind) for column in columns))
    return table


def _shown(cell: Any, kind: str) -> str:
    if cell is None:
        return "-"
    if kind == "share":
        return f"{cell:.1%}"
    if kind == "seconds":
        return f"{int(cell) // 60}:{int(cell) % 60:02}"
    return escape(str(cell))
