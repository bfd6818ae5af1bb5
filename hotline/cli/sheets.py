"""Figures from the server on the terminal, or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.markup import escape
from rich.table import Table

from hotline.cli.common import console
from routing.figures_table import Column, named, to_csv, to_xlsx

WIDE: Final = 170
"""A table is this wide even in a narrow terminal: its columns stay readable."""

CsvFile = Annotated[Path | None, typer.Option("--csv", help="write them to this file")]
XlsxFile = Annotated[Path | None, typer.Option("--xlsx", help="write them to this workbook")]


def tell(found: Mapping[str, Any], language: str, *, csv: Path | None, xlsx: Path | None) -> None:
    """Show a table of the server's (`desk/sheets.py`), or write it to the files that are wanted."""
    columns = [Column(**column) for column in found["columns"]]
    keyed = [dict(zip((column.key for column in columns), row, strict=True)) for row in found["rows"]]
    spoken: Literal["en", "zh"] = "zh" if language == "zh" else "en"
    rows = named(keyed, columns[0].key, found["names"], spoken)
    if csv is not None:
        csv.write_text(to_csv(rows, columns, spoken), encoding="utf-8", newline="")
    if xlsx is not None:
        xlsx.write_bytes(to_xlsx(rows, columns, spoken))
    for file in filter(None, (csv, xlsx)):
        console.print(f"written to {file}", markup=False)
    if csv is None and xlsx is None:
        console.print(_table(columns, rows, spoken), width=max(console.width, WIDE), crop=False)


def _table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], language: str) -> Table | str:
    if not rows:
        return "Nothing was counted in this time."
    table = Table()
    for column in columns:
        table.add_column(getattr(column, language), justify="left" if column.kind == "text" else "right")
    for row in rows:
        table.add_row(*(_shown(row[column.key], column.kind) for column in columns))
    return table


def _shown(cell: Any, kind: str) -> str:
    if cell in (None, ""):
        return "-"
    if kind == "share":
        return f"{cell:.1%}"
    if kind == "seconds":
        return f"{int(cell) // 60}:{int(cell) % 60:02}"
    return escape(str(cell))
