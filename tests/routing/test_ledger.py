"""Today's figures: kept as events happen, shown on the board, and the same as the log gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from routing.events import AgentSignedIn
from routing.figures import QueueCounts
from routing.ledger import CENTRE, Ledger
from routing.log_sql import open_log
from routing.picture import Canvas
from routing.stream import Stream
from tests.routing.databases import sqlite
from tests.routing.facts import START, at, ended, queued, record
from tests.routing.test_figures_table import a_day
from tests.routing.test_tally import QUEUES, SHANGHAI, answered, gives_up

DAY = timedelta(days=1)


class Clock:
    """The time it is."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def test_a_server_that_starts_in_the_middle_of_the_day_has_all_of_the_day(tmp_path: Path) -> None:
    clock = Clock(at(5 * 3600))
    async with sqlite(tmp_path) as url, open_log(url) as log:
        await record(log, queued("yesterday", 1, -20 * 3600), answered("yesterday", -20 * 3600 + 9, 9), *a_day()[:30])
        stream = Stream(log)
        ledger = Ledger(stream, list(QUEUES.values()), SHANGHAI, now=clock)
        await ledger.start()
        stream.taken_by(ledger.take)
        for event in a_day()[30:]:
            stream.record(event)
        stream.record(queued("odd", 1, 5000.1234567))
        stream.record(answered("odd", 5012.7654321, 12.6419754))
        assert ledger.today("repair").offered == ledger.today(CENTRE).offered == 17
        assert await ledger.check() == []

        ledger.tally.queues[next(iter(ledger.tally.queues))] += QueueCounts(offered=1)
        (line,) = await ledger.check()
        assert line.startswith("repair, 2025-11-21 09:00 UTC: kept QueueCounts(offered=")


async def test_at_midnight_a_new_day_begins_and_who_waits_is_not_forgotten(tmp_path: Path) -> None:
    clock = Clock(START)
    async with sqlite(tmp_path) as url, open_log(url) as log:
        ledger = Ledger(log, list(QUEUES.values()), SHANGHAI, now=clock)
        await ledger.start()
        for event in (AgentSignedIn(at=START, agent="1024"), queued("a", 1), queued("b", 2), gives_up("b", 9, 9)):
            ledger.take(event)
        assert ledger.today(CENTRE).offered == 2
        clock.now = START + DAY
        ledger.take(ended("c"))
        assert ledger.today(CENTRE).offered == 0
        assert len(list(ledger.tally.waiting())) == 1


def test_the_board_has_todays_figures_of_each_queue_and_of_the_centre_by_the_hour() -> None:
    clock, canvas = Clock(START), Canvas()
    ledger = Ledger(Stream(None), list(QUEUES.values()), SHANGHAI, now=clock)  # type: ignore[arg-type]
    for event in (queued("a", 1), answered("a", 9, 9), queued("b", 1)):
        ledger.take(event)
    ledger.show(canvas)
    figures = canvas.whole(START)["figures"]
    assert figures.keys() == {"repair", "consult", CENTRE}
    repair = figures["repair"]
    assert (repair["offered"], repair["waiting"], repair["service_level"]) == (2, 1, 1.0)
    assert repair["calls_by_hour"] == [0] * 17 + [2] + [0] * 6
    assert repair["service_levels"].keys() == {"of-offered", "of-answered", "abandons-count", "abandons-out"}


async def test_figures_of_any_time_come_from_the_log(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as url, open_log(url) as log:
        await record(log, *a_day())
        ledger = Ledger(log, list(QUEUES.values()), SHANGHAI, now=Clock(START + DAY))
        columns, rows = await ledger.table(START, datetime(2025, 11, 22, tzinfo=UTC), "hour")
        assert [column.key for column in columns][:3] == ["hour", "offered", "answered"]
        assert len(rows) == 8
