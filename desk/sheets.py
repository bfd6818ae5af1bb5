"""Figures as a table: the same one for a page, a program and a spreadsheet.

A table comes as JSON, or as a file when `file` is asked for: `csv`, which any program reads, or `xlsx`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from aiohttp import web
from pydantic import Field

from desk.routes import Given, Shown, answer
from routing.figures_table import Cell, Names, Row, named, to_csv, to_xlsx
from routing.figures_table import Column as Heading

CONTENT: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FILES: Final = tuple(CONTENT.values())
NO_NAMES: Final[Names] = {}


class AsFile(Given):
    """In which form a table is wanted: as JSON unless a file is."""

    file: Literal["csv", "xlsx"] | None = Field(None, description="a file to save instead")
    language: Literal["en", "zh"] = Field("zh", description="of the file's headings and names")


class Column(Shown):
    """A column: shares are 0 to 1, times are seconds."""

    key: str
    en: str
    zh: str
    kind: str


class Table(Shown):
    """A table: its columns, and a row of cells for each group."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    names: Names
    """What people call what stands in the first column, where that is not its name already."""


def table(
    wanted: AsFile, name: str, columns: Sequence[Heading], rows: Sequence[Row], names: Names = NO_NAMES
) -> web.Response:
    """The answer with this table; a file is called `name` and the day on which it was asked for.

    `names` are those of what stands in the first column; a file holds them in its language.
    """
    if wanted.file is None:
        shown = [Column(key=each.key, en=each.en, zh=each.zh, kind=each.kind) for each in columns]
        cells = [[row[column.key] for column in columns] for row in rows]
        return answer(Table(columns=shown, rows=cells, names=names))
    rows = named(rows, columns[0].key, names, wanted.language)
    if wanted.file == "csv":
        body = to_csv(rows, columns, wanted.language).encode()
    else:
        body = to_xlsx(rows, columns, wanted.language)
    file = f"{name}-{datetime.now(UTC):%Y-%m-%d}.{wanted.file}"
    headers = {"Content-Type": CONTENT[wanted.file], "Content-Disposition": f'attachment; filename="{file}"'}
    return web.Response(body=body, headers=headers)
