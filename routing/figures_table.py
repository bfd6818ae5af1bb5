"""Figures as a table: rows by queue, agent, hour or day, with names for the columns, and as a file.

A cell is a number where it can be one; a cell of text never becomes a formula, whatever stands in it: a spreadsheet
that opens a file of ours runs nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Any, Final, Literal

from openpyxl import Workbook

from routing.figures import (
    AgentCounts,
    Formula,
    QueueCounts,
    abandon_rate,
    connect_rate,
    handle_time,
    occupancy,
    service_level,
    speed_of_answer,
)
from routing.tally import Hour, Tally

By = Literal["queue", "agent", "hour", "day"]
Cell = str | int | float | None
Row = Mapping[str, Cell]
Names = Mapping[str, Mapping[str, str]]
"""What people call something, per language."""
READ_IN: Final = ("en", "zh")
"""The languages in which a person reads a table."""

RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is taken for a formula by some spreadsheet."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: shares are 0 to 1, times are seconds."""

    key: str
    en: str
    zh: str
    kind: Literal["text", "count", "number", "share", "seconds"]


GROUPS: Final[Mapping[By, Column]] = {
    "queue": Column("queue", "queue", "队列", "text"),
    "agent": Column("agent", "agent", "坐席", "text"),
    "hour": Column("hour", "hour", "小时", "text"),
    "day": Column("day", "day", "日期", "text"),
}
OF_QUEUES: Final = (
    Column("offered", "offered", "呼入", "count"),
    Column("answered", "answered", "接听", "count"),
    Column("abandoned", "abandoned", "放弃", "count"),
    Column("abandoned_short", "of these short", "其中短时放弃", "count"),
    Column("flowed_out", "flowed out", "转出", "count"),
    Column("refused", "of these refused", "其中拒绝", "count"),
    Column("callback", "of these callback", "其中回呼", "count"),
    Column("waiting", "still waiting", "仍在等待", "count"),
    Column("connect_rate", "connect rate", "人工接通率", "share"),
    Column("abandon_rate", "abandon rate", "放弃率", "share"),
    Column("service_level", "service level", "服务水平", "share"),
    Column("speed_of_answer", "speed of answer", "平均应答时长", "seconds"),
    Column("longest_wait", "longest wait", "最长等待", "seconds"),
)
OF_AGENTS: Final = (
    Column("offered", "offered", "振铃", "count"),
    Column("missed", "missed", "未接", "count"),
    Column("talks", "talks", "通话", "count"),
    Column("handle_time", "handle time", "平均处理时长", "seconds"),
    Column("talking", "talking", "通话时长", "seconds"),
    Column("holding", "of these on hold", "其中保持", "seconds"),
    Column("wrapping_up", "wrapping up", "话后处理时长", "seconds"),
    Column("ready", "ready", "示闲时长", "seconds"),
    Column("paused", "paused", "示忙时长", "seconds"),
    Column("unreachable", "phone gone", "话机失联时长", "seconds"),
    Column("occupancy", "occupancy", "工时利用率", "share"),
)


def columns(by: By) -> tuple[Column, ...]:
    """The columns of a table, the group's own first."""
    return (GROUPS[by], *(OF_AGENTS if by == "agent" else OF_QUEUES))


def table(tally: Tally, by: By, *, zone: tzinfo, formula: Formula, queue: str | None = None) -> list[Row]:
    """The rows of a table, in the order of their names; of one queue only, if it is named."""
    if by == "agent":
        agents = _grouped(tally.agents, lambda hour: hour.of, AgentCounts)
        return [{"agent": name, **of_agent(counts)} for name, counts in agents]
    form = {"hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d"}.get(by)
    queues = _grouped(
        {hour: counts for hour, counts in tally.queues.items() if queue in (None, hour.of)},
        lambda hour: hour.of if form is None else hour.begins.astimezone(zone).strftime(form),
        QueueCounts,
    )
    return [{by: name, **of_queue(counts, formula)} for name, counts in queues]


def of_queue(counts: QueueCounts, formula: Formula) -> dict[str, Cell]:
    """A queue's figures."""
    own = (column.key for column in OF_QUEUES if column.kind == "count")
    return {key: getattr(counts, key) for key in own} | {
        "connect_rate": connect_rate(counts),
        "abandon_rate": abandon_rate(counts),
        "service_level": service_level(counts, formula),
        "speed_of_answer": _seconds(speed_of_answer(counts)),
        "longest_wait": _seconds(counts.longest_wait),
    }


def of_agent(counts: AgentCounts) -> dict[str, Cell]:
    """An agent's figures."""
    times = ("talking", "holding", "wrapping_up", "ready", "paused", "unreachable")
    return {
        "offered": counts.offered,
        "missed": counts.missed,
        "talks": counts.talks,
        "handle_time": _seconds(handle_time(counts)),
        **{name: _seconds(getattr(counts, name)) for name in times},
        "occupancy": occupancy(counts),
    }


def named(rows: Iterable[Row], key: str, names: Names, language: str) -> list[Row]:
    """Put what people call it in the place of each key, where it has a name in this language."""
    return [{**row, key: names.get(str(row[key]), {}).get(language, row[key])} for row in rows]


def to_csv(rows: Iterable[Row], shown: Sequence[Column], language: Literal["en", "zh"]) -> str:
    """As a file of commas; with a mark at its beginning by which spreadsheets know that it is UTF-8."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(getattr(column, language) for column in shown)
    for row in rows:
        writer.writerow(harmless(row[column.key]) for column in shown)
    return "\ufeff" + file.getvalue()


def to_xlsx(rows: Iterable[Row], shown: Sequence[Column], language: Literal["en", "zh"]) -> bytes:
    """As a workbook with one sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([getattr(column, language) for column in shown])
    formats = {"share": "0.0%", "seconds": "0.0"}
    for number, row in enumerate(rows, 2):
        for place, column in enumerate(shown, 1):
            cell = sheet.cell(number, place)
            cell.value = row[column.key]
            if isinstance(cell.value, str):
                cell.data_type = "s"  # never a formula
            cell.number_format = formats.get(column.kind, "General")
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def harmless(cell: Cell) -> Cell:
    """A text that some spreadsheet would take for a formula gets a quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(RISKY) else cell


def _grouped(counts: Mapping[Hour, Any], name: Callable[[Hour], str], zero: Callable[[], Any]) -> list[tuple[str, Any]]:
    groups: dict[str, Any] = {}
    for hour, each in counts.items():
        groups[name(hour)] = groups.get(name(hour), zero()) + each
    return sorted(groups.items())


def _seconds(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds(), 1)
