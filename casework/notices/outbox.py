"""The outbox: notices are written here in the transaction of what they tell of, and taken out by senders.

Nothing is lost: a notice leaves `waiting` and `sending` only for an end that is written down. A sender holds a notice
by a lease; when the lease runs out (the sender was killed) another takes it up, and `in_doubt` says that it may have
gone out already.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, and_, case, func, insert, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from casework.notices.afterwards import undelivered, verdict_on
from casework.notices.notice import NewNotice, Notice, State, Urgency, after
from casework.notices.pace import HOUR, Caps, QuietHours
from casework.notices.rows import give_up_unsent, notice_of, send_otherwise
from casework.notices.tables import ATTEMPTS, NOTICES, PROBLEM_LENGTH

MOST_HELD_BACK: Final = 50
"""So many notices are looked at in one claim before it gives up for now: all of them may be at their caps."""
MAY_HAVE_GONE_OUT: Final = or_(ATTEMPTS.c.outcome.is_(None), ATTEMPTS.c.outcome.in_(("accepted", "unsure")))
"""Tries that count against the caps."""
NO_LONGER_NEEDED: Final = or_(
    NOTICES.c.answered, and_(NOTICES.c.occasion == "duty_call", NOTICES.c.acknowledged_at.is_not(None))
)
"""Somebody has taken the ticket, or it is over, while this was being sent: it is not tried again."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that is ours to send until the lease ends."""

    notice: Notice
    owner: str
    was_in_doubt: bool
    """Whether an earlier try may have gone out."""


def write(connection: Connection, new: NewNotice, *, now: datetime, quiet: QuietHours | None = None) -> str:
    """Put a notice into the outbox within the caller's transaction, and return its id.

    A notice of this key that is there already stays as it is, and its id is returned.
    """
    due = max(now, new.not_before or now)
    if quiet is not None and new.urgency is Urgency.CAN_WAIT:
        due = quiet.end_after(due)
    row = {
        "id": uuid.uuid4().hex,
        "key": new.key,
        "occasion": new.occasion,
        "language": new.language,
        "person": new.to,
        "ticket": new.ticket,
        "ways": json.dumps([[way.channel, way.address] for way in new.ways]),
        "texts": json.dumps(dict(new.values)),
        "urgency": int(new.urgency),
        "state": State.WAITING,
        "channel": new.ways[0].channel,
        "created": now,
        "due": due,
        "deadline": due + new.keep_trying,
    }
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(make(NOTICES).values(row).on_conflict_do_nothing(index_elements=["key"]))
    return str(connection.execute(select(NOTICES.c.id).where(NOTICES.c.key == new.key)).scalar_one())


def call_off(connection: Connection, ticket: str, *occasions: str) -> int:
    """Take back what is not sent yet of these occasions about a ticket; return how many notices that were."""
    return connection.execute(
        update(NOTICES)
        .where(NOTICES.c.ticket == ticket, NOTICES.c.occasion.in_(occasions), NOTICES.c.state == State.WAITING)
        .values(state=State.CALLED_OFF)
    ).rowcount


def claim(
    connection: Connection, channel: str, owner: str, *, now: datetime, lease: timedelta, caps: Caps
) -> Claimed | None:
    """Take the next notice of a channel: emergencies first, then who has waited longest.

    One that has reached a cap is put off until there is room; one past its deadline is given up.
    """
    for _ in range(MOST_HELD_BACK):
        row = _next(connection, channel, now)
        if row is None:
            return None
        notice = notice_of(row)
        if notice.deadline <= now:
            give_up_unsent(connection, notice, "it could not be sent before its deadline")
        elif (room_at := _room_at(connection, notice, caps, now)) is not None:
            _put_off(connection, notice, room_at)
        else:
            return _take(connection, row, owner, now=now, until=now + lease)
    return None


def keep(connection: Connection, claimed: Claimed, *, until: datetime) -> bool:
    """Prolong a lease; False when somebody else has taken the notice."""
    return bool(connection.execute(_held(claimed).values(lease_until=until)).rowcount)


def mark_maybe_double(connection: Connection, claimed: Claimed) -> None:
    """Say, before it is sent again, that nobody knows whether it went out before."""
    connection.execute(_held(claimed).values(maybe_double=True))


def accepted(
    connection: Connection, claimed: Claimed, *, now: datetime, provider_id: str | None, delivered: bool = False
) -> bool:
    """Write down that a provider has the notice; False when the lease was lost meanwhile."""
    notice = claimed.notice
    verdict = None if provider_id is None else verdict_on(connection, notice.current.channel, provider_id)
    delivered = delivered or verdict == "delivered" or notice.delivered_at is not None
    state = after(State.SENDING, "accept")
    ours = connection.execute(
        _held(claimed).values(
            state=after(state, "deliver") if delivered else state,
            sent_at=now,
            delivered_at=now if delivered else None,
            provider_id=provider_id,
            in_doubt=False,
            failures=0,
            problem=None,
            lease_owner=None,
            lease_until=None,
        )
    ).rowcount
    _end_attempt(connection, claimed, now, "accepted", provider_id=provider_id)
    if not ours:
        # Somebody else took it up while we were slow: both may have sent it.
        connection.execute(update(NOTICES).where(NOTICES.c.id == notice.id).values(maybe_double=True))
    if ours and verdict == "undelivered":
        undelivered(connection, notice.current.channel, provider_id or "", now=now)
    return bool(ours)


def put_back(
    connection: Connection,
    claimed: Claimed,
    *,
    now: datetime,
    due: datetime,
    problem: str,
    outcome: str,
    in_doubt: bool = False,
    failures: int,
    way: int | None = None,
    refused: int | None = None,
) -> None:
    """Write down that it was not sent, and when and by which way it is tried again."""
    notice = claimed.notice
    way = notice.way if way is None else way
    moved = way != notice.way
    connection.execute(
        _held(claimed).values(
            state=case((NO_LONGER_NEEDED, after(State.SENDING, "call off")), else_=after(State.SENDING, "put back")),
            due=due,
            problem=problem[:PROBLEM_LENGTH],
            in_doubt=in_doubt and not moved,
            maybe_double=NOTICES.c.maybe_double if not (in_doubt and moved) else true(),
            refused=notice.refused if refused is None else refused,
            failures=failures,
            way=way,
            channel=notice.ways[way].channel,
            lease_owner=None,
            lease_until=None,
        )
    )
    _end_attempt(connection, claimed, now, outcome, problem=problem)


def give_up(connection: Connection, claimed: Claimed, *, now: datetime, problem: str, outcome: str) -> None:
    """Write down that it will not be sent: a person must look."""
    connection.execute(
        _held(claimed).values(
            state=case((NO_LONGER_NEEDED, after(State.SENDING, "call off")), else_=after(State.SENDING, "give up")),
            problem=problem[:PROBLEM_LENGTH],
            in_doubt=False,
            lease_owner=None,
            lease_until=None,
        )
    )
    _end_attempt(connection, claimed, now, outcome, problem=problem)


def expire(connection: Connection, *, now: datetime) -> int:
    """Give up what waits past its deadline; return how many notices that were."""
    return connection.execute(
        update(NOTICES)
        .where(NOTICES.c.state == State.WAITING, NOTICES.c.deadline <= now)
        .values(state=after(State.WAITING, "give up"), problem="it could not be sent before its deadline")
    ).rowcount


def move_on(connection: Connection, *, now: datetime, waited: timedelta, with_receipts: Sequence[str]) -> int:
    """Try emergencies by their next way that are not on their phone after so long; return how many.

    Those still waiting go to the next way; those a provider has taken, but not delivered although it gives receipts,
    are sent a second time by another way, unless there is no other.
    """
    late = NOTICES.c.urgency == Urgency.EMERGENCY
    stuck = and_(
        NOTICES.c.state == State.WAITING, NOTICES.c.due <= now, NOTICES.c.created <= now - waited, NOTICES.c.way == 0
    )
    silent = and_(
        NOTICES.c.state == State.SENT, NOTICES.c.sent_at <= now - waited, NOTICES.c.channel.in_(with_receipts)
    )
    rows = connection.execute(select(NOTICES).where(late, or_(stuck, silent)).with_for_update(skip_locked=True))
    moved = 0
    for row in rows.mappings().all():
        notice = notice_of(row)
        way = notice.next_way()
        if way is not None and way > notice.way:
            send_otherwise(connection, notice, way, now, "the first way was not quick enough", doubt=row["in_doubt"])
            moved += 1
    return moved


def next_due(connection: Connection, channel: str) -> datetime | None:
    """Return when the next notice of a channel may go, or its sender's lease ends; None when none waits."""
    here = NOTICES.c.channel == channel
    waiting = select(func.min(NOTICES.c.due)).where(here, NOTICES.c.state == State.WAITING)
    leased = select(func.min(NOTICES.c.lease_until)).where(here, NOTICES.c.state == State.SENDING)
    moments = [connection.execute(query).scalar() for query in (waiting, leased)]
    return min((moment for moment in moments if moment is not None), default=None)


def _next(connection: Connection, channel: str, now: datetime) -> RowMapping | None:
    """The notice to be sent next: what a killed sender has left, then by urgency and waiting time."""
    left = and_(NOTICES.c.state == State.SENDING, NOTICES.c.lease_until <= now)
    due = and_(NOTICES.c.state == State.WAITING, NOTICES.c.due <= now)
    for which in (left, due):
        query: Select[Any] = (
            select(NOTICES)
            .where(NOTICES.c.channel == channel, which)
            .order_by(NOTICES.c.urgency, NOTICES.c.due, NOTICES.c.seq)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if (row := connection.execute(query).mappings().first()) is not None:
            return row
    return None


def _take(connection: Connection, row: RowMapping, owner: str, *, now: datetime, until: datetime) -> Claimed:
    """Write the lease and the beginning of the try, before anything leaves."""
    notice, number = notice_of(row), row["attempts"] + 1
    connection.execute(
        update(NOTICES)
        .where(NOTICES.c.id == notice.id)
        .values(state=State.SENDING, attempts=number, lease_owner=owner, lease_until=until, in_doubt=True)
    )
    connection.execute(
        insert(ATTEMPTS).values(
            notice=notice.id,
            number=number,
            channel=notice.current.channel,
            address=notice.current.address,
            ticket=notice.ticket,
            began=now,
        )
    )
    return Claimed(replace(notice, state=State.SENDING, attempts=number), owner, was_in_doubt=row["in_doubt"])


def _room_at(connection: Connection, notice: Notice, caps: Caps, now: datetime) -> datetime | None:
    """When there is room under the caps again; None when there is now."""
    number, ticket, total = caps.of(notice.urgency)
    limits = [(number, ATTEMPTS.c.address == notice.current.address), (total, None)]
    if notice.ticket is not None:
        limits.append((ticket, ATTEMPTS.c.ticket == notice.ticket))
    for most, whose in limits:
        query = select(ATTEMPTS.c.began).where(ATTEMPTS.c.began > now - HOUR, MAY_HAVE_GONE_OUT)
        if whose is not None:
            query = query.where(whose)
        oldest_in_the_way: datetime | None = connection.execute(
            query.order_by(ATTEMPTS.c.began.desc()).offset(max(most - 1, 0)).limit(1)
        ).scalar()
        if oldest_in_the_way is not None:
            return oldest_in_the_way + HOUR
    return None


def _put_off(connection: Connection, notice: Notice, until: datetime) -> None:
    connection.execute(
        update(NOTICES)
        .where(NOTICES.c.id == notice.id)
        .values(state=State.WAITING, due=until, problem="held back by a cap", lease_owner=None, lease_until=None)
    )


def _held(claimed: Claimed) -> Any:
    """The notice, if it is still ours by this very claim."""
    notice = claimed.notice
    return update(NOTICES).where(
        NOTICES.c.id == notice.id,
        NOTICES.c.state == State.SENDING,
        NOTICES.c.lease_owner == claimed.owner,
        NOTICES.c.attempts == notice.attempts,
    )


def _end_attempt(
    connection: Connection,
    claimed: Claimed,
    now: datetime,
    outcome: str,
    *,
    provider_id: str | None = None,
    problem: str | None = None,
) -> None:
    notice = claimed.notice
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.notice == notice.id, ATTEMPTS.c.number == notice.attempts)
        .values(ended=now, outcome=outcome, provider_id=provider_id, problem=(problem or "")[:PROBLEM_LENGTH] or None)
    )
