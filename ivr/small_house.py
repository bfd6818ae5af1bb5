"""A small house to rehearse in (`ivr/rehearsal.py`): two numbers, two menus, three queues, agents at their phones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from casework.ticket import Ticket
from ivr.lines import Line, Menu
from ivr.rooms import Rooms, TicketsByPhone, Told
from prompts.calendar.calendar import Calendar, Rules
from prompts.calendar.hours import Opening
from prompts.errors import MissingPrompt
from prompts.library import Sound
from prompts.news import Area, News, area_of, concerning
from prompts.spoken import Value
from routing.agents import Duty, after
from routing.events import PhoneNumber


def small_house(desk: PretendDesk | None = None, tickets: TicketsByPhone | None = None) -> Rooms:
    """A hotline to rehearse in: 400100 by day and night, in Chinese, and 400200 in office hours, in English."""

    async def rang(_: str) -> bool:
        return True

    async def language_of(_: PhoneNumber) -> str | None:
        return None

    main = {
        "1": {"topic": "consult", "queue": "consult"},
        "2": {"topic": "repair", "menu": "repair"},
        "3": {"topic": "complaint", "queue": "complaint"},
        "4": {"topic": "ticket", "tells": "ticket-status"},
        "0": {"topic": "person", "queue": "consult"},
    }
    repair = {
        "1": {"topic": "emergency", "queue": "repair", "priority": 100, "always_open": True},
        "2": {"topic": "repair", "queue": "repair"},
        "0": {"topic": "person", "queue": "repair"},
    }
    brand = {"zh": "阳光供热", "en": "Sunshine Heating"}
    public = {
        "key": "public",
        "name": "public",
        "dialled": ["400100"],
        "brand": brand,
        "languages": ["zh"],
        "menu": "main",
    }
    office = public | {"key": "office", "dialled": ["400200"], "languages": ["en"], "hours": "office"}
    weekdays = {"days": ["mon", "tue", "wed", "thu", "fri"], "open": "08:30", "close": "17:30"}
    return Rooms(
        lines={"400100": Line.model_validate(public), "400200": Line.model_validate(office)},
        menus={
            "main": Menu.model_validate({"prompt": "main_menu", "keys": main}),
            "repair": Menu.model_validate({"prompt": "repair_menu", "keys": repair}),
        },
        zone=ZoneInfo("Asia/Shanghai"),
        calendar=Calendar(Rules(zone=ZoneInfo("Asia/Shanghai"), hours={"office": [Opening.model_validate(weekdays)]})),
        news=SmallNews(),
        queue_hours={},
        patience=dict.fromkeys(("consult", "repair", "complaint"), timedelta(minutes=10)),
        words=Speechless(),
        record=lambda _: None,
        rang=rang,
        agent_answered=lambda _call, _agent: None,
        desk=desk or PretendDesk({}),
        language_of=language_of,
        tickets=tickets or PretendTickets(),
    )


class PretendTickets:
    """Some tickets by the number of whoever they belong to; `find` knows all of them."""

    def __init__(self, tickets: Mapping[str, Sequence[Ticket]] = MappingProxyType({})) -> None:
        self._tickets = tickets
        self.to_be_told: list[tuple[str, str]] = []
        """Who is to be told of the end of which emergency."""

    async def open_of(self, number: PhoneNumber) -> Sequence[Ticket]:
        """See TicketsByPhone."""
        return self._tickets.get(number.digits, [])

    async def find(self, code: str) -> Ticket | None:
        """See TicketsByPhone."""
        return next((ticket for some in self._tickets.values() for ticket in some if ticket.code == code), None)

    async def may_be_told(self, number: PhoneNumber, emergencies: Collection[str]) -> bool:
        """See TicketsByPhone. Who calls from a mobile number can have a message."""
        return number.digits.startswith("1") and any(
            (number.digits, each) not in self.to_be_told for each in emergencies
        )

    async def tell_when_over(self, number: PhoneNumber, emergency: str, *, line: str) -> bool:  # noqa: ARG002
        """See TicketsByPhone."""
        if not number.digits.startswith("1"):
            return False
        if (number.digits, emergency) not in self.to_be_told:
            self.to_be_told.append((number.digits, emergency))
        return True


class PretendDesk:
    """The agents' side without queues (`ivr/rooms.py`: Desk): what an agent may do follows the real table."""

    def __init__(self, phones: Mapping[str, str]) -> None:
        """`phones` has the work number of the agent at each phone."""
        self._phones = phones
        self.duty = dict.fromkeys(phones.values(), Duty.SIGNED_OUT)
        self.reason: dict[str, str] = {}

    def at_phone(self, phone: str) -> str | None:
        """See Desk."""
        return self._phones.get(phone)

    async def sign_in(self, agent: str) -> None:
        """See Desk."""
        self.duty[agent] = after(self.duty[agent], "sign in")

    async def sign_out(self, agent: str) -> None:
        """See Desk."""
        self.duty[agent] = after(self.duty[agent], "sign out")

    async def pause(self, agent: str, reason: str) -> None:
        """See Desk."""
        self.duty[agent], self.reason[agent] = after(self.duty[agent], "pause"), reason

    async def unpause(self, agent: str) -> None:
        """See Desk."""
        self.duty[agent] = after(self.duty[agent], "end the pause")


class SmallNews:
    """What is announced (`ivr/rooms.py`: NewsDesk): nothing, unless something is written down here."""

    def __init__(self, news: Sequence[News] = (), areas: Sequence[Area] = ()) -> None:
        self.news, self.areas = news, areas

    def concerning(self, caller: PhoneNumber | None, language: str, at: datetime) -> Sequence[Told]:
        """See NewsDesk."""
        return concerning(self.news, area_of(caller.digits if caller else None, self.areas), language, at)


class Speechless:
    """No sounds at all: who rehearses brings them."""

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
        """See ivr.call.Words."""
        raise MissingPrompt(prompt, language, parameters)

    async def saying(
        self, prompt: str, language: str, values: Mapping[str, Value], *, brand: str, at: datetime
    ) -> Sound:
        """See ivr.call.Words."""
        raise MissingPrompt(prompt, language, {"brand": brand, "at": str(at)} | dict.fromkeys(values, ""))
