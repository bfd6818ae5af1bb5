"""Looking into the outbox: which notices there are, what was tried, and what does not leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from casework.notices.notice import Notice, NoticeUnknown, State
from casework.notices.rows import notice_of
from casework.notices.tables import ATTEMPTS, NOTICES


def listed(
    connection: Connection, *, state: State | None = None, ticket: str | None = None, limit: int = 50
) -> Sequence[Notice]:
    """Return notices, newest first."""
    query = select(NOTICES).order_by(NOTICES.c.seq.desc()).limit(limit)
    if state is not None:
        query = query.where(NOTICES.c.state == state)
    if ticket is not None:
        query = query.where(NOTICES.c.ticket == ticket)
    return [notice_of(row) for row in connection.execute(query).mappings()]


def found(connection: Connection, beginning: str) -> Notice:
    """Return the notice whose id begins so; raises NoticeUnknown when there is none or more than one."""
    query = select(NOTICES).where(NOTICES.c.id.startswith(beginning, autoescape=True)).limit(2)
    rows = connection.execute(query).mappings().all()
    if len(rows) != 1 or not beginning:
        raise NoticeUnknown(beginning)
    return notice_of(rows[0])


def attempts(connection: Connection, notice_id: str) -> Sequence[Mapping[str, Any]]:
    """Return each try to send a notice, oldest first."""
    query = select(ATTEMPTS).where(ATTEMPTS.c.notice == notice_id).order_by(ATTEMPTS.c.number)
    return [dict(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> Mapping[State, int]:
    """Return how many notices there are in each state."""
    query = select(NOTICES.c.state, func.count()).group_by(NOTICES.c.state)
    found = {State(state): int(count) for state, count in connection.execute(query).all()}
    return {state: found.get(state, 0) for state in State}


def oldest_stuck(connection: Connection, *, before: datetime) -> datetime | None:
    """Return when the oldest notice was written that does not leave: given up, or due or first tried before then.

    What only waits for its time (quiet hours, caps, a duty list not yet rung) is not stuck.
    """
    given_up = select(func.min(NOTICES.c.created)).where(NOTICES.c.state == State.NOT_SENT)
    tried = select(ATTEMPTS.c.notice).where(
        ATTEMPTS.c.notice == NOTICES.c.id, ATTEMPTS.c.number == 1, ATTEMPTS.c.began <= before
    )
    late = or_(NOTICES.c.due <= before, tried.exists())
    waiting = select(func.min(NOTICES.c.created)).where(NOTICES.c.state == State.WAITING, late)
    moments = [connection.execute(query).scalar() for query in (given_up, waiting)]
    return min((moment for moment in moments if moment is not None), default=None)
