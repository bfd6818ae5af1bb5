"""The dialler: calls who is due, as fast as the lines allow, and never the same customer twice.

A visit is leased in the database before Asterisk is asked to call, and each call has an id of its own. What became of
it is told by the end of its line. When nobody told us, because we crashed or the link was cut, the lease runs out and
Asterisk is asked: is the call on a line, was it ever answered? Only then is the visit anybody's again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from casework.visits.fates import Fate, fate_of
from casework.visits.office import Office
from casework.visits.pace import Traffic, room
from casework.visits.states import State
from casework.visits.visit import Visit

TICK: Final = 0.5
"""Seconds between two looks while somebody is due: at what may be called, and how much room there is."""
LOOK_EVERY: Final = 5.0
"""Seconds between two looks at what Asterisk has on its lines, and at what is due of which nobody told us."""
AFTER_TROUBLE: Final = 2.0

log = structlog.get_logger()


class TrunkGone(Exception):
    """Asterisk cannot be asked just now, or did not say whether it did what we asked."""

    code = "trunk-gone"


class NotPlaced(Exception):
    """Asterisk refused the order: there is no call."""

    code = "not-placed"


class Trunk(Protocol):
    """The way out, as `hotline/visits.py` binds it to Asterisk."""

    @property
    def up(self) -> bool:
        """Whether calls can be placed, and what becomes of them is seen."""

    async def ring(self, visit: Visit, *, ring_for: timedelta) -> None:
        """Have this visit's call placed, by its id; returns as soon as the order is taken.

        Raises NotPlaced when there will be no call, TrunkGone when nobody knows.
        """

    async def on_line(self) -> frozenset[str]:
        """Return the ids of the calls of ours that Asterisk has now; raises TrunkGone."""

    async def was_answered(self, call: str) -> bool:
        """Tell whether somebody picked up, by Asterisk's own note; raises TrunkGone."""


class Dialler:
    """Calls who is due, for as long as it runs."""

    def __init__(
        self,
        office: Office,
        trunk: Trunk,
        traffic: Callable[[], Traffic | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`traffic` tells what goes on just now; None when that is not known, and then nobody is called."""
        self._office, self._trunk, self._traffic, self._clock = office, trunk, traffic, clock
        self._credit, self._counted = 1.0, clock()
        self._look_at = 0.0
        self._woken = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self.problem: str | None = None
        """Why nobody is called, when that is no one's wish."""
        self.placed = 0

    def start(self) -> None:
        """Begin to call."""
        self._runner = asyncio.get_running_loop().create_task(self._run(), name="dialler")

    async def stop(self) -> None:
        """Call nobody any more; who is on a line stays there, and our successor sees to it."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})
            self._runner = None
        while self._under_way:
            await asyncio.wait(self._under_way)

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    def look(self) -> None:
        """Compare with Asterisk soon: the link is back."""
        self._look_at = 0.0
        self._woken.set()

    def line_down(self, call: str, *, answered: bool, cause: int, tech_cause: str) -> None:
        """A line of ours is down, as Asterisk reports it."""
        self._begin(self._line_down(call, answered, cause, tech_cause))

    async def _line_down(self, call: str, answered: bool, cause: int, tech_cause: str) -> None:
        try:
            if answered:
                await self._office.end(call, None)
            else:
                fate = fate_of(cause, tech_cause)
                await self._office.not_reached(call, fate, cause=cause, tech_cause=tech_cause)
        except (SQLAlchemyError, OSError) as problem:
            # Its lease runs out, and then Asterisk is asked.
            log.error("how a call ended could not be written", call=call, problem=type(problem).__name__)

    async def _run(self) -> None:
        while True:
            try:
                wait = await self._round()
                self.problem = None
            except (SQLAlchemyError, OSError, TrunkGone) as problem:
                self.problem = str(problem).partition("\n")[0][:200]
                log.warning("nobody can be called just now", problem=self.problem)
                wait = AFTER_TROUBLE
            except Exception:
                self.problem = "the dialler made a mistake; see the log"
                log.exception("the dialler made a mistake")
                wait = AFTER_TROUBLE
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            self._woken.clear()

    async def _round(self) -> float:
        """Look at the lines if it is time; then call who is due, if there is room.

        Returns after how many seconds the next round should be, unless something wakes us.
        """
        if not self._trunk.up:
            raise TrunkGone("the link to Asterisk is down")
        if self._clock() >= self._look_at:
            await self.settle()
            self._look_at = self._clock() + LOOK_EVERY
        if (nobody_for := await self._nobody_due_for()) > 0:
            return min(nobody_for, max(self._look_at - self._clock(), TICK))
        allowed = self._spare_seconds()
        if allowed > 0:
            for visit in await self._office.take(min(allowed, await self._room())):
                self._credit -= 1
                await self._ring(visit)
        return TICK

    async def _ring(self, visit: Visit) -> None:
        try:
            await self._trunk.ring(visit, ring_for=self._office.rules.ring_for)
            self.placed += 1
        except NotPlaced as refused:
            log.warning("Asterisk does not place a call", call=visit.call, problem=str(refused))
            await self._office.not_reached(visit.call, Fate.CONGESTION)
        except TrunkGone as problem:
            # Perhaps it rings: the lease keeps everybody else away until Asterisk can be asked.
            log.warning("it is not known whether a call was placed", call=visit.call, problem=str(problem))

    async def _room(self) -> int:
        ours = len(await self._office.live()) + len(await self._office.with_a_person())
        # Asked last: a storm that breaks out now is seen now.
        traffic = self._traffic()
        return 0 if traffic is None else room(self._office.rules, replace(traffic, ours=ours))

    async def _nobody_due_for(self) -> float:
        """Seconds until the next visit is due, as far as we know; at most until we look anyway."""
        due = await self._office.next_due()
        return LOOK_EVERY if due is None else min((due - self._office.now()).total_seconds(), LOOK_EVERY)

    def _spare_seconds(self) -> int:
        """How many calls the pace allows by now; what was not used is not saved up."""
        now, rate = self._clock(), self._office.rules.a_second
        self._credit = min(self._credit + (now - self._counted) * rate, max(1.0, rate * TICK))
        self._counted = now
        return int(self._credit)

    # What nobody told us

    async def settle(self) -> None:
        """See to every call whose end nobody told us: by what Asterisk has on its lines, and has noted."""
        # Who is live is asked first: what begins after that is not missed on the lines.
        live, with_a_person = await self._office.live(), await self._office.with_a_person()
        if not live and not with_a_person:
            return
        on_line = await self._trunk.on_line()
        await self._office.seen([visit.id for visit, _ in live if visit.call in on_line])
        for visit, lease in live:
            if visit.call not in on_line and self._over(lease):
                await self._settle(visit)
        for call in with_a_person:
            if call not in on_line:
                await self._office.end(call, None)

    def _over(self, lease: datetime) -> bool:
        return lease <= self._office.now()

    async def _settle(self, visit: Visit) -> None:
        # A talk of which we know was answered, also if Asterisk has lost its note in a crash of its own.
        answered = visit.state is State.TALKING or await self._trunk.was_answered(visit.call)
        log.info("a call ended unseen", call=visit.call, answered=answered)
        if answered:
            await self._office.end(visit.call, None)
        else:
            await self._office.not_reached(visit.call, Fate.UNSEEN)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
