"""`hotline bench tickets`: tickets a second against a bare INSERT, rows imported a second, how long a search takes.

It comes to its end within a few minutes: each kind of search is asked so often, or for so long, whichever is less. On
SQLite in a folder of its own, and on PostgreSQL if asked for: at the address of an empty database, or in a container of
its own. The bare peer commits one row of a ticket's size in the same database, with the same durability and by the same
library.
"""

from __future__ import annotations

import asyncio
import math
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import track
from sqlalchemy import Connection, text

from casework import migrations
from casework.codes import code_of
from casework.imports import Imports
from casework.intake import Intake
from casework.register import Register
from casework.search import Search
from casework.slots import Calendar
from casework.ticket import Kind
from casework.tickets import Tickets
from hotline import prepare
from hotline.bench import stage
from hotline.bench.report import Machine, Report, Row
from storage.database import Database, open_database

ZONE: Final = ZoneInfo("Asia/Shanghai")
CONTAINER: Final = "container"
BATCH: Final = 500
ASKED: Final = 200
"""So often each kind of search is asked, at most,"""
ASKED_FOR: Final = 20.0
"""and for so many seconds; one that takes longer is not asked again."""
WHAT: Final = (
    *("厨房水管漏水", "暖气不热", "楼道停电", "燃气有异味"),
    *("电视没有信号", "阀门损坏", "收费有疑问", "维修人员未上门"),
)
STREETS: Final = (
    *("幸福路", "和平大街", "建设路", "人民路", "解放大道"),
    *("中山路", "长江街", "黄河路", "文化路", "学府街"),
)
SURNAMES: Final = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林郑"


def run(*, quick: bool, rows: int | None = None, postgresql: str | None = None) -> Report:
    """Measure everything among so many `rows`; `postgresql` is an address, CONTAINER, or None to leave it out."""
    size = rows or (5_000 if quick else 100_000)
    if size < BATCH:
        raise ValueError(f"rows come in batches of {BATCH}: ask for that many at least")
    with ExitStack() as stack:
        places = {"sqlite": f"sqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'bench.db'}"}
        if postgresql is not None:
            places["postgresql"] = stack.enter_context(_a_postgresql()) if postgresql == CONTAINER else postgresql
        return asyncio.run(_measure(places, size // BATCH * BATCH, opened=200 if quick else 2_000))


@contextmanager
def _a_postgresql() -> Iterator[str]:
    """A PostgreSQL in a container, taken down afterwards."""
    stack = stage.own_stack()
    password = prepare.prepare(stack, prepare.DEMO_SITE).services["test-postgres"]
    try:
        stack.compose("up", "-d", "--build", "--wait", "postgres")
        yield f"postgresql://hotline:{password}@127.0.0.1:{stack.ports.postgres}/postgres"
    finally:
        stack.compose("down", "--volumes")
        prepare.forget(stack)


async def _measure(places: Mapping[str, str], size: int, *, opened: int) -> Report:
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    notes = ["'one' is one writer after the other, 'many' is 16 at once; p99 is the slowest but 1 in 100."]
    if "postgresql" not in places:
        notes.append("PostgreSQL was not measured; see --postgresql.")
    for name, url in places.items():
        bench = Bench(open_database(url, patience=60))
        try:
            await migrations.HISTORY.upgrade(bench.database)
            await bench.commits(name, opened, rows, ratios)
            await bench.imported(name, size, rows)
            await bench.searches(name, size, rows)
        finally:
            await bench.database.close()
    rows.sort(key=lambda row: tuple(row)[1])
    return Report(name="tickets", machine=Machine.this(), rows=rows, ratios=ratios, notes=notes)


class Bench:
    """One database, and what is measured on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.register = Register()
        self.tickets = Tickets(database, self.register, Calendar(zone=ZONE))
        self._fate = random.Random(20251121)  # noqa: S311  nothing secret is drawn

    async def commits(self, name: str, count: int, rows: list[Row], ratios: dict[str, float]) -> None:
        """Tickets committed a second, against a bare INSERT of the same size."""
        body = "x" * 900

        def bare(transaction: Connection) -> None:
            transaction.execute(text("INSERT INTO bench_bare (body) VALUES (:body)"), {"body": body})

        await self.database.write(lambda each: each.execute(text("CREATE TABLE bench_bare (body TEXT)")))
        for how, writers in (("one", 1), ("many", 16)):
            _say(f"{name}: {count:,} tickets and as many bare rows, {how} at a time")
            ours = await _rate(lambda: self.tickets.open(self._intake(), who="bench"), count, writers)
            floor = await _rate(lambda: self.database.write(bare), count, writers)
            row: Row = {"database": name, "writers": how, "tickets/s": round(ours), "bare inserts/s": round(floor)}
            rows.append(row)
            ratios[f"{name}, {how}: bare INSERT / ticket"] = round(floor / ours, 2)

    async def imported(self, name: str, size: int, rows: list[Row]) -> None:
        """Rows imported a second, and by how much the process grew."""
        imports = Imports(self.database, self.register, zone=ZONE)
        await imports.begin("bench", source="bench")
        before, began = _memory_mb(), time.monotonic()
        for batch in track(
            self._batches(size), f"{name}: importing", total=size // BATCH, console=Console(stderr=True), transient=True
        ):
            await imports.take("bench", batch, who="bench")
        seconds = time.monotonic() - began
        grown = round(_memory_mb() - before, 1)
        rows.append({"database": name, "rows imported": size, "rows/s": round(size / seconds), "grown by (MB)": grown})

    async def searches(self, name: str, size: int, rows: list[Row]) -> None:
        """How long a search takes among so many tickets."""
        kinds: dict[str, Callable[[], Search]] = {
            "a code": lambda: Search(text=code_of(self._fate.randint(1, size))),
            "a number": lambda: Search(text=self._phone()),
            "a street and a house": lambda: Search(text=f"{self._fate.choice(STREETS)}{self._fate.randint(1, 999)}号"),
            "a common word": lambda: Search(text=self._fate.choice(WHAT)),
            "open repairs": lambda: Search(kinds=(Kind.REPAIR,), is_open=True),
        }
        for what, ask in kinds.items():
            _say(f"{name}: searching for {what} among {size:,}")
            took: list[float] = []
            while len(took) < ASKED and sum(took) < ASKED_FOR:
                took.append(await _seconds(self.tickets.search(ask())))
            took.sort()
            rows.append(
                {
                    "database": name,
                    "search for": what,
                    "among": size,
                    "asked": len(took),
                    "p50 (ms)": round(took[len(took) // 2] * 1000, 1),
                    "p99 (ms)": round(took[min(len(took) - 1, math.ceil(len(took) * 0.99) - 1)] * 1000, 1),
                }
            )

    def _intake(self) -> Intake:
        return Intake(kind=Kind.REPAIR, source="bench", **self._facts())

    def _facts(self) -> dict[str, str]:
        return {
            "problem": self._fate.choice(WHAT),
            "address": f"{self._fate.choice(STREETS)}{self._fate.randint(1, 999)}号{self._fate.randint(1, 30)}楼",
            "name": self._fate.choice(SURNAMES) + "女士",
            "phone": self._phone(),
        }

    def _phone(self) -> str:
        return f"139{self._fate.randint(0, 99_999_999):08}"

    def _batches(self, size: int) -> Iterator[Sequence[tuple[int, Mapping[str, str]]]]:
        for first in range(2, size + 2, BATCH):
            yield [
                (line, {"kind": "repair", "state": self._fate.choice(("opened", *["closed"] * 9)), **self._facts()})
                for line in range(first, min(first + BATCH, size + 2))
            ]


def _say(what: str) -> None:
    Console(stderr=True).print(f"  … {what}", markup=False)


async def _rate(do: Callable[[], Awaitable[object]], count: int, writers: int) -> float:
    """How often it is done a second, by so many at once."""
    left = iter(range(count))

    async def write() -> None:
        for _ in left:
            await do()

    began = time.monotonic()
    await asyncio.gather(*(write() for _ in range(writers)))
    return count / (time.monotonic() - began)


async def _seconds(work: Awaitable[object]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


def _memory_mb() -> float:
    """The most this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
