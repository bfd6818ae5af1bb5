"""A notice as its row in the outbox: read, sent by another way, given up."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, true, update

from casework.notices.notice import Notice, NoticeUnknown, State, Urgency, Way, after
from casework.notices.tables import NOTICES


def notice_of(row: RowMapping) -> Notice:
    """The notice in this row."""
    return Notice(
        id=row["id"],
        key=row["key"],
        occasion=row["occasion"],
        language=row["language"],
        to=row["person"],
        ways=tuple(Way(channel, address) for channel, address in json.loads(row["ways"])),
        values=json.loads(row["texts"]),
        urgency=Urgency(row["urgency"]),
        ticket=row["ticket"],
        state=State(row["state"]),
        created=row["created"],
        due=row["due"],
        deadline=row["deadline"],
        way=row["way"],
        refused=row["refused"],
        failures=row["failures"],
        attempts=row["attempts"],
        sent_at=row["sent_at"],
        delivered_at=row["delivered_at"],
        acknowledged_at=row["acknowledged_at"],
        provider_id=row["provider_id"],
        maybe_double=row["maybe_double"],
        problem=row["problem"],
    )


def by_id(connection: Connection, notice_id: str) -> Notice:
    """Return the notice of this id; raises NoticeUnknown."""
    row = connection.execute(select(NOTICES).where(NOTICES.c.id == notice_id)).mappings().first()
    if row is None:
        raise NoticeUnknown(notice_id)
    return notice_of(row)


def send_otherwise(
    connection: Connection, notice: Notice, way: int, now: datetime, problem: str, *, doubt: bool
) -> None:
    """Have it sent by this way of its ways, at once; `doubt` if it may have gone out by the one before."""
    state = notice.state if notice.state is State.WAITING else after(notice.state, "put back")
    connection.execute(
        update(NOTICES)
        .where(NOTICES.c.id == notice.id)
        .values(
            state=state,
            way=way,
            channel=notice.ways[way].channel,
            due=now,
            failures=0,
            problem=problem,
            in_doubt=False,
            maybe_double=true() if doubt else NOTICES.c.maybe_double,
        )
    )


def give_up_unsent(connection: Connection, notice: Notice, problem: str) -> None:
    """Say that a notice which nobody is sending will not be sent: a person must look."""
    connection.execute(
        update(NOTICES)
        .where(NOTICES.c.id == notice.id)
        .values(state=after(notice.state, "give up"), problem=problem, lease_owner=None, lease_until=None)
    )
