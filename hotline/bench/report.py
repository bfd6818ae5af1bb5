"""What a measurement found, and on which machine: as JSON to compare, as a table to read."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.table import Table

Row = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured. Figures of two machines are not to be compared, ratios are."""

    cpu: str
    cores: int
    memory_mb: int
    python: str
    kernel: str

    @classmethod
    def this(cls) -> Self:
        """Describe this machine: the cores this process may use, all the memory there is (Linux)."""
        return cls(
            cpu=_field("/proc/cpuinfo", "model name") or platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory_mb=int((_field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) // 1024,
            python=platform.python_version(),
            kernel=platform.release(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One measurement. A column's name carries its unit; ratios are by name, such as "cpu ours/floor".

    Rows of one kind have the same columns in the same order and stand together.
    """

    name: str
    machine: Machine
    rows: Sequence[Row]
    ratios: Mapping[str, float]
    notes: Sequence[str] = ()
    """What a reader must know to believe the figures."""

    def to_json(self) -> str:
        """Everything, on several lines, ending with a newline."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def print(self, console: Console | None = None) -> None:
        """Show the tables on the terminal."""
        (console or Console()).print(self.table())

    def table(self) -> RenderableType:
        """The machine, the rows (a table for each kind of row), the ratios and the notes."""
        machine = self.machine
        about = f"{machine.cpu}, {machine.cores} cores, {machine.memory_mb} MB; "
        about += f"Python {machine.python}, Linux {machine.kernel}"
        tables = [_table(list(columns), list(rows)) for columns, rows in groupby(self.rows, key=tuple)]
        ratios = _table(["ratio", "value"], [{"ratio": name, "value": ratio} for name, ratio in self.ratios.items()])
        return Group(self.name, about, *tables, ratios, *self.notes)


def _table(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, justify="left" if isinstance(rows[0][column], str) else "right")
    for row in rows:
        table.add_row(*(_shown(row[column]) for column in columns))
    return table


def _shown(cell: str | float) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def _field(file: str, name: str) -> str | None:
    """The value of the first `name : value` line, or None."""
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None
