"""Who answers moves the ticket on; who was never told, or says nothing we know, changes nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from casework import book
from casework.intake import Intake
from casework.notices import lookup, outbox, work
from casework.notices.notice import Notice, State
from casework.notices.pace import Caps
from casework.notices.replies import Answer, Replies, Said, understood
from casework.notices.sender import Lane, Sender
from casework.notices.tells import Tells
from casework.notices.texts import Texts
from casework.register import Register
from casework.steps import Step
from casework.ticket import Kind, Ticket
from casework.ticket import State as TicketState
from storage.database import Database
from tests.casework.databases import EVERYWHERE, a_database
from tests.casework.notices.a_site import CREW, LEAD, a_site
from tests.casework.notices.pretend import Provider, TurnedClock

STRANGER = "+8613700137000"


class House:
    """Tickets whose changes are told, and replies that change them."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock, self.site = database, TurnedClock(), a_site()
        quiet = self.site.quiet_hours(ZoneInfo("Asia/Shanghai"))
        self.register = Register(consequences=[Tells(self.site, quiet)], now=self.clock.now)
        self.replies = Replies(database, self.site, work.by(self.register), now=self.clock.now)
        self.sms, self.phone = Provider(), Provider()
        lanes = {"sms": Lane(self.sms), "phone": Lane(self.phone, tries=1)}
        self.sender = Sender(database, lanes, Texts.read(), clock=self.clock)

    async def emergency(self, problem: str = "burst pipe") -> Ticket:
        """Open an emergency, dispatch it to the crew, and send what follows."""
        intake = Intake(kind=Kind.EMERGENCY, problem=problem, address="1 Peace Road", source="desk")
        ticket = await self.open(intake)
        await self.step(ticket, Step(move="dispatch", to="East"))
        await self.work()
        return ticket

    async def open(self, intake: Intake) -> Ticket:
        return await self.database.write(lambda transaction: self.register.open(transaction, intake, who="1024"))

    async def step(self, ticket: Ticket, step: Step) -> None:
        await self.database.write(lambda transaction: self.register.step(transaction, ticket.code, step, who="1024"))

    async def work(self, **turned: float) -> None:
        self.clock.turn(**turned)
        for channel in ("sms", "phone"):
            await self.sender.work_off(channel)

    async def state(self, ticket: Ticket) -> TicketState:
        return (await self.database.read(lambda connection: book.get(connection, ticket.code))).state

    async def notices(self, occasion: str) -> list[Notice]:
        listed = await self.database.read(lambda connection: lookup.listed(connection))
        return [notice for notice in listed if notice.occasion == occasion]

    async def said(self, sender: str, text: str, message_id: str | None = None) -> str:
        at: datetime = self.clock.turn(seconds=1)
        return await self.replies.by_sms("sms", message_id or at.isoformat(), sender, text)


@pytest.fixture(params=EVERYWHERE)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    async with a_database(request.param, tmp_path) as database:
        yield House(database)


@pytest.fixture
async def one_house(tmp_path: Path) -> AsyncGenerator[House]:
    async with a_database("memory", tmp_path) as database:
        yield House(database)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", Said(Answer.ACCEPT, None)),
        (" 接单。", Said(Answer.ACCEPT, None)),
        ("２", Said(Answer.ON_SITE, None)),
        ("到场 271828188", Said(Answer.ON_SITE, "271828188")),
        ("On-Site!", Said(Answer.ON_SITE, None)),
        ("271828188 DONE", Said(Answer.DONE, "271828188")),
        ("完成", Said(Answer.DONE, None)),
        ("not done", Said(None, None)),
        ("未完成", Said(None, None)),
        ("", Said(None, None)),
        ("271828188", Said(None, "271828188")),
    ],
)
def test_a_reply_is_understood_or_not_but_never_guessed(text: str, expected: Said) -> None:
    assert understood(text) == expected


async def test_a_crew_accepts_is_on_site_and_done_by_sms(house: House) -> None:
    ticket = await house.emergency()
    assert [letter.address for letter in house.sms.taken] == [LEAD, CREW]
    for text, state in (("1", "acknowledged"), ("到场", "under-way"), ("done", "done")):
        assert await house.said(CREW, text) == "taken"
        assert await house.state(ticket) == state
    await house.work()
    assert house.sms.taken[-1].text == f"Ticket {ticket.code}: noted (done)."


async def test_the_same_message_twice_is_one_reply(house: House) -> None:
    ticket = await house.emergency()
    for _ in range(2):
        assert await house.said(CREW, "1", "m1") == "taken"
    assert len(await house.replies.latest()) == 1
    assert await house.state(ticket) == "acknowledged"


@pytest.mark.parametrize(
    ("sender", "text", "outcome"),
    [
        (STRANGER, "1", "unknown-sender"),
        ("1' OR '1'='1", "1", "unknown-sender"),
        (CREW, "maybe", "unknown-word"),
        (CREW, "maybe\x00\ud800", "unknown-word"),
        (CREW, "done 271828188", "unknown-sender"),
        ("", "", "unknown-sender"),
    ],
)
async def test_a_forged_or_unknown_reply_changes_nothing_and_is_kept(
    house: House, sender: str, text: str, outcome: str
) -> None:
    ticket = await house.emergency()
    assert await house.said(sender, text) == outcome
    assert await house.state(ticket) == "dispatched"
    [kept] = await house.replies.latest()
    assert kept["outcome"] == outcome


async def test_a_step_the_ticket_cannot_take_changes_nothing_and_the_crew_is_told(one_house: House) -> None:
    ticket = await one_house.emergency()
    await one_house.said(CREW, "1")
    assert await one_house.said(CREW, "1") == "refused"
    assert await one_house.state(ticket) == "acknowledged"
    await one_house.work()
    assert "could not be noted" in one_house.sms.taken[-1].text


async def test_of_several_tickets_the_crew_says_which(one_house: House) -> None:
    first, second = await one_house.emergency(), await one_house.emergency("gas smell")
    assert await one_house.said(CREW, "1") == "which-ticket"
    assert await one_house.said(CREW, f"1 {first.code}") == "taken"
    assert await one_house.state(first) == "acknowledged"
    assert await one_house.state(second) == "dispatched"
    # Only one is left to be accepted.
    assert await one_house.said(CREW, "1") == "taken"
    assert await one_house.state(second) == "acknowledged"
    assert await one_house.said(CREW, "3") == "which-ticket"
    assert await one_house.said(CREW, f"3 {second.code}") == "taken"
    assert await one_house.said(CREW, "2") == "taken"
    assert await one_house.state(first) == "under-way"


async def test_nobody_accepts_and_after_five_minutes_the_duty_list_is_rung(house: House) -> None:
    ticket = await house.emergency()
    await house.work(minutes=4, seconds=59)
    assert not house.phone.taken
    await house.work(seconds=1)
    assert [letter.address for letter in house.phone.taken] == [LEAD]
    [ring] = await house.notices("duty_call")
    assert await house.replies.by_key(ring.id, "call-1") == "taken"
    assert await house.state(ticket) == "acknowledged"


async def test_somebody_accepts_and_nobody_is_rung(house: House) -> None:
    await house.emergency()
    await house.said(CREW, "1")
    await house.work(minutes=10)
    assert not house.phone.taken
    [ring] = await house.notices("duty_call")
    assert ring.state is State.CALLED_OFF


async def test_a_phone_that_rings_while_somebody_accepts_is_not_rung_again(one_house: House) -> None:
    await one_house.emergency()
    one_house.clock.turn(minutes=5)

    def ring(transaction: Connection) -> outbox.Claimed | None:
        now = one_house.clock.now()
        return outbox.claim(transaction, "phone", "me", now=now, lease=timedelta(minutes=3), caps=Caps())

    ringing = await one_house.database.write(ring)
    assert ringing is not None
    await one_house.said(CREW, "1")

    def nobody_picks_up(transaction: Connection) -> None:
        now = one_house.clock.now()
        outbox.put_back(transaction, ringing, now=now, due=now, problem="nobody", outcome="failed", failures=1)

    await one_house.database.write(nobody_picks_up)
    [notice] = await one_house.notices("duty_call")
    assert notice.state is State.CALLED_OFF
    await one_house.work(minutes=30)
    assert not one_house.phone.taken


async def test_a_lead_is_told_of_a_ticket_that_is_reopened(one_house: House) -> None:
    repair = Intake(kind=Kind.REPAIR, problem="no heat", address="x", name="y", phone="13600136001", source="desk")
    ticket = await one_house.open(repair)
    await one_house.step(ticket, Step(move="finish", outcome="bled"))
    await one_house.step(ticket, Step(move="reopen", why="still cold"))
    [notice] = await one_house.notices("reopened")
    assert (notice.to, notice.ways[0].address, notice.ticket) == ("lead-zhang", LEAD, ticket.code)
    assert "no heat" in Texts.read().letter(notice).text


async def test_who_accepts_what_was_given_to_nobody_takes_it_over(one_house: House) -> None:
    intake = Intake(kind=Kind.EMERGENCY, problem="burst pipe", address="1 Peace Road", source="desk")
    ticket = await one_house.open(intake)
    await one_house.work(minutes=5)
    [ring] = await one_house.notices("duty_call")
    await one_house.replies.by_key(ring.id, "call-1")
    taken = await one_house.database.read(lambda connection: book.get(connection, ticket.code))
    assert (taken.state, taken.handler) == ("acknowledged", "lead-zhang")
    assert not await one_house.notices("emergency_opened")


async def test_pressing_a_link_twice_is_one_answer(one_house: House) -> None:
    ticket = await one_house.emergency()
    [notice] = await one_house.notices("emergency_opened")
    for _ in range(2):
        assert await one_house.replies.by_link(notice.id, Answer.DONE, press="p1") == "taken"
    assert await one_house.state(ticket) == "done"


async def test_when_it_is_over_every_attached_caller_is_told_and_nobody_twice(house: House) -> None:
    ticket = await house.emergency()
    for number in ("13600136001", "13600136002", "12"):
        intake = Intake(
            kind=Kind.REPAIR,
            problem="no heat",
            address="x",
            name="y",
            phone=number,
            emergency=ticket.code,
            source="desk",
            line="cable" if number == "13600136002" else "heating",
        )
        await house.open(intake)
    await house.said(CREW, "done")
    assert await house.said(CREW, "done") == "unknown-sender"
    await house.work()
    told = {letter.address: letter.text for letter in house.sms.taken if letter.occasion == "emergency_over"}
    assert sorted(told) == ["+8613600136001", "+8613600136002"]
    assert told["+8613600136001"].startswith("Sunshine")
    assert told["+8613600136002"].startswith("Eastwind"), "in the name of the line it came by"
