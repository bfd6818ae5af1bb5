"""The sender: takes notices out of the outbox and hands each to its channel, until it is sent or a person must look.

Each channel is tended by itself, so that a slow one keeps no other waiting. Before a notice leaves, the try is written
down with a lease; what becomes of it is written down at once. So whoever kills us leaves at most `at_once` notices per
channel of which nobody knows whether they went out, and what is done about those is the channel's `after_a_crash`.

A channel that is down is tried by one notice now and then, and no other is used up on it. What waits goes out when it
is back, emergencies first.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from casework.notices import outbox
from casework.notices.channel import Accepted, AfterACrash, Channel, ChannelDown, Letter, Refused, SendProblem, Unsure
from casework.notices.clock import Clock, WallClock
from casework.notices.notice import Notice, Urgency
from casework.notices.outbox import Claimed
from casework.notices.pace import LONGEST_PROBE_PAUSE, Caps, pause_after
from casework.notices.texts import Texts
from storage.database import Database

log = structlog.get_logger()

IDLE: Final = 2.0
"""Seconds after which the outbox is looked at again without being called: another process may have written."""
EMERGENCIES_WAIT: Final = timedelta(seconds=60)
"""An emergency that is not on the phone by then goes by its next way, too."""
HOUSEKEEPING_EVERY: Final = 5.0
LEASE: Final = timedelta(seconds=30)
"""What a sender that was killed had under way is taken up after this."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A channel as the sender uses it."""

    channel: Channel
    at_once: int = 1
    """How many may be under way at one time: so many a crash can double where nobody can be asked."""
    tries: int = 3
    """So many failures in a row, and the notice's next way is tried."""


@dataclass(slots=True)
class _Health:
    """Whether a channel works."""

    failures: int = 0
    closed_until: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """When and by which way a notice is tried again."""

    due: datetime
    way: int
    failures: int
    refused: int | None = None


@dataclass(slots=True)
class Counters:
    """What was done since the start."""

    sent: int = 0
    put_back: int = 0
    given_up: int = 0
    maybe_doubled: int = 0
    by_channel: dict[str, int] = field(default_factory=dict)


class Sender:
    """Sends what is in the outbox. `news` is to be called when something was written there."""

    def __init__(
        self,
        database: Database,
        lanes: Mapping[str, Lane],
        texts: Texts,
        *,
        caps: Caps = Caps(),
        lease: timedelta = LEASE,
        clock: Clock | None = None,
        pause: Callable[[int], timedelta] = pause_after,
        link: Callable[[str, datetime], str] = lambda _notice, _now: "",
    ) -> None:
        """`link` makes the address of a notice's answer page; without it there is none in the texts."""
        self._database, self._lanes, self._texts, self._caps = database, lanes, texts, caps
        self._lease, self._clock, self._pause = lease, clock or WallClock(), pause
        self._link = link
        self._owner = uuid.uuid4().hex
        self._health = {name: _Health() for name in lanes}
        self._called = {name: asyncio.Event() for name in lanes}
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.counters = Counters()
        self.storage_problem: str | None = None

    @property
    def down(self) -> Mapping[str, str]:
        """Why channels do not work just now, by name."""
        return {name: health.problem for name, health in self._health.items() if health.problem is not None}

    def start(self) -> None:
        """Begin to send."""
        self._tasks = [asyncio.create_task(self._tend(name), name=f"notices by {name}") for name in self._lanes]
        self._tasks.append(asyncio.create_task(self._keep_house(), name="notices that wait"))

    async def stop(self, *, within: float = 10.0) -> None:
        """Let what is under way end; what does not is taken up by our successor when its lease ends."""
        self._stopping.set()
        self.news()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def news(self, *_: object) -> None:
        """Something was written into the outbox, or a channel may work again."""
        for event in self._called.values():
            event.set()

    # ── one channel ──

    async def _tend(self, name: str) -> None:
        """Send by one channel whatever is due, for ever."""
        while not self._stopping.is_set():
            self._called[name].clear()
            try:
                await self.work_off(name)
                wait = await self._until_next(name)
                self.storage_problem = None
            except Exception as problem:
                # The database is out of reach, most likely; nothing is lost by waiting for it.
                self.storage_problem = type(problem).__name__
                log.warning("notices cannot be sent just now", channel=name, problem=self.storage_problem)
                wait = IDLE
            if wait > 0 and not self._stopping.is_set():
                await self._clock.wait(self._called[name], wait)

    async def work_off(self, name: str) -> int:
        """Send everything by this channel that is due now; return how many notices that were."""
        before = self.counters.by_channel.get(name, 0)
        health = self._health[name]
        if health.closed_until is not None:
            if health.closed_until > self._clock.now():
                return 0
            if not await self._send_next(name):  # one notice tries whether it is back
                return 0
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._lanes[name].at_once):
                workers.create_task(self._work(name))
        return self.counters.by_channel.get(name, 0) - before

    async def _work(self, name: str) -> None:
        while not self._stopping.is_set() and self._health[name].closed_until is None:
            if not await self._send_next(name):
                return

    async def _until_next(self, name: str) -> float:
        """Seconds until something may be due."""
        closed_until = self._health[name].closed_until
        next_due = await self._database.read(partial(outbox.next_due, channel=name))
        if next_due is None:
            return IDLE
        moment = next_due if closed_until is None else max(closed_until, next_due)
        # A millisecond more: a wait may end that much too early.
        return min(max((moment - self._clock.now()).total_seconds() + 0.001, 0.0), IDLE)

    # ── one notice ──

    async def _send_next(self, name: str) -> bool:
        """Send one notice; False when none is due."""
        claimed = await self._database.write(
            lambda transaction: outbox.claim(
                transaction, name, self._owner, now=self._clock.now(), lease=self._lease, caps=self._caps
            )
        )
        if claimed is None:
            return False
        self.counters.by_channel[name] = self.counters.by_channel.get(name, 0) + 1
        keeper = asyncio.create_task(self._hold(claimed))
        try:
            await self._send(claimed, self._lanes[name].channel)
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        return True

    async def _send(self, claimed: Claimed, channel: Channel) -> None:
        """Send one notice, and write down what became of it."""
        notice = claimed.notice
        link = self._link(notice.id, self._clock.now())
        letter = self._texts.letter(notice, again=claimed.was_in_doubt, link=link)
        try:
            async with asyncio.timeout(channel.limit + 5):
                answer = await self._dispatch(claimed, channel, letter)
        except ChannelDown as problem:
            await self._channel_fails(claimed, problem)
        except Refused as problem:
            self._channel_works(notice)
            await self._refused(claimed, problem)
        except SendProblem as problem:
            if not isinstance(problem, Unsure):
                self._channel_works(notice)
            await self._try_later(claimed, str(problem), problem.code, in_doubt=problem.in_doubt)
        except TimeoutError:
            await self._try_later(claimed, "the channel did not answer in time", "unsure", in_doubt=True)
        except Exception as problem:
            log.exception("a channel made a mistake", channel=notice.current.channel, notice=notice.id)
            await self._try_later(claimed, f"the channel failed: {type(problem).__name__}", "unsure", in_doubt=True)
        else:
            self._channel_works(notice)
            await self._accepted(claimed, answer)

    async def _dispatch(self, claimed: Claimed, channel: Channel, letter: Letter) -> Accepted:
        """Hand it over; what may have gone out before is asked about, or marked before it goes again."""
        if claimed.was_in_doubt:
            match channel.after_a_crash:
                case AfterACrash.ASK if (answer := await self._ask(channel, letter)) is not None:
                    return answer
                case AfterACrash.SEND_AGAIN:
                    await self._database.write(partial(outbox.mark_maybe_double, claimed=claimed))
                    self.counters.maybe_doubled += 1
        return await channel.send(letter)

    @staticmethod
    async def _ask(channel: Channel, letter: Letter) -> Accepted | None:
        try:
            return await channel.ask(letter)
        except SendProblem as problem:
            problem.in_doubt = True  # nobody could say, so it is asked again
            raise

    async def _accepted(self, claimed: Claimed, answer: Accepted) -> None:
        now = self._clock.now()
        await self._database.write(
            lambda transaction: outbox.accepted(
                transaction, claimed, now=now, provider_id=answer.provider_id, delivered=answer.delivered
            )
        )
        self.counters.sent += 1

    async def _refused(self, claimed: Claimed, problem: Refused) -> None:
        """Strike this way off: the next one, or nobody."""
        notice, now = claimed.notice, self._clock.now()
        refused = notice.refused | 1 << notice.way
        if (way := notice.next_way(refused=refused)) is not None:
            again = _Again(due=now, way=way, failures=0, refused=refused)
            await self._back(claimed, again, str(problem), problem.code)
            return
        await self._database.write(
            lambda transaction: outbox.give_up(
                transaction, claimed, now=now, problem=str(problem), outcome=problem.code
            )
        )
        self.counters.given_up += 1
        log.error("a notice was not sent", notice=notice.id, occasion=notice.occasion, problem=str(problem))

    async def _try_later(self, claimed: Claimed, problem: str, outcome: str, *, in_doubt: bool) -> None:
        again = self._next_try(claimed.notice, patience=self._lanes[claimed.notice.current.channel].tries)
        await self._back(claimed, again, problem, outcome, in_doubt=in_doubt)

    async def _channel_fails(self, claimed: Claimed, problem: ChannelDown) -> None:
        """Not the notice's fault: it waits for the channel, unless it is an emergency that has another way."""
        notice, now = claimed.notice, self._clock.now()
        health = self._health[notice.current.channel]
        health.failures += 1
        if health.problem is None:
            log.error("a channel for notices is down", channel=notice.current.channel, problem=str(problem))
        health.problem = str(problem)
        health.closed_until = now + min(self._pause(health.failures), LONGEST_PROBE_PAUSE)
        patience = 1 if notice.urgency is Urgency.EMERGENCY else self._lanes[notice.current.channel].tries
        again = self._next_try(notice, patience=patience)
        if again.way == notice.way:
            again = replace(again, due=notice.due)  # it keeps its place in line
        await self._back(claimed, again, str(problem), problem.code, in_doubt=problem.in_doubt)

    def _next_try(self, notice: Notice, *, patience: int) -> _Again:
        """After `patience` failures by one way the next is tried, at once; before a new round there is a pause."""
        now, failures, way = self._clock.now(), notice.failures + 1, notice.next_way()
        if failures < patience or way is None or way == notice.way:
            return _Again(due=now + self._pause(failures), way=notice.way, failures=failures)
        return _Again(due=now if way > notice.way else now + self._pause(notice.attempts), way=way, failures=0)

    async def _back(
        self, claimed: Claimed, again: _Again, problem: str, outcome: str, *, in_doubt: bool = False
    ) -> None:
        now = self._clock.now()
        await self._database.write(
            lambda transaction: outbox.put_back(
                transaction,
                claimed,
                now=now,
                due=again.due,
                problem=problem,
                outcome=outcome,
                way=again.way,
                failures=again.failures,
                refused=again.refused,
                in_doubt=in_doubt,
            )
        )
        self.counters.put_back += 1
        if again.way != claimed.notice.way:
            self.news()

    def _channel_works(self, notice: Notice) -> None:
        health = self._health[notice.current.channel]
        if health.problem is not None:
            log.info("a channel for notices works again", channel=notice.current.channel)
        health.failures, health.closed_until, health.problem = 0, None, None

    async def _hold(self, claimed: Claimed) -> None:
        """Prolong the lease for as long as the notice is being sent."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            until = self._clock.now() + self._lease
            with suppress(Exception):  # the next beat may reach the database again
                if not await self._database.write(partial(outbox.keep, claimed=claimed, until=until)):
                    log.warning("a notice was taken from us while we sent it", notice=claimed.notice.id)

    # ── what waits ──

    async def _keep_house(self) -> None:
        while not self._stopping.is_set():
            with suppress(Exception):  # the database is out of reach: said where notices are sent
                await self.keep_house()
            await self._clock.wait(self._stopping, HOUSEKEEPING_EVERY)

    async def keep_house(self) -> None:
        """Move emergencies on that were not quick enough, and give up what is past its deadline."""
        now = self._clock.now()
        receipts = [name for name, lane in self._lanes.items() if lane.channel.gives_receipts]
        moved = await self._database.write(
            lambda transaction: outbox.move_on(transaction, now=now, waited=EMERGENCIES_WAIT, with_receipts=receipts)
        )
        expired = await self._database.write(partial(outbox.expire, now=now))
        if expired:
            log.error("notices were not sent in time", count=expired)
            self.counters.given_up += expired
        if moved:
            log.warning("emergencies go by their second way", count=moved)
            self.news()
