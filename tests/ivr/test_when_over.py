"""Callers whom an emergency concerns hear that they can be told of its end, press a key, and hear that it is noted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from ivr.rehearsal import MORNING, SILENCE, During
from ivr.rooms import CannotLook, Rooms
from ivr.small_house import PretendTickets, SmallNews, small_house
from prompts.news import Area, News
from routing.events import PhoneNumber
from tests.ivr.test_flows import hears

ALICE, LANDLINE, ELSEWHERE = "13912345678", "01065001234", "13612345678"
BURST = News(
    number=7,
    area="east",
    text={"zh": "东城正在抢修，暂停供暖。"},
    begins=MORNING - timedelta(hours=1),
    ends=MORNING + timedelta(hours=3),
    about="ticket-271828188-0",
)
WEST = Area(key="west", name="西城", prefixes=["136"])
OFFERED = ["hotline: greeting", "hotline: news_7", "hotline: news_tell_me", "hotline: main_menu"]
NOT_OFFERED = ["hotline: greeting", "hotline: news_7", "hotline: main_menu"]


def house(tickets: PretendTickets, *news: News) -> Rooms:
    return replace(small_house(tickets=tickets), news=SmallNews(news or [BURST], [WEST]))


async def test_a_caller_asks_by_key_hears_that_it_is_noted_and_goes_on_in_the_menu() -> None:
    tickets = PretendTickets()
    said = await hears(house(tickets), ALICE, During("news_tell_me", "#"), "1")
    assert said.lines == [
        "hotline: greeting",
        "hotline: news_7",
        "hotline: news_tell_me (cut)",
        "caller:  #",
        "hotline: news_noted",
        "hotline: main_menu",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]
    assert tickets.to_be_told == [(ALICE, "271828188")]


async def test_the_key_counts_in_the_menu_too_and_costs_no_attempt() -> None:
    tickets = PretendTickets()
    lines = (await hears(house(tickets), ALICE, "#", SILENCE, SILENCE, "1")).lines
    assert lines[:6] == [*OFFERED, "caller:  #", "hotline: news_noted"]
    assert lines[-1] == "handed to: consult"
    assert tickets.to_be_told == [(ALICE, "271828188")]


async def test_who_has_asked_is_not_offered_it_again_and_is_not_noted_twice() -> None:
    tickets = PretendTickets()
    await hears(house(tickets), ALICE, "#", "1")
    lines = (await hears(house(tickets), ALICE, "#", "1")).lines
    assert lines[:5] == [*NOT_OFFERED, "caller:  #", "hotline: news_noted"]
    assert tickets.to_be_told == [(ALICE, "271828188")]


async def test_who_withholds_the_number_or_cannot_have_a_message_is_not_offered_it() -> None:
    for number in (None, LANDLINE):
        tickets = PretendTickets()
        lines = (await hears(house(tickets), number, "#", "1")).lines
        assert lines[:5] == [*NOT_OFFERED, "caller:  #", "hotline: wrong_key"]
        assert tickets.to_be_told == []


async def test_who_lives_elsewhere_and_news_of_no_emergency_offer_nothing() -> None:
    tickets = PretendTickets()
    assert (await hears(house(tickets), ELSEWHERE, "#", "1")).lines[:3] == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  #",
    ]
    by_hand = BURST.model_copy(update={"about": ""})
    assert (await hears(house(tickets, by_hand), ALICE, "1")).lines[:3] == NOT_OFFERED
    assert tickets.to_be_told == []


async def test_a_book_that_cannot_be_read_costs_nobody_the_menu() -> None:
    class Away(PretendTickets):
        async def may_be_told(self, _: PhoneNumber, __: Collection[str]) -> bool:
            raise CannotLook("database is locked")

    assert (await hears(house(Away()), ALICE, "1")).lines[:3] == NOT_OFFERED


async def test_who_cannot_be_noted_is_told_so() -> None:
    class Full(PretendTickets):
        async def tell_when_over(self, _: PhoneNumber, __: str, *, line: str) -> bool:  # noqa: ARG002
            raise CannotLook("disk is full")

    lines = (await hears(house(Full()), ALICE, "#", "1")).lines
    assert lines[4:7] == ["caller:  #", "hotline: news_not_noted", "hotline: main_menu"]
