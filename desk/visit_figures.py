"""The figures of return visits and other calls by script; `casework/visits/figures.py` says what each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web
from pydantic import AwareDatetime
from sqlalchemy import Connection

from casework.visits.figures import By, figures
from desk.access import WATCH
from desk.routes import get, given
from desk.sheets import FILES, AsFile, Table, table
from desk.visits import OFFICE
from routing.figures_table import Column, Row

GROUPS: Final[Mapping[By, Column]] = {
    "script": Column("script", "script", "脚本", "text"),
    "crew": Column("crew", "crew", "班组", "text"),
    "area": Column("area", "area", "片区", "text"),
    "week": Column("week", "week", "周", "text"),
}
COUNTED: Final = (
    Column("ordered", "ordered", "应回访", "count"),
    Column("waiting", "waiting", "待回访", "count"),
    Column("visited", "visited", "已回访", "count"),
    Column("visited_share", "visited, share", "回访率", "share"),
    Column("finished", "finished", "完整回访", "count"),
    Column("valid", "valid answers", "有效回答", "count"),
    Column("satisfied", "satisfied", "满意", "count"),
    Column("satisfied_share", "satisfied, share", "满意率", "share"),
    Column("score", "mean score", "平均评分", "number"),
    Column("refused", "refused", "拒访", "count"),
    Column("not_reached", "not reached", "未接通", "count"),
    Column("late", "late", "超期", "count"),
    Column("calls", "calls", "呼叫次数", "count"),
)


class Period(AsFile):
    """Which visits are counted, by when they were ordered, and how they are put together."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    by: By = "script"


async def visit_figures(request: web.Request) -> web.StreamResponse:
    """Visited, finished, valid, satisfied, refused, not reached, late; per script, crew, area or week."""
    office, period = request.app[OFFICE], given(request, Period)
    until = period.until or datetime.now(UTC)
    since = period.since or until - timedelta(days=30)

    def count(transaction: Connection) -> Sequence[Row]:
        found = figures(
            transaction,
            office.scripts,
            by=period.by,
            since=since,
            until=until,
            zone=office.hours.zone,
            is_late=office.is_late,
        )
        return [{period.by: name, **row.as_row()} for name, row in found.items()]

    return table(period, f"visits-by-{period.by}", (GROUPS[period.by], *COUNTED), await office.read(count))


ROUTES: Final = (get("/api/visits/figures", visit_figures, WATCH, query=Period, answer=Table, also=FILES),)
