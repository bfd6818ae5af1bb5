"""The four doors by which Asterisk comes in, and what waits behind each.

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

from ivr.call import Call
from ivr.flows.greeting import greeting
from ivr.flows.hotline import hotline
from ivr.flows.message import message
from ivr.flows.phone import phone_code
from ivr.hand import Hand
from ivr.lines import Line
from ivr.rooms import Rooms
from ivr.server import Answer, Session
from routing.events import CallRang, CallRouted, PhoneNumber

CALL, MESSAGE, GREETING, PHONE = 4573, 4574, 4575, 4576
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
        doors = {CALL: self.call, MESSAGE: self.message, GREETING: self.greeting, PHONE: self.phone}
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
