"""A talk by script: whatever a script file says is said and asked, and each answer is kept as it is given.

The same machine leads return visits, surveys and reminders (`casework/visits/script.py`, and the scripts beside it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from casework.visits.answers import Answer, Chosen, Recorded, Said, Scored, YesNo
from casework.visits.case import Case, Keep, NextTime
from casework.visits.conditions import hold
from casework.visits.script import (
    AnyStep,
    Appoint,
    Ask,
    Branch,
    Choose,
    Person,
    Record,
    Remind,
    Say,
    Score,
    Thank,
)
from casework.visits.states import Outcome
from ivr.call import Call
from ivr.errors import CallerHungUp
from ivr.flows.appointment import appointment
from ivr.hand import Hand
from ivr.rooms import Rooms
from routing.recordings import SHORTEST_MESSAGE

FOLDER: Final = "/srv/messages/visits"
"""What callees say lies here, as Asterisk sees it."""
SECOND_DIGIT: Final = timedelta(seconds=2)
REPEATS: Final = 9
"""So often a question is repeated on `*`; then it is taken as not answered."""
PERSON: Final = "person"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a talk ended, and where the call goes."""

    outcome: Outcome
    hand: Hand


class Talk:
    """One callee, led through one script."""

    def __init__(self, call: Call, rooms: Rooms, case: Case, *, keep: Keep, next_time: NextTime) -> None:
        self._call, self._rooms, self._case, self._script = call, rooms, case, case.script
        self._keep_answer, self._next_time = keep, next_time
        self._known = dict(case.facts) | {answer.step: answer.value for answer in case.answers}

    async def lead(self) -> Ending:
        """Take one step after the other; raises CallerHungUp like everything that speaks with a caller."""
        if self._case.to_person:
            return await self._person()
        until = self._call.now() + self._script.longest
        place = self._begin()
        while self._call.now() < until:
            step = self._script.steps[place]
            place += 1
            if hold(step.when, self._known):
                came_to = await self._take(step)
                if isinstance(came_to, Ending):
                    return came_to
                place = self._script.places[came_to] if came_to is not None else place
        await self._call.say("goodbye")
        return Ending(Outcome.PARTIAL, Hand.hang_up())

    def _begin(self) -> int:
        """Where to begin: after what was answered before a crash of ours."""
        answered = [self._script.places[answer.step] for answer in self._case.answers]
        return max(answered, default=-1) + 1

    async def _take(self, step: AnyStep) -> Ending | str | None:
        """Take one step; return the end, or the id of the step to go on with, or None for the next one."""
        match step:
            case Say():
                await self._call.say(step.prompt, type_ahead=True)
            case Remind():
                await self._call.say(step.prompt)
                await self._keep(Said(step=step.id, at=self._call.now()))
            case Ask() | Choose() | Score():
                return await self._question(step)
            case Record():
                await self._record(step)
            case Appoint():
                await self._keep(
                    await appointment(self._call, step.id, self._script, self._next_time, self._rooms.zone)
                )
            case Branch():
                return step.to
            case Person():
                return await self._person()
            case Thank():
                await self._call.say(step.prompt)
                return Ending(step.outcome, Hand.hang_up())
        return None

    async def _question(self, step: Ask | Choose | Score) -> Ending | str | None:
        answer = await self._answer(step)
        if answer == PERSON:
            return await self._person()
        if answer is None:
            return step.silent
        await self._keep(answer)
        return None

    async def _answer(self, step: Ask | Choose | Score) -> Answer | Literal["person"] | None:
        """Ask until there is an answer, a wish for a person, or no more patience."""
        attempts, repeats = self._script.attempts, REPEATS
        while attempts and repeats:
            key = await self._call.ask(step.prompt, _keys(step) + "0*", wait=self._script.wait)
            if key == "0":
                return PERSON
            if key == "*":
                repeats -= 1
                continue
            if key is not None and (answer := await self._meaning(step, key)) is not None:
                return answer
            attempts -= 1
            if attempts:
                await self._call.say("no_key" if key is None else "wrong_key", type_ahead=True)
        return None

    async def _meaning(self, step: Ask | Choose | Score, key: str) -> Answer | None:
        """What this key answers here; for a score a second digit may belong to it."""
        match step:
            case Ask():
                return YesNo(step=step.id, at=self._call.now(), yes=key == "1") if key in "12" else None
            case Choose():
                option = step.option(key)
                return None if option is None else Chosen(step=step.id, at=self._call.now(), option=option)
            case Score():
                return await self._points(step, key)

    async def _points(self, step: Score, key: str) -> Scored | None:
        digits = key
        if key.isdecimal() and int(key) * 10 <= step.highest:
            digits += (await self._call.more(step.prompt, "0123456789#", wait=SECOND_DIGIT) or "").strip("#*")
        if not digits.isdecimal() or not step.lowest <= int(digits) <= step.highest:
            return None
        return Scored(step=step.id, at=self._call.now(), points=int(digits))

    async def _record(self, step: Record) -> None:
        """Let the callee speak; what is too short to be said is no answer."""
        await self._call.say(step.prompt)
        file = f"{self._call.id}.{step.id}"
        length = await self._call.record(f"{FOLDER}/{file}", limit=step.limit)
        if length >= SHORTEST_MESSAGE:
            await self._keep(Recorded(step=step.id, at=self._call.now(), file=f"{file}.wav", length=length))
        if self._call.hung_up:
            raise CallerHungUp

    async def _person(self) -> Ending:
        """Hand the callee to the queue of the case; the visit is then with that person."""
        fallback = next(iter(self._rooms.patience))
        wanted = self._script.queue or self._case.queue or fallback
        queue = wanted if wanted in self._rooms.patience else fallback
        await self._call.say("to_person")
        return Ending(Outcome.HANDED_OVER, Hand.to_queue(queue, patience=self._rooms.patience[queue]))

    async def _keep(self, answer: Answer) -> None:
        self._known[answer.step] = answer.value
        await self._keep_answer(answer)


def _keys(step: Ask | Choose | Score) -> str:
    """The keys that mean something here."""
    match step:
        case Ask():
            return "12"
        case Choose():
            return "".join(step.keys)
        case Score():
            return "123456789"
