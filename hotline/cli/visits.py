"""`hotline visits ...`: whom we call back, how far that is, what was said, and the figures."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from csv import DictReader
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.live import Live
from rich.table import Table

from casework.visits.states import OVER, State
from casework.visits.visit import NewVisit
from hotline.cli import sheets
from hotline.cli.common import DEFAULT_STACK, InLanguage, StackName, console, run, spoken_here, stack_named
from hotline.cli.sheets import CsvFile, XlsxFile
from hotline.client import Client, ServerError, find

visits = typer.Typer(help="Return visits: list, start, pause, resume, reorder, figures, import.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="the visit's number; see: hotline visits list")]
Script = Annotated[str, typer.Argument(help="a script's name; * is all of them")]
AT_ONCE: Final = 500
COLUMNS: Final = tuple(name for name in NewVisit.model_fields if name != "facts")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(visits, name="visits")


@visits.command("list")
def listing(
    state: Annotated[State | None, typer.Option("--state", help="only those in this state")] = None,
    script: Annotated[str, typer.Option("--script", help="only those of this script")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Show visits."""
    query = {"limit": str(limit)} | ({"state": state.value} if state else {}) | ({"script": script} if script else {})
    found = _get(stack, "/api/visits", **query)["visits"]
    names = ("id", "script", "number", "state", "due", "attempt", "ticket", "crew", "area")
    table = Table(*names)
    for each in found:
        table.add_row(*(str(each[name]) for name in names))
    console.print(table)


@visits.command()
def show(visit: Id, stack: StackName = DEFAULT_STACK) -> None:
    """Tell one visit: its steps, its calls, and what was answered. The call itself: hotline calls CALL."""
    found = _get(stack, f"/api/visits/{visit}")
    console.print(f"visit {found['id']}: {found['script']} to {found['number']}, {found['state']}", markup=False)
    for step in found["steps"]:
        why = f" ({step['why']})" if step["why"].strip('"') else ""
        console.print(f"  {step['at']}  {step['step']} → {step['state']}, by {step['who']}{why}", markup=False)
    for call in found["calls"]:
        end = call["outcome"] or call["fate"] or "goes on"
        console.print(f"\n  {call['call']}  {call['began']}: {end}", markup=False)
        for each in call["answers"]:
            console.print(f"      {each['step']}: {each['value']}", markup=False)


@visits.command()
def add(
    number: Annotated[str, typer.Argument(help="who is to be called")],
    script: Annotated[str, typer.Option("--script", help="what is said")] = "return-visit",
    ticket: Annotated[str, typer.Option("--ticket", help="the ticket it is about")] = "",
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Have somebody called."""
    added = _post(stack, "/api/visits", {"number": number, "script": script, "ticket": ticket})
    console.print(f"visit {added['id']}")


@visits.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="CSV with a header: number and any of " + ", ".join(COLUMNS[2:]))],
    script: Annotated[str, typer.Option("--script", help="for rows that name none")] = "return-visit",
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Take visits in from a CSV file; what it holds beside the known columns are facts for the script.

    A row with a `key` that was taken in before is passed over, so a file can be taken in again.
    """
    wrong, new, rows = 0, 0, 0

    async def send() -> None:
        nonlocal wrong, new, rows
        async with Client(find(stack_named(stack))) as server:
            for some in _batches(_rows(file, script)):
                good = [row for _, row, problem in some if not problem]
                for line, _, problem in some:
                    if problem:
                        wrong += 1
                        console.print(f"  line {line}: {problem}", markup=False)
                rows += len(some)
                body: dict[str, Any] = {"visits": good}
                if good:
                    new += int((await server.post("/api/visits/several", body))["new"])

    run(send())
    console.print(f"{rows} rows: {new} new visits, {rows - wrong - new} known already, {wrong} refused")
    raise typer.Exit(1 if wrong else 0)


@visits.command()
def start(script: Script = "*", stack: StackName = DEFAULT_STACK) -> None:
    """Dial (again), and show how it goes until nobody is left to call; Ctrl-C only ends the showing."""
    _post(stack, "/api/visits/resume", {"script": script})
    watch(stack)


@visits.command()
def watch(stack: StackName = DEFAULT_STACK) -> None:
    """Show live how many visits are in which state."""

    async def follow() -> None:
        async with Client(find(stack_named(stack))) as server:
            with Live(console=console, refresh_per_second=4) as live:
                while True:
                    found = await server.get("/api/visits/progress")
                    live.update(_progress(found))
                    if not any(found["states"].get(state.value) for state in State if state not in OVER):
                        return
                    await asyncio.sleep(1)

    run(follow())


@visits.command()
def pause(script: Script = "*", stack: StackName = DEFAULT_STACK) -> None:
    """Dial nobody for this script; who is on a line stays there."""
    console.print(_progress(_post(stack, "/api/visits/pause", {"script": script})))


@visits.command()
def resume(script: Script = "*", stack: StackName = DEFAULT_STACK) -> None:
    """Dial again."""
    console.print(_progress(_post(stack, "/api/visits/resume", {"script": script})))


@visits.command("first")
def first(visit: Id, stack: StackName = DEFAULT_STACK) -> None:
    """Call this one before all others."""
    _step(stack, visit, "first")


@visits.command()
def again(
    visit: Id, why: Annotated[str, typer.Option("--why", help="for the record")], stack: StackName = DEFAULT_STACK
) -> None:
    """Call somebody again whose visit is over."""
    _step(stack, visit, "again", why)


@visits.command()
def cancel(
    visit: Id, why: Annotated[str, typer.Option("--why", help="for the record")], stack: StackName = DEFAULT_STACK
) -> None:
    """Do not call."""
    _step(stack, visit, "cancel", why)


@visits.command("do-not-call")
def do_not_call(
    number: Annotated[str, typer.Argument(help="the number")],
    why: Annotated[str, typer.Option("--why", help="for the record")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="it may be called again")] = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Never call a number."""
    _post(stack, "/api/visits/do-not-call", {"number": number, "why": why, "blocked": not remove})
    console.print("may be called again" if remove else "is never called")


@visits.command()
def figures(
    by: Annotated[str, typer.Option("--by", help="script, crew, area or week")] = "script",
    since: Annotated[str, typer.Option("--since", help="2025-11-01T00:00+08:00; else 30 days ago")] = "",
    until: Annotated[str, typer.Option("--until", help="the same; else now")] = "",
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Visited, finished, valid, satisfied, refused, not reached, late, scores."""
    query = {"by": by} | ({"since": since} if since else {}) | ({"until": until} if until else {})
    sheets.tell(_get(stack, "/api/visits/figures", **query), lang or spoken_here(), csv=csv, xlsx=xlsx)


def _rows(file: Path, script: str) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Each row's line number, the visit it asks for, and what is wrong with it."""
    with file.open(newline="", encoding="utf-8-sig") as stream:
        reader = DictReader(stream)
        if "number" not in (reader.fieldnames or ()):
            raise ServerError(f"{file} has no column 'number'; it has {', '.join(reader.fieldnames or ['nothing'])}")
        for row in reader:
            given = {name: value.strip() for name, value in row.items() if name and value and value.strip()}
            wanted: dict[str, Any] = {"script": script} | {name: given.pop(name) for name in COLUMNS if name in given}
            wanted["facts"] = given
            try:
                yield reader.line_num, NewVisit.model_validate(wanted).model_dump(mode="json"), ""
            except ValueError as problem:
                yield reader.line_num, {}, _short(problem)


def _short(problem: ValueError) -> str:
    """What is wrong, without the value: it may be somebody's number."""
    errors: Sequence[Mapping[str, Any]] = getattr(problem, "errors", list)()
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in errors) or "cannot be read"


def _batches(rows: Iterator[tuple[int, dict[str, Any], str]]) -> Iterator[list[tuple[int, dict[str, Any], str]]]:
    while some := list(itertools.islice(rows, AT_ONCE)):
        yield some


def _progress(found: Mapping[str, Any]) -> Table:
    table = Table("state", "visits")
    for state in State:
        if count := found["states"].get(state.value):
            table.add_row(state.value, str(count))
    table.caption = f"paused: {', '.join(found['paused'])}" if found["paused"] else None
    return table


def _step(stack: str, visit: int, step: str, why: str = "") -> None:
    moved = _post(stack, f"/api/visits/{visit}/{step}", {"why": why})
    console.print(f"visit {moved['id']} is {moved['state']}", markup=False)


def _get(stack: str, path: str, **query: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.get(path, **query)

    return run(ask())


def _post(stack: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.post(path, body)

    return run(ask())
