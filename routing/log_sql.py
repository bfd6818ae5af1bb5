"""The event log in a SQL database, SQLite or PostgreSQL.

Taking sequence numbers locks `log_head` until the commit, so that numbers become visible in their own order: who has
read up to n will never find a smaller one later, not even with several servers writing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from itertools import groupby
from json import JSONDecoder, JSONEncoder
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import BigInteger, Connection, DateTime, Select, bindparam, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from routing import migrations
from routing.events import KINDS, AgentStep, CallPlaced, CallRang, Event, EventsLost, Gap, PhoneNumber
from routing.events_json import KIND_OF, BadEvent, from_json, to_json
from routing.log import BEGINS, Audience, Kinds, Listener, LoggedCall, Recorded
from routing.log_tables import CALLS, EVENTS, HEAD, lookup_key
from routing.log_writer import GroupWriter, Pace, Refused
from storage.database import Database, open_database

AGENT_STEPS: Final = [kind for kind, cls in KINDS.items() if issubclass(cls, AgentStep)]
GAPS: Final = [kind for kind, cls in KINDS.items() if issubclass(cls, Gap)]

TAKE_NUMBERS: Final = (
    update(HEAD).values(last_seq=HEAD.c.last_seq + bindparam("count", type_=BigInteger)).returning(HEAD.c.last_seq)
)
"""Take the next `count` numbers and return the last of them; other writers wait until we commit or give up."""

ADD_EVENTS: Final = insert(EVENTS)

ADD_CALLS: Final = text(
    "INSERT INTO calls (call, first_seq, began, caller) VALUES (:call, :first_seq, :began, :caller)"
    " ON CONFLICT (call) DO UPDATE SET caller = excluded.caller"
    " WHERE calls.caller IS NULL AND excluded.caller IS NOT NULL"
).bindparams(bindparam("began", type_=DateTime(timezone=True)))
"""Note a call at the first event that tells of a caller; a caller's number that becomes known later is added."""

LAST_AGENT_STEPS: Final = select(EVENTS.c.seq, EVENTS.c.body).where(
    EVENTS.c.seq.in_(
        select(func.max(EVENTS.c.seq))
        .where(EVENTS.c.call.is_(None), EVENTS.c.kind.in_(AGENT_STEPS))
        .group_by(EVENTS.c.agent)
    )
)
"""Of each agent, the newest of the steps that say how to restore the agent."""


class SqlLog:
    """The event log for good (see EventLog). Reading needs no `start`; what is recorded is written from then on."""

    def __init__(self, database: Database, *, pace: Pace = Pace()) -> None:
        self._database = database
        self._audience = Audience()
        self._last = 0
        self._in_doubt: int | None = None
        self._writer = GroupWriter(self._write, dropped=_dropped, pace=pace)

    async def start(self) -> None:
        """Begin to write. Raises SQLAlchemyError or OSError if the database cannot be read."""
        self._last = await self._database.read(
            lambda connection: connection.execute(select(HEAD.c.last_seq)).scalar_one()
        )
        self._writer.start()

    async def close(self, *, within: float = 10.0) -> int:
        """Write what waits, for at most so many seconds; return how many events could not be written."""
        unwritten = await self._writer.close(within)
        self._audience.dismiss()
        return unwritten

    @property
    def problem(self) -> str | None:
        """See EventLog."""
        return self._writer.problem

    @property
    def waiting(self) -> int:
        """See EventLog."""
        return self._writer.waiting

    def record(self, event: Event) -> None:
        """See EventLog. An event with a field of the wrong type is left out later, with an error in our own log."""
        self._writer.add(event)

    async def flushed(self, *, within: float = 10.0, hurry: bool = True) -> int:
        """See EventLog."""
        await self._writer.flushed(within, hurry=hurry)
        return self._last

    def subscribe(self, *, room: int = 1000, only: Kinds = (Event,)) -> AbstractAsyncContextManager[Listener]:
        """See EventLog."""
        return self._audience.listening(room=room, after=self._last, only=only)

    async def of_call(self, call: str) -> Sequence[Event]:
        """See EventLog."""
        own = select(EVENTS.c.seq, EVENTS.c.body).where(EVENTS.c.call == lookup_key(call))
        span = select(func.min(EVENTS.c.seq), func.max(EVENTS.c.seq)).where(EVENTS.c.call == lookup_key(call))

        def look(connection: Connection) -> Sequence[Event]:
            first, last = connection.execute(span).one()
            gaps = select(EVENTS.c.seq, EVENTS.c.body).where(
                EVENTS.c.call.is_(None), EVENTS.c.kind.in_(GAPS), EVENTS.c.seq.between(first, last)
            )
            return [_event(seq, body) for seq, body in connection.execute(own.union_all(gaps).order_by("seq"))]

        return await self._database.read(look)

    async def of_calls(self, calls: Collection[str], *, only: Kinds) -> Mapping[str, Sequence[Event]]:
        """See EventLog."""
        of_these = EVENTS.c.call.in_([lookup_key(call) for call in calls])
        chosen = select(EVENTS.c.seq, EVENTS.c.body).where(of_these, EVENTS.c.kind.in_(_names(only)))
        found: dict[str, list[Event]] = {}

        def look(connection: Connection) -> None:
            for seq, body in connection.execute(chosen.order_by(EVENTS.c.seq)):
                event = _event(seq, body)
                assert event.call is not None
                found.setdefault(event.call, []).append(event)

        await self._database.read(look)
        return found

    async def calls(
        self, *, limit: int = 20, before: int | None = None, since: datetime | None = None
    ) -> Sequence[LoggedCall]:
        """See EventLog."""
        chosen = select(CALLS)
        if before is not None:
            chosen = chosen.where(CALLS.c.first_seq < before)
        if since is not None:
            chosen = chosen.where(CALLS.c.began >= since.astimezone(UTC))
        return await self._calls(chosen, limit)

    async def calls_from(self, caller: PhoneNumber, *, limit: int = 20) -> Sequence[LoggedCall]:
        """See EventLog."""
        return await self._calls(select(CALLS).where(CALLS.c.caller == lookup_key(caller.digits)), limit)

    async def find(self, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """See EventLog."""
        begins = lookup_key(prefix)
        chosen = select(CALLS.c.call).where(CALLS.c.call.between(begins, begins + "\U0010ffff"))
        return await self._database.read(
            lambda connection: connection.execute(_newest_first(chosen, limit)).scalars().all()
        )

    async def after(self, seq: int, *, limit: int = 1000, only: Kinds = (Event,)) -> Sequence[Recorded]:
        """See EventLog."""
        chosen = select(EVENTS.c.seq, EVENTS.c.body).where(EVENTS.c.seq > seq).order_by(EVENTS.c.seq).limit(limit)
        if only != (Event,):
            chosen = chosen.where(EVENTS.c.kind.in_(_names(only)))
        return await self._database.read(
            lambda connection: [Recorded(seq, _event(seq, body)) for seq, body in connection.execute(chosen)]
        )

    async def last_agent_steps(self) -> Mapping[str, AgentStep]:
        """See EventLog."""
        steps = await self._database.read(
            lambda connection: [_event(seq, body) for seq, body in connection.execute(LAST_AGENT_STEPS)]
        )
        return {step.agent: step for step in steps if isinstance(step, AgentStep)}

    async def _calls(self, chosen: Select[Any], limit: int) -> Sequence[LoggedCall]:
        """Return the chosen rows of `calls` with their events, newest call first."""
        some = _newest_first(chosen, limit).subquery()
        query = (
            select(some.c.call, some.c.first_seq, EVENTS.c.seq, EVENTS.c.body)
            .join(EVENTS, EVENTS.c.call == some.c.call)
            .order_by(some.c.first_seq.desc(), EVENTS.c.seq)
        )

        def look(connection: Connection) -> Sequence[LoggedCall]:
            rows = connection.execute(query)
            return [
                LoggedCall(call, first, [_event(seq, body) for *_, seq, body in of_this])
                for (call, first), of_this in groupby(rows, key=lambda row: (row.call, row.first_seq))
            ]

        return await self._database.read(look)

    async def _write(self, group: Sequence[Event]) -> None:
        """Commit a group, then tell the listeners. Given the same group again, it is not written twice."""
        # Written as JSON here and not one by one in `record`: in a row it takes a seventh of the time.
        rows = [row for event in group if (row := _row(event)) is not None]
        if not rows:
            return
        try:
            first = await self._database.write(lambda connection: self._insert(connection, rows))
        except (SQLAlchemyError, OSError) as error:
            raise Refused(_reason(error)) from error
        self._in_doubt = None
        self._last = first + len(rows) - 1
        for seq, row in enumerate(rows, first):
            self._audience.tell(Recorded(seq, row.event))

    def _insert(self, connection: Connection, rows: Sequence[_Row]) -> int:
        """Insert these, unless an earlier attempt did; return the first one's number."""
        if self._in_doubt is not None:
            # The link was lost, perhaps during the commit. Once the lock is ours, that attempt is over either way.
            connection.execute(TAKE_NUMBERS, {"count": 0})
            if _stands(connection, self._in_doubt, rows):
                return self._in_doubt
        last: int = connection.execute(TAKE_NUMBERS, {"count": len(rows)}).scalar_one()
        self._in_doubt = first = last - len(rows) + 1
        if calls := _call_rows(first, rows):
            connection.execute(ADD_CALLS, calls)
        connection.execute(ADD_EVENTS, _event_rows(first, rows))
        return first


@asynccontextmanager
async def open_log(url: str, *, pace: Pace = Pace()) -> AsyncGenerator[SqlLog]:
    """Open the log at this address for writing: its tables are made or brought up to date first.

    At the end what waits is written, for at most 10 s. Raises SQLAlchemyError or OSError if the database is out of
    reach.
    """
    database = open_database(url)
    try:
        await migrations.HISTORY.upgrade(database)
        log = SqlLog(database, pace=pace)
        await log.start()
        try:
            yield log
        finally:
            await log.close()
    finally:
        await database.close()


@asynccontextmanager
async def read_log(url: str) -> AsyncGenerator[SqlLog]:
    """Open the log at this address for reading, while another process may write. Raises FileNotFoundError."""
    database = open_database(url, make=False)
    try:
        yield SqlLog(database)
    finally:
        await database.close()


_JSON: Final = JSONEncoder(separators=(",", ":"))
_FROM_JSON: Final = JSONDecoder()


class _Row(NamedTuple):
    """An event on its way to the database, and its JSON."""

    event: Event
    body: str


def _row(event: Event) -> _Row | None:
    try:
        return _Row(event, _JSON.encode(to_json(event)))
    except BadEvent as bad:
        structlog.get_logger().error("an event was refused", problem=str(bad))
        return None


def _event(seq: int, body: str) -> Event:
    try:
        return from_json(_FROM_JSON.decode(body))
    except BadEvent as bad:
        raise BadEvent(f"event {seq} in the log cannot be read (was it written by a newer version?): {bad}") from bad


def _dropped(count: int) -> Event:
    return EventsLost(at=datetime.now(UTC), count=count)


def _names(kinds: Kinds) -> list[str]:
    """The names that kinds of event have in the table."""
    return [name for name, cls in KINDS.items() if issubclass(cls, kinds)]


def _newest_first(calls: Select[Any], limit: int) -> Select[Any]:
    return calls.order_by(CALLS.c.first_seq.desc()).limit(limit)


def _stands(connection: Connection, first: int, rows: Sequence[_Row]) -> bool:
    """Tell whether exactly these are in the log from this number on."""
    query = select(EVENTS.c.body).where(EVENTS.c.seq.between(first, first + len(rows) - 1)).order_by(EVENTS.c.seq)
    return list(connection.execute(query).scalars()) == [row.body for row in rows]


def _event_rows(first: int, rows: Sequence[_Row]) -> list[dict[str, object]]:
    return [
        {
            "seq": seq,
            "kind": KIND_OF[type(event)],
            "call": None if event.call is None else lookup_key(event.call),
            "agent": None if event.agent is None else lookup_key(event.agent),
            "body": body,
        }
        for seq, (event, body) in enumerate(rows, first)
    ]


def _call_rows(first: int, rows: Sequence[_Row]) -> list[dict[str, object]]:
    calls: dict[str, dict[str, object]] = {}
    for seq, (event, _) in enumerate(rows, first):
        if event.call is not None and isinstance(event, BEGINS):
            call = lookup_key(event.call)
            began = event.at.astimezone(UTC)
            row = calls.setdefault(call, {"call": call, "first_seq": seq, "began": began, "caller": None})
            if isinstance(event, CallRang | CallPlaced) and event.caller is not None:
                row["caller"] = lookup_key(event.caller.digits)
    return list(calls.values())


def _reason(error: SQLAlchemyError | OSError) -> str:
    """Say why the database refused, in one line without values: those may be private."""
    cause: BaseException = error
    if isinstance(error, DBAPIError):
        cause = error.orig or error
        if not (isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated):
            return type(cause).__name__
    return next(iter(str(cause).splitlines()), type(cause).__name__)
