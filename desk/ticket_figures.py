"""Figures of tickets: how many were opened in a period, and what became of them."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from pydantic import AwareDatetime

from casework.names import name_of
from desk.access import LEADERS, Role, only
from desk.routes import get, given
from desk.sheets import FILES, AsFile, Table, table
from desk.ticket_masks import TICKETS
from routing.figures_table import READ_IN, Column, Row

FIGURES: Final = only(*LEADERS, Role.INSPECTOR)


class Period(AsFile):
    """From when till when, by the opening."""

    since: AwareDatetime
    until: AwareDatetime


async def ticket_figures(request: web.Request) -> web.StreamResponse:
    """What became of the tickets that were opened in a period; `handled` 1.0 is all of them."""
    period = given(request, Period)
    found = await request.app[TICKETS].figures(period.since, period.until)
    rows: list[Row] = [
        {"kind": kind.value, **each.model_dump(), "handled": each.handled} for kind, each in found.items()
    ]
    names = {kind.value: {language: name_of(kind, language) for language in READ_IN} for kind in found}
    return table(period, "tickets", COUNTED, rows, names)


COUNTED: Final = (
    Column("kind", "kind", "类型", "text"),
    Column("opened", "opened", "开单", "count"),
    Column("done", "done", "办结", "count"),
    Column("in_time", "in time", "按时办结", "count"),
    Column("late", "late", "超时", "count"),
    Column("cancelled", "cancelled", "取消", "count"),
    Column("handled", "handled", "办结率", "share"),
)

ROUTES: Final = (get("/api/tickets/figures", ticket_figures, FIGURES, query=Period, answer=Table, also=FILES),)
