"""The link to Asterisk's manager interface: it is kept up, events come in order, actions are asked once.

    link = Link(address, on_event=board.hear, on_up=board.compare, wanted=["name(Hangup)"])
    await link.start()
    await link.act("QueuePause", Interface="PJSIP/desk-7", Paused="true", Reason="lunch")

Each time the link comes up, in this order: connect, log in, wait until Asterisk has started fully, set the
filter, `up` becomes true, events are switched on, `on_up` runs. Events are handed to `on_event` as they come, also
while `on_up` runs; none is held back, none overtakes another. As they were switched on before `on_up` began, what it
reads (queues, channels) has no gap to the events; but an event may already be in what was read, so an event must be
taken as 'this is so now', not as a difference.

When the link is lost, `up` becomes false, `on_down` is called, and then whoever waits for an answer gets LinkDown, all
at once; the link is tried again for ever, each time after 0.2 to 5 s. Nothing that was asked is ever sent again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from routing.ami_errors import (
    ActionFailed,
    AmiError,
    LinkDown,
    LoginRefused,
    NoAnswer,
    PermissionRefused,
)
from routing.ami_manager import AmiAddress, Connection
from routing.ami_wire import Fields, Unsendable, assignment

__all__ = [
    "ActionFailed",
    "AmiAddress",
    "AmiError",
    "Link",
    "LinkDown",
    "LinkState",
    "LoginRefused",
    "NoAnswer",
    "PermissionRefused",
    "Unsendable",
]

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
ON_UP_WITHIN: Final = 30.0
"""Seconds that `on_up` may take; after that the link is taken down and everything is begun again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LinkState:
    """Whether the link is up, since when (UTC), and if it is down, why."""

    up: bool
    since: datetime
    why: str = ""


class Link:
    """One account's link to one Asterisk.

    `on_event` is a plain function, called for each event with its fields as they were on the wire (a key that came
    twice holds both values, one per line). It should be quick; an exception in it is logged and changes nothing.
    `on_up` brings what we know up to date; if it fails, the link is taken down and tried again, because knowing
    half is worse than being late. `on_down` is a plain function that is told why; it is not called for `stop`.

    `wanted` says which events Asterisk is to send, each in the syntax of its advanced event filters, for example
    `name(Hangup)` or `name(VarSet),header(Variable)`; none means all that the account may read. Asterisk lets only
    accounts with write=system do this; others have `eventfilter(...)` lines in manager.conf instead.

    An account needs read=system to be told when a starting Asterisk is ready; without it each connection waits for
    the deadline before it goes on.

    A link on which not a byte has come for `deadline` seconds, though we ping it each `ping_every`, is lost.
    """

    def __init__(
        self,
        where: AmiAddress,
        *,
        on_event: Callable[[Mapping[str, str]], None],
        on_up: Callable[[], Awaitable[None]] | None = None,
        on_down: Callable[[str], None] | None = None,
        wanted: Sequence[str] = (),
        ping_every: float = 2.0,
        deadline: float = 5.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._where, self._wanted = where, tuple(wanted)
        self._on_event, self._on_up, self._on_down = on_event, on_up, on_down
        self._ping_every, self._deadline, self._now = ping_every, deadline, now
        self._state = LinkState(up=False, since=now(), why="not started")
        self._connection: Connection | None = None
        self._ready = asyncio.Event()
        self._problem: Exception = LinkDown(self._state.why)
        self._keeper: asyncio.Task[None] | None = None

    @property
    def state(self) -> LinkState:
        """Up or down, since when and why."""
        return self._state

    @property
    def up(self) -> bool:
        """Whether an action can be asked now."""
        return self._state.up

    async def start(self) -> None:
        """Begin to keep the link up. Returns at once: `ready` waits."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"link {self._where}")

    async def stop(self) -> None:
        """Take the link down and leave it down."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
            self._keeper = None

    async def ready(self, *, within: float) -> None:
        """Wait until the link is up and `on_up` is done; else raise what was in the way, LoginRefused perhaps."""
        try:
            async with asyncio.timeout(within):
                await self._ready.wait()
        except TimeoutError:
            raise self._problem from None

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        """Ask for one action and return Asterisk's reply.

        Raises ActionFailed if Asterisk says no; LinkDown or NoAnswer if it is unknown whether it was done: it is
        not sent again. Raises Unsendable, and sends nothing, if a value cannot go out as it is.
        """
        return (await self._ask(action, fields, within))[0]

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        """Ask for a list, such as QueueStatus, and return its events without the closing one; errors as in `act`."""
        return list((await self._ask(action, fields, within))[1:-1])

    async def originate(
        self,
        channel: str,
        *,
        channel_id: str,
        ring_for: timedelta = timedelta(seconds=30),
        variables: Mapping[str, str] | None = None,
        within: float = 5.0,
        **fields: str,
    ) -> Mapping[str, str]:
        """Have Asterisk ring `channel`; returns as soon as it has taken the order. Errors as in `act`.

        `fields` say where an answered call goes (Context, Exten and Priority, or Application and Data) and what it
        shows (CallerID). `channel_id` becomes the channel's Uniqueid: choose it, keep it, and what became of the
        call is known by that channel's events, also if the answer to this was lost. While a channel with this id
        lives, Asterisk takes a second order and then fails it, with an OriginateResponse that names the same id:
        its ActionID tells the two apart.
        """
        return await self.act(
            "Originate",
            within=within,
            Async="true",
            Channel=channel,
            ChannelId=channel_id,
            Timeout=str(ring_for // timedelta(milliseconds=1)),
            Variable=[assignment(name, value) for name, value in (variables or {}).items()],
            **fields,
        )

    async def _ask(self, action: str, fields: Mapping[str, str | Sequence[str]], within: float) -> list[Fields]:
        if not self.up or self._connection is None:
            raise LinkDown(self._state.why)
        return await self._connection.ask(action, fields, within=within)

    async def _keep(self) -> None:
        """Hold one connection after the other."""
        pauses = backoff()
        try:
            while True:
                try:
                    await self._hold()
                    pauses = backoff()
                except Exception as problem:
                    self._fall(problem)
                await asyncio.sleep(next(pauses))
        finally:
            self._connection = None
            self._ready.clear()
            self._state = LinkState(up=False, since=self._now(), why="stopped")

    async def _hold(self) -> None:
        """One connection, from the first packet until it is lost; raises what kept it from coming up fully."""
        gone = asyncio.Event()

        def lost(why: Exception) -> None:
            self._fall(why)
            gone.set()

        connection = Connection(
            self._where,
            on_event=self._hear,
            on_lost=lost,
            ping_every=self._ping_every,
            deadline=self._deadline,
        )
        try:
            await connection.open()
            await self._log_in(connection)
            await self._wait_for_boot(connection)
            await self._set_filter(connection)
            self._rise(connection)
            await connection.ask("Events", {"EventMask": "on"}, within=self._deadline)
            await self._bring_up_to_date()
            await gone.wait()
        finally:
            connection.close()

    async def _log_in(self, connection: Connection) -> None:
        """Log in with system events only: that is how Asterisk says whether it has started."""
        account = {"Username": self._where.username, "Secret": self._where.secret.get_secret_value()}
        try:
            await connection.ask("Login", {**account, "Events": "system"}, within=self._deadline)
        except ActionFailed as refused:
            raise LoginRefused(str(self._where), refused.answer) from None

    async def _wait_for_boot(self, connection: Connection) -> None:
        """A starting Asterisk takes logins before it knows its own actions."""
        if not await connection.booted():
            log.warning(
                "Asterisk does not say that it has started; going on. Does the account have read=system?",
                account=str(self._where),
            )

    async def _set_filter(self, connection: Connection) -> None:
        for criteria in self._wanted:
            fields = {"Operation": "Add", "MatchCriteria": f"action(include),{criteria}"}
            await connection.ask("Filter", fields, within=self._deadline)

    async def _bring_up_to_date(self) -> None:
        if self._on_up is not None:
            try:
                async with asyncio.timeout(ON_UP_WITHIN):
                    await self._on_up()
            except AmiError:
                raise
            except Exception as problem:
                log.exception("what is to be done when the link comes up has failed", account=str(self._where))
                raise LinkDown(f"{type(problem).__name__} in on_up") from problem
        if self.up:
            self._ready.set()

    def _hear(self, event: Fields) -> None:
        if self.up:
            self._on_event(event)

    def _rise(self, connection: Connection) -> None:
        self._connection = connection
        self._state = LinkState(up=True, since=self._now())
        log.info("link up", account=str(self._where))

    def _fall(self, problem: Exception) -> None:
        """Take note of what ended or prevented the connection; the log and `on_down` hear of each change once."""
        was, self._problem, self._connection = self._state, problem, None
        why = problem.why if isinstance(problem, LinkDown) else str(problem)
        self._ready.clear()
        self._state = LinkState(up=False, since=self._now() if was.up else was.since, why=why)
        if was.up or was.why != why:
            log.warning("link down", account=str(self._where), why=why)
        if was.up and self._on_down is not None:
            try:
                self._on_down(why)
            except Exception:
                log.exception("what is to be done when the link is lost has failed", account=str(self._where))


def backoff() -> Iterator[float]:
    """Seconds to wait before each next try: longer and longer, and never the same for two who lost it together."""
    ceiling = 2 * FIRST_PAUSE
    while True:
        yield random.uniform(FIRST_PAUSE, ceiling)  # noqa: S311 - spreads the load, guards nothing
        ceiling = min(2 * ceiling, LONGEST_PAUSE)
