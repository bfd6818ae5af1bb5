"""Who presses the key at an emergency's announcement is attached to it, once, and told when it is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from casework.intake import Intake
from casework.notices import lookup
from casework.notices.notice import Notice
from casework.steps import Step
from casework.ticket import Kind, State
from hotline.casework import Casework, casework_in_memory
from hotline.site import load
from hotline.stack import ROOT
from routing.events import PhoneNumber

LINE = "english"
ALICE, BOB, LANDLINE = PhoneNumber("13612345678"), PhoneNumber("13612340000"), PhoneNumber("01065001234")


@pytest.fixture
async def house() -> AsyncGenerator[Casework]:
    async with casework_in_memory(load(ROOT / "tests/asterisk/site.toml")) as opened:
        yield opened


async def an_emergency(house: Casework) -> str:
    intake = Intake(kind=Kind.EMERGENCY, problem="张先生家爆管", address="和平路1号", area="东城")
    return (await house.tickets.open(intake, who="lead"))[0].code


async def told_of_the_end(house: Casework) -> list[Notice]:
    notices = await house.database.read(lambda connection: lookup.listed(connection, limit=100))
    return [each for each in notices if each.occasion == "emergency_over"]


async def test_each_caller_is_attached_once_and_told_once_without_what_others_said(house: Casework) -> None:
    code = await an_emergency(house)
    for caller in (ALICE, BOB):
        assert await house.may_be_told(caller, [code])
        for _ in range(2):
            assert await house.tell_when_over(caller, code, line=LINE)
        assert not await house.may_be_told(caller, [code])
    _, _, attached = await house.tickets.story(code)
    assert [(each.phone, each.line) for each in attached] == [(ALICE.digits, LINE), (BOB.digits, LINE)]
    await house.tickets.step(code, Step(move="finish", outcome="换了阀门，联系张先生"), who="lead")
    notices = await told_of_the_end(house)
    assert sorted(each.ways[0].address for each in notices) == sorted(f"+86{each.digits}" for each in (ALICE, BOB))
    assert all(each.values["problem"] == "东城抢修" for each in notices)


async def test_a_second_emergency_is_another_matter(house: Casework) -> None:
    first, second = await an_emergency(house), await an_emergency(house)
    await house.tell_when_over(ALICE, first, line=LINE)
    assert await house.may_be_told(ALICE, [first, second])
    assert await house.tell_when_over(ALICE, second, line=LINE)
    assert not await house.may_be_told(ALICE, [first, second])


async def test_a_number_that_cannot_have_a_message_is_not_offered_one(house: Casework) -> None:
    code = await an_emergency(house)
    assert not await house.may_be_told(LANDLINE, [code])
    assert not await house.tell_when_over(LANDLINE, code, line=LINE)
    assert (await house.tickets.story(code))[2] == []


async def test_what_is_over_by_now_is_not_promised(house: Casework) -> None:
    code = await an_emergency(house)
    await house.tickets.step(code, Step(move="finish"), who="lead")
    assert not await house.tell_when_over(ALICE, code, line=LINE)
    assert not await house.tell_when_over(ALICE, "123456782", line=LINE)
    assert (await house.tickets.get(code)).state is State.DONE
