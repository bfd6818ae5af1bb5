"""Figures as a table and as a file, and the same figures from the log."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from routing import replay as replaying
from routing.events import AgentSignedIn, Event, WrapUpEnded
from routing.figures import AgentCounts, QueueCounts
from routing.figures_table import Row, columns, harmless, named, of_agent, of_queue, table, to_csv, to_xlsx
from routing.log import EventLog, MemoryLog
from routing.log_sql import open_log
from routing.replay import first_number, replay
from routing.tally import Hour, Tally
from tests.routing.databases import sqlite
from tests.routing.facts import START, at, ended, queued, rang, record
from tests.routing.test_tally import QUEUES, SHANGHAI, S, answered, counted, gives_up, talked, talks

HOUR = timedelta(hours=1)


def a_day() -> list[Event]:
    """Two callers an hour from 17:20 on: one talks, one gives up; Chen is there all the time."""
    events: list[Event] = [AgentSignedIn(at=at(0), agent="1024")]
    for hour in range(8):
        a, b, begin = f"a{hour}", f"b{hour}", hour * 3600
        events += [
            *(rang(a, begin), queued(a, 1, begin), answered(a, begin + 10, 10), talks(a, begin + 12)),
            *(talked(a, begin + 72, 60), ended(a, begin + 72), WrapUpEnded(at=at(begin + 82), agent="1024")),
            *(queued(b, 1, begin + 100), gives_up(b, begin + 160, 60), ended(b, begin + 160)),
        ]
    return events


def test_a_table_by_hour_and_by_day_adds_up_to_that_by_queue() -> None:
    tally = counted(*a_day())
    tables = {by: table(tally, by, zone=SHANGHAI, formula="of-offered") for by in ("queue", "hour", "day")}
    assert [row["hour"] for row in tables["hour"]][:2] == ["2025-11-21 17:00", "2025-11-21 18:00"]
    assert [row["day"] for row in tables["day"]] == ["2025-11-21", "2025-11-22"]
    for rows in tables.values():
        assert sum(int(row["offered"] or 0) for row in rows) == 16
    (repair,) = tables["queue"]
    assert {name: repair[name] for name in ("queue", "service_level", "connect_rate", "speed_of_answer")} == {
        "queue": "repair",
        "service_level": 0.5,
        "connect_rate": 0.5,
        "speed_of_answer": 10.0,
    }
    assert table(tally, "day", zone=SHANGHAI, formula="of-offered", queue="consult") == []


def test_a_table_by_agent() -> None:
    tally = counted(*a_day())
    tally.spend_to(at(8 * 3600))
    (chen,) = table(tally, "agent", zone=SHANGHAI, formula="of-offered")
    assert (chen["agent"], chen["talks"], chen["talking"], chen["handle_time"]) == ("1024", 8, 8 * 62.0, 72.0)


@pytest.mark.parametrize("by", ["queue", "agent"])
def test_every_column_has_a_figure_and_every_figure_a_column(by: Any) -> None:
    figures = of_agent(AgentCounts()) if by == "agent" else of_queue(QueueCounts(), "of-offered")
    assert [column.key for column in columns(by)][1:] == list(figures) or set(figures) == {
        column.key for column in columns(by)
    } - {by}


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", '=cmd|"/c calc"!A1', "\t=1", "\r=1"]


def test_no_text_becomes_a_formula() -> None:
    tally = Tally(QUEUES, SHANGHAI)
    for name in EVIL:
        tally.queues[Hour(name, START)] = QueueCounts(offered=1, waiting=1)
    rows, shown = table(tally, "queue", zone=SHANGHAI, formula="of-offered"), columns("queue")
    written = list(csv.reader(io.StringIO(to_csv(rows, shown, "en").removeprefix("\ufeff"))))
    assert sorted(row[0] for row in written[1:]) == sorted(f"'{name}" for name in EVIL)
    sheet = load_workbook(io.BytesIO(to_xlsx(rows, shown, "zh"))).active
    assert sheet is not None
    cells = list(sheet.iter_rows(min_row=2, max_col=2))
    assert len(cells) == len(EVIL)
    assert {cell.data_type for cell, _ in cells} == {"s"}
    assert {count.value for _, count in cells} == {1}
    assert (harmless(-1), harmless(None), harmless("repair")) == (-1, None, "repair")


def test_a_file_has_the_names_of_its_columns_in_the_language_asked_for() -> None:
    assert to_csv([], columns("queue"), "zh").startswith("\ufeff队列,呼入,接听")
    assert to_csv([], columns("agent"), "en").startswith("\ufeffagent,offered,missed")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_log_gives_the_same_figures_as_the_events_did_when_they_happened(kind: str, tmp_path: Path) -> None:
    if kind == "memory":
        await the_log_gives_the_same(MemoryLog())
    else:
        async with sqlite(tmp_path) as url, open_log(url) as log:
            await the_log_gives_the_same(log)


async def the_log_gives_the_same(log: EventLog) -> None:
    live, again = Tally(QUEUES, SHANGHAI), Tally(QUEUES, SHANGHAI)
    for event in a_day():
        live.take(event)
    await record(log, *a_day())
    assert await replay(log, again, since=at(0), until=at(9 * 3600)) == len(a_day())
    assert (again.queues, again.agents) == (live.queues, live.agents)

    # Of a part, what began before is followed and not counted, and what comes later is not read.
    part = Tally(QUEUES, SHANGHAI, since=at(2 * 3600))
    await replay(log, part, since=at(2 * 3600), until=at(4 * 3600))
    assert sum(counts.offered for counts in part.queues.values()) == 4
    assert sum((counts.ready for counts in part.agents.values()), 0 * S) > 0.9 * HOUR


@pytest.mark.parametrize("hours", [-1, 0, 0.5, 1, 3, 7.9, 100])
async def test_reading_begins_where_the_time_begins(hours: float, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    await record(log, *a_day())
    moment = START + hours * HOUR
    expected = next((nth for nth, event in enumerate(a_day(), 1) if event.at >= moment), len(a_day()) + 1)
    assert await first_number(log, moment) == expected
    monkeypatch.setattr(replaying, "AT_ONCE", 7)
    assert await replay(log, Tally(QUEUES, SHANGHAI), since=datetime(2025, 1, 1, tzinfo=UTC), until=at(1e6)) == len(
        a_day()
    )


def test_a_queue_goes_by_its_label_where_it_has_one_in_the_language() -> None:
    rows: list[Row] = [{"queue": "repair", "offered": 3}, {"queue": "cable", "offered": 1}]
    labels = {"repair": {"zh": "报修"}, "cable": {}}
    assert [row["queue"] for row in named(rows, "queue", labels, "zh")] == ["报修", "cable"]
    assert [row["queue"] for row in named(rows, "queue", labels, "en")] == ["repair", "cable"]
