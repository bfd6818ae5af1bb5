"""The doors by which Asterisk comes in, and what waits behind each.

The port is the door (never a header: a caller could forge one). Behind each, a flow gets a Call; its end has one home:

    a decision        is written on the channel, the marker last: the dialplan trusts nothing but the marker
    a hang-up         is a normal ending
    a crash, a limit  leaves no marker: the dialplan tries again, then takes the caller to a person
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import structlog

from casework.visits.case import Case, Talks
from ivr.call import Call
from ivr.errors import CallerHungUp
from ivr.flows.booth import record_prompt
from ivr.flows.duty import duty
from ivr.flows.greeting import greeting
from ivr.flows.hotline import hotline
from ivr.flows.message import message
from ivr.flows.phone import phone_code
from ivr.flows.script import Talk
from ivr.hand import Hand
from ivr.lines import Line
from ivr.rooms import Rooms
from ivr.server import Answer, Session
from routing.events import CallRang, CallRouted, PhoneNumber

CALL, MESSAGE, GREETING, PHONE, VISIT, SURVEY = 4573, 4574, 4575, 4576, 4577, 4578
DUTY, BOOTH = 4579, 4580
NOTHING: Final[Mapping[str, str]] = {}
MARKER: Final = "HOTLINE_DECISION"


class Doors:
    """Behind each port the right flow, with the caller's line looked up."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._inside: dict[str, list[Callable[[], None]]] = {}

    @property
    def by_port(self) -> Mapping[int, Answer]:
        """What `AgiServer` needs."""
        doors: dict[int, Answer] = {CALL: self.call, MESSAGE: self.message, GREETING: self.greeting, PHONE: self.phone}
        doors |= {VISIT: self.visit, SURVEY: self.survey, DUTY: self.duty, BOOTH: self.booth}
        return {port: partial(self._let_in, door) for port, door in doors.items()}

    async def _let_in(self, door: Answer, session: Session) -> None:
        self._inside.setdefault(session.call, [])
        try:
            await door(session)
        finally:
            for do in self._inside.pop(session.call, ()):
                do()

    def once_out(self, call: str, do: Callable[[], None]) -> None:
        """Do this as soon as no flow has this call: what a flow writes down at its end shall come before it."""
        if call in self._inside:
            self._inside[call].append(do)
        else:
            do()

    async def call(self, session: Session) -> None:
        """A caller arrives, or is back after we failed him (`arg_2` counts the tries)."""
        headers = session.headers
        dialled, tries = headers.get("arg_1", ""), headers.get("arg_2", "0")
        line = self._rooms.lines.get(dialled)
        if line is None:
            structlog.get_logger().error("a number that no line of the site has", call=session.call, dialled=dialled)
            return
        call = self._call(session, line)
        call.caller = _number(headers)
        if tries == "0" or not await self._rooms.rang(call.id):
            self._rooms.record(CallRang(at=call.now(), call=call.id, caller=call.caller, dialled=dialled))
        call.language = await self._language_of(line, call.caller)
        hand = await hotline(call, self._rooms)
        self._routed(call, hand, why=hand.reason)
        await self._decide(call, hand, {"HOTLINE_LINE": line.key, "HOTLINE_LANGUAGE": call.language})

    async def message(self, session: Session) -> None:
        """Nobody could answer: the line is closed, or the queue gave the caller back (`arg_2` is its word for why)."""
        call = self._of_known_line(session)
        (language,) = await call.get("HOTLINE_LANGUAGE")
        call.language = language or call.language
        if why := session.headers.get("arg_2"):
            self._routed(call, Hand.to_message("busy"), why=why.lower())
        await self._decide(call, await message(call, self._rooms))

    async def greeting(self, session: Session) -> None:
        """An agent has answered; there is nothing to decide."""
        await greeting(self._of_known_line(session), self._rooms)

    async def phone(self, session: Session) -> None:
        """An agent dials a code."""
        call = self._of_known_line(session)
        phone, code = session.headers.get("arg_1", ""), session.headers.get("arg_2", "")
        await self._decide(call, await phone_code(call, self._rooms, phone, code))

    async def _language_of(self, line: Line, caller: PhoneNumber | None) -> str:
        """The language this caller last chose, if the line speaks it; else the line's first."""
        chosen = await self._rooms.language_of(caller) if caller and len(line.languages) > 1 else None
        return chosen if chosen and chosen in line.languages else line.language

    async def visit(self, session: Session) -> None:
        """Somebody whom we called has picked up, or is back after we failed him; `arg_2` is Asterisk's guess at who."""
        talks = self._rooms.talks
        case = await talks.begin(session.call) if talks is not None else None
        call = self._in_the_name_of(session, case)
        if talks is None or case is None:
            structlog.get_logger().error("a call of ours that nobody ordered", call=session.call)
            return await self._decide(call, Hand.hang_up())
        if case.language is None:
            call.language = await self._language_of(call.line, _number(session.headers))
        await call.answer()
        if hint := session.headers.get("arg_2"):
            await talks.hint(call.id, hint)
        return await self._talk(call, case, talks)

    async def survey(self, session: Session) -> None:
        """The agent has hung up, the caller may say how it was."""
        talks, call = self._rooms.talks, self._of_known_line(session)
        case = await talks.begin_survey(session.call) if talks is not None else None
        if talks is None or case is None:
            return await self._decide(call, Hand.hang_up())
        (language,) = await call.get("HOTLINE_LANGUAGE")
        call.language = language or call.language
        return await self._talk(call, case, talks)

    async def _talk(self, call: Call, case: Case, talks: Talks) -> None:
        """Lead a talk by script; however it ends, its end is kept before anything else happens to the call."""
        talk = Talk(
            call, self._rooms, case, keep=partial(talks.keep, call.id), next_time=partial(talks.next_time, call.id)
        )
        try:
            ending = await talk.lead()
        except CallerHungUp:
            await talks.end(call.id, None)
            raise
        await talks.end(call.id, ending.outcome)
        self._routed(call, ending.hand, why=None)
        await self._decide(call, ending.hand, {"HOTLINE_LANGUAGE": call.language})

    def _in_the_name_of(self, session: Session, case: Case | None) -> Call:
        """A call of ours: the brand is that of the line in the case, the language the callee's if that line has it."""
        lines = self._rooms.lines
        named = (line for line in lines.values() if case is not None and line.key == case.line)
        line = next(named, None) or lines.get(session.headers.get("arg_1", "")) or next(iter(lines.values()))
        call = self._call(session, line)
        if case is not None and case.language is not None and case.language in line.languages:
            call.language = case.language
        return call

    async def duty(self, session: Session) -> None:
        """Somebody on the duty list has picked up."""
        call, rings = self._of_known_line(session), self._rooms.duty
        emergency = await rings.about(session.call) if rings is not None else None
        if emergency is None:
            structlog.get_logger().error("a duty call that nobody ordered", call=session.call)
            return await self._decide(call, Hand.hang_up())
        call.language = emergency.language
        return await self._decide(call, await duty(call, self._rooms, emergency))

    async def booth(self, session: Session) -> None:
        """Somebody who is to speak a prompt has picked up."""
        call, booth = self._of_known_line(session), self._rooms.booth
        wanted = booth.wanted(session.call) if booth is not None else None
        if wanted is None:
            structlog.get_logger().error("a recording that nobody ordered", call=session.call)
            return await self._decide(call, Hand.hang_up())
        await call.answer()
        return await self._decide(call, await record_prompt(call, self._rooms, wanted))

    def _routed(self, call: Call, hand: Hand, *, why: str | None) -> None:
        self._rooms.record(CallRouted(at=call.now(), call=call.id, to=str(hand), priority=hand.priority, why=why))

    async def _decide(self, call: Call, hand: Hand, also: Mapping[str, str] = NOTHING) -> None:
        """Write the decision on the channel, the marker last."""
        await call.set_all({**also, **hand.variables, MARKER: hand.decision})

    def _of_known_line(self, session: Session) -> Call:
        """A call that has been through the front door; the site's first line stands in for one that has not."""
        lines = self._rooms.lines
        line = lines.get(session.headers.get("dnid", "")) or next(iter(lines.values()))
        return self._call(session, line)

    def _call(self, session: Session, line: Line) -> Call:
        return Call(session, line, words=self._rooms.words, record=self._rooms.record, now=self._rooms.now)


def _number(headers: Mapping[str, str]) -> PhoneNumber | None:
    shown = headers.get("callerid", "unknown")
    return None if shown in ("", "unknown") else PhoneNumber(shown)
