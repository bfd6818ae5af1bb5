"""What is said of a notice when it has left, or could not: delivered or not, try it again, let it rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from casework.notices.notice import Notice, NoticeCannot, State, after
from casework.notices.rows import by_id, give_up_unsent, send_otherwise
from casework.notices.tables import ATTEMPTS, NOTICES, PROBLEM_LENGTH, RECEIPTS

RECEIPTS_WITHIN: Final = timedelta(days=1)


def delivered(connection: Connection, channel: str, provider_id: str, *, now: datetime) -> bool:
    """A phone has it. Also kept when it is about a message that we do not know yet; True when it was known."""
    _keep_receipt(connection, channel, provider_id, "delivered", now)
    notice = _sent_as(connection, channel, provider_id)
    if notice is None:
        return False
    values: dict[str, Any] = {"delivered_at": now}
    # While it is being sent by another way, the end of that try finds `delivered_at`.
    if notice.state is not State.SENDING:
        values |= {"state": State.DELIVERED, "problem": None}
    connection.execute(update(NOTICES).where(NOTICES.c.id == notice.id).values(values))
    return True


def undelivered(connection: Connection, channel: str, provider_id: str, *, now: datetime) -> bool:
    """A phone did not get what a provider took: the next way is tried, and if there is none, a person must look."""
    _keep_receipt(connection, channel, provider_id, "undelivered", now)
    notice = _sent_as(connection, channel, provider_id)
    if notice is None:
        return False
    if notice.state is State.SENT and notice.provider_id == provider_id:
        way = notice.next_way()
        if way is not None and way > notice.way:
            send_otherwise(connection, notice, way, now, "the provider could not deliver it", doubt=False)
        else:
            give_up_unsent(connection, notice, "the provider could not deliver it")
    return True


def without_receipt(connection: Connection, channel: str, *, now: datetime, limit: int = 200) -> Sequence[str]:
    """Return the providers' ids of what a channel has sent within a day, and nobody has said more about."""
    query = (
        select(NOTICES.c.provider_id)
        .where(NOTICES.c.state == State.SENT, NOTICES.c.channel == channel)
        .where(NOTICES.c.provider_id.is_not(None), NOTICES.c.sent_at > now - RECEIPTS_WITHIN)
        .order_by(NOTICES.c.seq.desc())
        .limit(limit)
    )
    return [str(provider_id) for provider_id in connection.execute(query).scalars()]


def verdict_on(connection: Connection, channel: str, provider_id: str) -> str | None:
    """Return what was said of this message before we knew it: `delivered`, `undelivered` or None."""
    query = select(RECEIPTS.c.verdict).where(RECEIPTS.c.channel == channel, RECEIPTS.c.provider_id == provider_id)
    verdict = connection.execute(query).scalar()
    return None if verdict is None else str(verdict)


def retry(connection: Connection, notice_id: str, *, now: datetime, keep_trying: timedelta) -> Notice:
    """Send a notice again that was given up; raises NoticeUnknown, NoticeCannot."""
    notice = by_id(connection, notice_id)
    state = after(notice.state, "retry")
    values = {"state": state, "due": now, "deadline": now + keep_trying, "failures": 0, "way": 0, "refused": 0}
    connection.execute(
        update(NOTICES).where(NOTICES.c.id == notice.id).values(values | {"channel": notice.ways[0].channel})
    )
    return by_id(connection, notice_id)


def dismiss(connection: Connection, notice_id: str, *, who: str) -> Notice:
    """Let a notice rest that was given up: somebody has seen to it. Raises NoticeUnknown, NoticeCannot."""
    notice = by_id(connection, notice_id)
    if notice.state is not State.NOT_SENT:
        raise NoticeCannot("dismiss", notice.state)
    problem = f"dismissed by {who}: {notice.problem}"[:PROBLEM_LENGTH]
    state = after(notice.state, "call off")
    connection.execute(update(NOTICES).where(NOTICES.c.id == notice.id).values(state=state, problem=problem))
    return by_id(connection, notice_id)


def _keep_receipt(connection: Connection, channel: str, provider_id: str, verdict: str, now: datetime) -> None:
    """The first final word counts."""
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    row = {"channel": channel, "provider_id": provider_id[:200], "verdict": verdict, "at": now}
    connection.execute(make(RECEIPTS).values(row).on_conflict_do_nothing())


def _sent_as(connection: Connection, channel: str, provider_id: str) -> Notice | None:
    query = select(ATTEMPTS.c.notice).where(ATTEMPTS.c.channel == channel, ATTEMPTS.c.provider_id == provider_id)
    notice_id = connection.execute(query.limit(1)).scalar()
    return None if notice_id is None else by_id(connection, notice_id)
