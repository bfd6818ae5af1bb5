"""`hotline ticket import FILE`: tickets out of a table, however long it is; run again, it goes on where it stopped."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find
from hotline.table_files import fingerprint, rows_of

Row = tuple[int, Mapping[str, str]]
LARGEST: Final = 48 * 1024
"""Bytes of one batch: what the server takes in one request, with room to spare."""
MOST_ROWS: Final = 500


def import_file(
    file: Annotated[
        Path, typer.Argument(help="a .csv or .xlsx whose first line names the columns", exists=True, dir_okay=False)
    ],
    source: Annotated[str, typer.Option("--source", help="where the tickets come from")] = "import",
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Import tickets 导入 from a table.

    Columns: kind 类型, problem 问题, address 地址, area 片区, name 姓名, phone 电话, caller 来电, urgent 紧急,
    responsible 责任方, external_id 编号, opened 时间, state 状态 (opened or closed), outcome 结果. Rows that cannot be
    taken are written to FILE.refused.csv with line and reason. The same file again is taken up where it stopped.
    """
    run(_import(file, source, stack))


async def _import(file: Path, source: str, stack: str) -> None:
    key = f"{source}:{fingerprint(file)}"
    async with Client(find(stack_named(stack))) as server:
        done = await server.ask("POST", "/api/tickets/imports", json={"key": key, "source": source})
        if done["line"]:
            console.print(f"goes on after line {done['line']}")
        with Bar(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:
            shown = bar.add_task("")
            for batch in batches(row for row in rows_of(file) if row[0] > done["line"]):
                done = await server.ask("POST", "/api/tickets/imports/rows", json={"key": key, "rows": batch})
                bar.update(shown, description=f"line {done['line']}: {_counted(done)}")
        console.print(_counted(done))
        if done["refused"]:
            refused = file.with_name(f"{file.name}.refused.csv")
            await _write_refused(server, key, refused)
            console.print(f"lines and reasons are in {refused}", markup=False)


def batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into batches that one request can carry."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row)) + 2
        if batch and (size + length > LARGEST or len(batch) >= MOST_ROWS):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


async def _write_refused(server: Client, key: str, to: Path) -> None:
    after = 0
    with to.open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["line", "reason"])
        while errors := (await server.get("/api/tickets/imports/errors", key=key, after=str(after)))["errors"]:
            table.writerows([each["line"], harmless(each["reason"])] for each in errors)
            after = errors[-1]["line"]


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _counted(done: Mapping[str, Any]) -> str:
    return f"{done['opened']} opened, {done['known']} known already, {done['refused']} refused"
