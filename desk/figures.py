"""The figures: a table for any stretch of time, and whether what is kept agrees with the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from pydantic import AwareDatetime, Field

from desk.access import WATCH
from desk.errors import Refused
from desk.house import HOUSE
from desk.routes import Shown, answer, get, given
from desk.sheets import FILES, AsFile, Table, table
from routing.figures import Formula
from routing.figures_table import By

LONGEST: Final = timedelta(days=400)


class Wanted(AsFile):
    """Which figures are wanted: from `since` on and before `until`."""

    since: AwareDatetime
    until: AwareDatetime
    by: By = "queue"
    formula: Formula = Field("of-offered", description="which service level is meant")
    queue: str | None = Field(None, max_length=40)


class Checked(Shown):
    """What is kept of today and what the log says: a line for each difference."""

    differences: Sequence[str]


async def figures(request: web.Request) -> web.StreamResponse:
    """Figures by queue, agent, hour or day, computed from the event log."""
    wanted = given(request, Wanted)
    since, until = _sensible(wanted.since), _sensible(wanted.until)
    if not since < until <= since + LONGEST:
        raise Refused(422, "bad-request", f"until must come after since, by {LONGEST.days} days at most")
    shown, rows = await request.app[HOUSE].ledger.table(
        since, until, wanted.by, formula=wanted.formula, queue=wanted.queue
    )
    names = request.app[HOUSE].names.get(wanted.by, {})
    return table(wanted, f"calls-by-{wanted.by}", shown, rows, names)


async def check(request: web.Request) -> web.StreamResponse:
    """Compute today's figures from the log and compare them with what is kept."""
    return answer(Checked(differences=await request.app[HOUSE].ledger.check()))


def _sensible(moment: datetime) -> datetime:
    """A moment with which can be reckoned."""
    if not 2000 <= moment.year <= 9000:
        raise Refused(422, "bad-request", "since and until must be moments of our time")
    return moment


ROUTES: Final = (
    get("/api/figures", figures, WATCH, query=Wanted, answer=Table, also=FILES),
    get("/api/figures/check", check, WATCH, answer=Checked, refusals=(503,)),
)
