"""Emergencies are announced where they are, for as long as they are open. The tickets are real, the voice is not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casework.intake import Intake
from casework.steps import Step
from casework.ticket import Kind, Ticket
from hotline.casework import Casework, casework_in_memory
from hotline.outages import Outages
from hotline.site import load
from hotline.stack import ROOT
from prompts.errors import NewsRefused
from prompts.news import Announcement, Area, News, area_of, concerning

AREAS = [Area(key="east", name="东城", prefixes=["1361"]), Area(key="west", name="West End", prefixes=["1362"])]
IN_THE_EAST, IN_THE_WEST, SOMEWHERE = "13610000000", "13620000000", "13900000000"


@dataclass
class PretendNews:
    """Announces at once, unless it is told that a text cannot be spoken."""

    all: list[News] = field(default_factory=list)
    withdrawn: set[int] = field(default_factory=set)
    unspeakable: bool = False

    @property
    def news(self) -> list[News]:
        return [each for each in self.all if each.number not in self.withdrawn]

    def ahead(self) -> timedelta:
        return timedelta(0)

    async def announce(self, news: Announcement) -> News:
        if self.unspeakable:
            raise NewsRefused(RuntimeError("no voice"))
        self.all.append(News(number=len(self.all) + 1, **news.model_dump()))
        return self.all[-1]

    async def was_announced(self, about: str) -> bool:
        return any(each.about == about for each in self.all)

    async def withdraw(self, kind: str, number: int) -> None:
        assert kind == "news"
        self.withdrawn.add(number)

    def heard_by(self, number: str, language: str = "zh") -> list[str]:
        """What is said to somebody who calls now."""
        told = concerning(self.news, area_of(number, AREAS), language, datetime.now(UTC))
        return [each.text[language] for each in told]  # type: ignore[index]


@dataclass
class House:
    """Tickets, what is announced, and what keeps them in step."""

    casework: Casework
    news: PretendNews
    outages: Outages

    async def emergency(self, area: str, **facts: Any) -> Ticket:
        known = {"problem": "王芳家爆管", "address": "幸福路12号", "area": area, **facts}
        intake = Intake(kind=Kind.EMERGENCY, source="desk", **known)
        return (await self.casework.tickets.open(intake, who="zhao"))[0]

    async def step(self, ticket: Ticket, move: Any, **details: Any) -> None:
        await self.casework.tickets.step(ticket.code, Step(move=move, **details), who="zhao")
        await self.outages.look()


@pytest.fixture
async def house() -> AsyncGenerator[House]:
    async with casework_in_memory(load(ROOT / "tests/asterisk/site.toml")) as casework:
        news = PretendNews()
        yield House(casework, news, Outages(casework.tickets, news, AREAS, ["zh", "en"]))


async def test_an_emergency_is_told_to_whom_it_concerns_until_it_is_done(house: House) -> None:
    emergency = await house.emergency("east")
    await house.outages.look()
    said = ["东城正在进行抢修，工作人员正在处理，给您带来不便，敬请谅解。"]
    assert house.news.heard_by(IN_THE_EAST) == said
    assert house.news.heard_by(SOMEWHERE) == said, "nobody knows where they are"
    assert house.news.heard_by(IN_THE_WEST) == []
    assert house.news.news[0].expected_end == emergency.expected_end()
    assert "王芳" not in str(house.news.all), "what a ticket says may be personal"

    await house.step(emergency, "dispatch", to="crew-3")
    assert len(house.news.all) == 1, "nothing to say anew"
    await house.step(emergency, "finish", outcome="mended")
    assert house.news.heard_by(IN_THE_EAST) == []


@pytest.mark.parametrize("area", ["West End", "west"])
async def test_an_area_is_known_by_its_name_too_and_read_by_a_voice_that_can(house: House, area: str) -> None:
    await house.emergency(area)
    await house.outages.look()
    assert "in West End." in house.news.heard_by(IN_THE_WEST, "en")[0]
    assert house.news.heard_by(IN_THE_WEST)[0].startswith("部分区域")


async def test_one_that_is_called_off_or_taken_back_is_told_no_more_and_one_reopened_again(house: House) -> None:
    emergency = await house.emergency("east")
    await house.outages.look()
    await house.step(emergency, "cancel", why="false alarm")
    assert house.news.heard_by(IN_THE_EAST) == []
    await house.step(emergency, "reopen", why="it burst after all")
    assert len(house.news.heard_by(IN_THE_EAST)) == 1


async def test_a_new_expected_end_is_said_and_the_old_one_no_more(house: House) -> None:
    emergency = await house.emergency("east")
    await house.outages.look()
    tonight = datetime.now(UTC) + timedelta(hours=9)
    await house.step(emergency, "note", why="needs a pump", expected=tonight)
    (news,) = house.news.news
    assert news.expected_end == tonight


async def test_what_a_lead_has_ended_stays_ended(house: House) -> None:
    await house.emergency("east")
    await house.outages.look()
    await house.news.withdraw("news", house.news.news[0].number)
    await house.outages.look()
    assert house.news.news == []


async def test_without_a_known_area_it_is_for_a_lead_to_announce(house: House) -> None:
    await house.emergency("")
    await house.emergency("the moon")
    await house.outages.look()
    assert house.news.all == []


async def test_one_said_twice_by_a_crash_is_said_once_again(house: House) -> None:
    await house.emergency("east")
    await house.outages.look()
    again = house.news.news[0].model_copy(update={"number": 2})
    house.news.all.append(again)
    await house.outages.look()
    assert [each.number for each in house.news.news] == [2]


async def test_one_that_cannot_be_spoken_keeps_no_other_from_being_announced(house: House) -> None:
    await house.emergency("east")
    house.news.unspeakable = True
    await house.outages.look()
    house.news.unspeakable = False
    await house.emergency("west")
    await house.outages.look()
    assert {each.area for each in house.news.news} == {"west"}, "the first is tried again later"
