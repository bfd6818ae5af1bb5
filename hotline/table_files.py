"""Tables in files, read row by row however long they are: CSV (UTF-8, or GB 18030 as spreadsheets save it) and XLSX."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

LONGEST_CELL: Final = 10_000
MOST_COLUMNS: Final = 100


class TableUnreadable(ValueError):
    """The file is no table that we can read."""

    code = "table-unreadable"


def rows_of(file: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row with its line, 2 is the first below the head; empty rows are left out.

    Raises TableUnreadable, and OSError.
    """
    try:
        lines = _sheet(file) if file.suffix.lower() == ".xlsx" else _csv(file)
        yield from _below_head(file, lines)
    except (csv.Error, UnicodeError, BadZipFile, InvalidFileException, KeyError) as problem:
        raise TableUnreadable(f"{file.name} cannot be read as a table: {problem}") from problem


def fingerprint(file: Path) -> str:
    """Return a hash of the file's contents."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _below_head(file: Path, lines: Iterable[Sequence[str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    head: Sequence[str] = ()
    for line, cells in enumerate(lines, 1):
        if len(cells) > MOST_COLUMNS:
            raise TableUnreadable(
                f"{file.name} has {len(cells)} columns in line {line}; expected {MOST_COLUMNS} at most"
            )
        if not head:
            head = [cell.strip() for cell in cells]
        elif any(cell.strip() for cell in cells):
            # More cells than the head has names for are told as a column of that number, and refused there.
            names = [*head, *(f"column {n + 1}" for n in range(len(head), len(cells)))]
            yield line, {name: cell[:LONGEST_CELL] for name, cell in zip(names, cells, strict=False) if name or cell}
    if not head:
        raise TableUnreadable(f"{file.name} is empty; expected a head line with the columns' names")


def _csv(file: Path) -> Iterator[Sequence[str]]:
    with file.open(encoding=_encoding(file), newline="") as stream:
        yield from csv.reader(stream)


def _encoding(file: Path) -> str:
    """UTF-8 if the whole file is, else what a Chinese spreadsheet saves."""
    with file.open(encoding="utf-8-sig") as stream:
        try:
            while stream.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def _sheet(file: Path) -> Iterator[Sequence[str]]:
    """The first sheet; a date is told as the site would write it."""
    with closing(load_workbook(file, read_only=True, data_only=True)) as book:
        for row in book.worksheets[0].iter_rows(values_only=True):
            cells = [_text(cell) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            yield cells


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
