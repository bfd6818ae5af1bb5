"""The visits office: takes visits in, gives them out to be called, keeps what was answered, sees to what follows.

visit, new = await office.add(NewVisit(number="13800138000", ticket="271828188"))
for order in await office.take(room): ...        # leased: nobody else calls these
case = await office.begin(order.call)            # somebody picked up
await office.keep(order.call, answer)
await office.end(order.call, Outcome.FINISHED)   # and what follows is written in the same transaction
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, update
from sqlalchemy.exc import SQLAlchemyError

from casework.errors import check_line
from casework.phone_numbers import at_home
from casework.visits import book
from casework.visits.answers import Agreed, Answer
from casework.visits.case import Case
from casework.visits.consequences import following, promise
from casework.visits.fates import Fate
from casework.visits.rules import Rules
from casework.visits.script import Script
from casework.visits.states import WAITING, Outcome, State
from casework.visits.tables import CALLS
from casework.visits.visit import NewVisit, Visit
from casework.visits.windows import Hours
from storage.database import Database, Result

TALK_LEASE: Final = timedelta(seconds=60)
"""A talk that is not seen on a line for so long is over."""
MARGIN: Final = timedelta(seconds=15)
"""Beyond the ringing: an order that Asterisk has not carried out by then never will be."""
SURVEY: Final = "survey"

log = structlog.get_logger()


class ScriptUnknown(Exception):
    """A visit wants a script that is not there."""

    code = "script-unknown"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no script {name!r:.40}; there are {', '.join(sorted(known)) or 'none'}")


class Office:
    """All visits of one database; several diallers may share it."""

    def __init__(
        self,
        database: Database,
        scripts: Mapping[str, Script],
        rules: Rules,
        hours: Hours,
        *,
        region: str = "CN",
        lines: Collection[str] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """All scripts are checked; `hours` may be replaced by better ones; numbers of `region` need no country code.

        `lines` are the keys of the service lines in whose name we may call; None: any.
        """
        self.rules, self.scripts, self.hours, self.now = rules, scripts, hours, now
        self._region, self._lines = region, lines
        self._database = database
        self.changed: Callable[[], None] = lambda: None
        """Called when something may be due earlier than before."""
        self.promised: Callable[[], object] = lambda: None
        """Called when something may follow from a talk."""
        self._zones: dict[str, str] = {}
        self._unwritten: dict[str, list[Answer]] = {}

    # Taking visits in

    async def add(self, new: NewVisit, *, who: str = book.MACHINE) -> tuple[int, bool]:
        """Take a visit in; return its id and whether it is new. Raises ScriptUnknown, LineUnknown."""
        check_line(new.line, self._lines)
        added = await self.write(lambda transaction: self.add_in(transaction, new, who=who))
        self.changed()
        return added

    async def add_all(self, some: Sequence[NewVisit], *, who: str = book.MACHINE) -> int:
        """Take many in, all or none; return how many were new. Raises ScriptUnknown, LineUnknown."""
        for new in some:
            check_line(new.line, self._lines)
        added = await self.write(lambda transaction: [self.add_in(transaction, new, who=who) for new in some])
        self.changed()
        return sum(new for _, new in added)

    def add_in(self, transaction: Connection, new: NewVisit, *, who: str = book.MACHINE) -> tuple[int, bool]:
        """Take a visit in, in a transaction that writes something else too. Raises ScriptUnknown."""
        if new.script not in self.scripts:
            raise ScriptUnknown(new.script, self.scripts)
        at = self.now()
        # One customer has one number, however it was written: at most one call at a time goes to it.
        new = new.model_copy(update={"number": at_home(new.number, self._region)})
        return book.add(transaction, new, due=self.next_time_in(new.zone, new.due or at), at=at, who=who)

    # Giving them out

    async def take(self, room: int) -> Sequence[Visit]:
        """Lease up to so many visits that are due; each is to be called at once, by the id `call`."""
        if room <= 0:
            return []
        return await self.write(lambda transaction: self._take(transaction, room))

    def _take(self, transaction: Connection, room: int) -> Sequence[Visit]:
        at, taken = self.now(), list[Visit]()
        lease = self.rules.ring_for + MARGIN
        for visit in book.candidates(transaction, at=at, limit=4 * room):
            if len(taken) == room:
                break
            if book.is_blocked(transaction, visit.number, region=self._region):
                book.move(transaction, visit, "block", at=at, why="do-not-call")
            elif (due := self.next_time_in(visit.zone, at)) > at:
                book.put_off(transaction, visit, due=due)
            elif leased := book.take(transaction, visit, at=at, lease=lease):
                taken.append(leased)
        return taken

    async def next_due(self) -> datetime | None:
        """Return when the next visit is due; None when none waits."""
        return await self._database.read(book.next_due)

    # What becomes of a call

    async def begin(self, call: str) -> Case | None:
        """See Talks. A second time (we crashed in between), what was answered or promised before is in the case."""
        return await self.write(lambda transaction: self._begin(transaction, call))

    def _begin(self, transaction: Connection, call: str) -> Case | None:
        to_person, at = book.outcome_of(transaction, call) == Outcome.HANDED_OVER, self.now()
        visit = book.of_newest_call(transaction, call) if to_person else book.of_call(transaction, call)
        if visit is None or visit.script not in self.scripts:
            return None
        if visit.state is State.CALLING:
            book.move(transaction, visit, "answer", at=at, lease=at + TALK_LEASE)
            book.close_call(transaction, call, answered=at)
        self._zones[call] = visit.zone
        return Case(
            script=self.scripts[visit.script],
            line=visit.line or None,
            language=visit.language or None,
            queue=visit.queue or None,
            facts=visit.facts,
            answers=book.answers(transaction, call),
            to_person=to_person,
        )

    async def begin_survey(self, call: str) -> Case | None:
        """A caller whose talk is over may grade it; None when there is no such script."""
        script = self.scripts.get(SURVEY)
        if script is None:
            return None

        def begin(transaction: Connection) -> Sequence[Answer]:
            book.begin_survey(transaction, call, SURVEY, at=self.now())
            return book.answers(transaction, call)

        return Case(script=script, answers=await self.write(begin))

    async def keep(self, call: str, answer: Answer) -> None:
        """See Talks. One that cannot be written now is kept in memory and written with the next, or at the end."""
        waiting = [*self._unwritten.pop(call, ()), answer]
        try:
            await self.write(lambda transaction: _keep_all(transaction, call, waiting))
        except (SQLAlchemyError, OSError) as problem:
            self._unwritten[call] = waiting
            log.error("an answer could not be written yet", call=call, problem=type(problem).__name__)

    async def end(self, call: str, outcome: Outcome | None) -> None:
        """See Talks. Ending what is over already changes nothing."""
        waiting = self._unwritten.pop(call, [])
        try:
            await self.write(lambda transaction: self._end(transaction, call, outcome, waiting))
        except (SQLAlchemyError, OSError):
            self._unwritten[call] = waiting
            raise
        self._zones.pop(call, None)
        self.changed()
        self.promised()

    def _end(self, transaction: Connection, call: str, outcome: Outcome | None, waiting: Sequence[Answer]) -> None:
        _keep_all(transaction, call, waiting)
        script = self.scripts.get(book.script_of(transaction, call) or "")
        if script is None:
            return
        at, answers = self.now(), book.answers(transaction, call)
        if book.outcome_of(transaction, call) is not None:
            # With a person the call goes on until its line is down.
            if outcome is not Outcome.HANDED_OVER:
                book.close_call(transaction, call, ended=at)
            return
        how = outcome or (Outcome.PARTIAL if answers else Outcome.HUNG_UP)
        visit = book.of_call(transaction, call)
        if visit is not None:
            self._move_on(transaction, visit, how, answers)
        book.close_call(transaction, call, ended=None if how is Outcome.HANDED_OVER else at, outcome=how.value)
        facts = visit.facts if visit is not None else {}
        promise(transaction, call, following(script, answers, facts, how), at=at)

    def _move_on(self, transaction: Connection, visit: Visit, how: Outcome, answers: Sequence[Answer]) -> None:
        """Take the visit to where this talk leaves it."""
        at = self.now()
        if visit.state is State.CALLING and how is not Outcome.HUNG_UP:
            # Answered, but we were never told: the table knows no way from here but over the answer.
            book.move(transaction, visit, "answer", at=at)
            visit = book.get(transaction, visit.id)
        also: dict[str, Any] = {"lease": None}
        if how is Outcome.APPOINTED:
            agreed = next((answer.time for answer in answers if isinstance(answer, Agreed)), at)
            also |= {"due": self.next_time_in(visit.zone, agreed), "tries": 0}
        book.move(transaction, visit, f"end {how.value}", at=at, **also)

    async def not_reached(self, call: str, fate: Fate, *, cause: int | None = None, tech_cause: str = "") -> None:
        """Nobody answered this call; the visit is due again later, or given up. Twice changes nothing."""
        await self.write(lambda transaction: self._not_reached(transaction, call, fate, cause, tech_cause))
        self.changed()

    def _not_reached(self, transaction: Connection, call: str, fate: Fate, cause: int | None, tech_cause: str) -> None:
        visit, at = book.of_call(transaction, call), self.now()
        if visit is None or visit.state is not State.CALLING:
            return
        book.close_call(transaction, call, ended=at, fate=fate.value, cause=cause, tech_cause=tech_cause[:80])
        if fate is Fate.WRONG_NUMBER:
            book.move(transaction, visit, "wrong number", at=at, why=fate.value, lease=None)
            return
        tries = visit.tries + (fate is not Fate.CONGESTION)
        rule = self.rules.after(fate)
        if tries >= self.rules.attempts or book.tries_with(transaction, visit, fate) >= rule.tries:
            book.move(transaction, visit, "give up", at=at, why=fate.value, lease=None, tries=tries)
            return
        due = self.next_time_in(visit.zone, at + rule.pause)
        book.move(transaction, visit, "try later", at=at, why=fate.value, lease=None, tries=tries, due=due)

    async def hint(self, call: str, hint: str) -> None:
        """Note what Asterisk guesses of who answered."""
        await self.write(
            lambda transaction: transaction.execute(update(CALLS).where(CALLS.c.call == call).values(hint=hint[:20]))
        )

    # What is on a line

    async def live(self) -> Sequence[tuple[Visit, datetime]]:
        """Return the visits that are being called or talked with, each with the end of its lease."""
        return await self._database.read(book.live)

    async def with_a_person(self) -> Sequence[str]:
        """Return the calls that were handed over and whose end nobody has told us."""
        return await self._database.read(
            lambda transaction: book.handed_over(transaction, since=self.now() - book.LONGEST)
        )

    async def seen(self, visits: Sequence[int]) -> None:
        """Renew the leases of visits that are on a line just now."""
        if visits:
            until = self.now() + TALK_LEASE
            await self.write(lambda transaction: book.renew(transaction, visits, until=until))

    # What a lead does

    async def step(self, visit: int, step: str, *, who: str, why: str = "") -> Visit:
        """`again`, `cancel`, or `first` (before all others). Raises VisitUnknown, VisitCannot."""

        def take(transaction: Connection) -> Visit:
            found, at = book.get_locked(transaction, visit), self.now()
            if step == "first" and found.state in WAITING:
                book.reorder(transaction, found, at=at, who=who)
            else:
                also = {"due": self.next_time_in(found.zone, at), "tries": 0} if step == "again" else {}
                book.move(transaction, found, step, at=at, who=who, why=why, **also)
            return book.get(transaction, visit)

        moved = await self.write(take)
        self.changed()
        return moved

    async def pause(self, script: str, *, who: str) -> None:
        """Dial nobody for this script, `*` for any, until it is resumed."""
        await self.write(lambda transaction: book.pause(transaction, script, at=self.now(), who=who))

    async def resume(self, script: str) -> None:
        """End a pause; `*` ends all."""
        await self.write(lambda transaction: book.resume(transaction, script))
        self.changed()

    async def block(self, number: str, *, why: str) -> None:
        """Never call this number, however it is written."""
        await self.write(
            lambda transaction: book.block(transaction, number, region=self._region, at=self.now(), why=why)
        )

    async def unblock(self, number: str) -> None:
        """Allow a number to be called again."""
        await self.write(lambda transaction: book.unblock(transaction, number, region=self._region))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Look something up in the book."""
        return await self._database.read(work)

    # Times

    def next_time(self, call: str, at: datetime) -> datetime:
        """See Talks."""
        return self.next_time_in(self._zones.get(call, ""), at)

    def next_time_in(self, zone: str, at: datetime) -> datetime:
        """Return the first moment from this one on at which somebody in this zone may be called."""
        return self.hours.next_time(at, ZoneInfo(zone) if zone else None)

    def is_late(self, ordered: datetime, over: datetime | None) -> bool:
        """Tell whether a visit after a ticket took longer than it may; `over` is None when it still waits."""
        return (over or self.now()) > self.hours.working_days_after(ordered, self.rules.within_working_days)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Write something in one transaction."""
        return await self._database.write(work)


def _keep_all(transaction: Connection, call: str, answers: Sequence[Answer]) -> None:
    for answer in answers:
        book.keep(transaction, call, answer)
