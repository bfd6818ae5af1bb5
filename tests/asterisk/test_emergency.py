"""An emergency: callers whom it concerns hear of it before the menu, by sound, until it is over."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from routing.events import CallEnded, CallRang, PromptHeard
from tests.asterisk import sound
from tests.asterisk.world import Caller, World

WHOLE = 120.0
"""Seconds in which greeting, news and menu are said to the end, on a loaded machine."""


async def news_of(world: World, ticket: str) -> str | None:
    """The prompt that tells of this emergency now."""
    news = (await world.server.get("/api/news"))["news"]
    return next((f"news_{each['number']}" for each in news if ticket in each["about"]), None)


async def announced(world: World, ticket: str, *, there: bool) -> str:
    """Wait until it is announced, or no more."""
    async with asyncio.timeout(60):
        while ((prompt := await news_of(world, ticket)) is not None) != there:
            await asyncio.sleep(0.2)
    return prompt or ""


async def calls_from(world: World, prefix: str) -> Caller:
    """Somebody of this part of town calls, and listens until the menu has been said."""
    caller = await world.call(number=f"{prefix}{uuid.uuid4().int % 10**7:07}")
    await world.hears(caller, PromptHeard, prompt="main_menu", within=WHOLE)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    return caller


def told(world: World, caller: Caller) -> list[str]:
    return [event.prompt for event in world.of(caller, PromptHeard)]


async def test_an_emergency_is_heard_before_the_menu_by_whom_it_concerns_until_it_is_over(world: World) -> None:
    facts = {"problem": "供热主管爆管", "address": "和平路1号", "area": "东城"}
    opened = await world.server.ask("POST", "/api/tickets", json={"kind": "emergency", **facts})
    steps = f"/api/tickets/{opened['ticket']['code']}/steps"
    code = opened["ticket"]["code"]
    try:
        news = await announced(world, code, there=True)
        spoken = world.prompt(f"zh/news/{news}")
        concerned, elsewhere = await calls_from(world, "1361"), await calls_from(world, "1362")
        assert told(world, concerned) == ["greeting", news, "news_expected_end", "news_tell_me", "main_menu"]
        assert sound.heard_whole(spoken, concerned.heard())
        assert news not in told(world, elsewhere)
        assert not sound.heard_whole(spoken, elsewhere.heard())
    finally:
        await world.server.ask("POST", steps, json={"move": "finish", "outcome": "mended"})
    await announced(world, code, there=False)
    later = await calls_from(world, "1361")
    assert news not in told(world, later)
    assert not sound.heard_whole(spoken, later.heard())


async def attached(world: World, ticket: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.server.get(f"/api/tickets/{ticket}"))["attached"]
    return found


async def calls_again(world: World, number: str) -> Caller:
    """Who has called once calls a second time."""
    caller = await world.place("4001234567", number=number)
    ring = await world.sees(
        CallRang, lambda rang: rang.caller is not None and rang.caller.digits == number, "a second ring", nth=2
    )
    caller.call = ring.call
    return caller


async def test_a_caller_asks_by_key_to_be_told_when_it_is_over_once_and_is_told(world: World) -> None:
    facts = {"problem": "供热主管爆管，张先生家", "address": "和平路2号", "area": "东城"}
    opened = await world.server.ask("POST", "/api/tickets", json={"kind": "emergency", **facts})
    code = opened["ticket"]["code"]
    number = f"1361{uuid.uuid4().int % 10**7:07}"
    try:
        await announced(world, code, there=True)
        caller = await world.call(number=number)
        await world.hears(caller, PromptHeard, prompt="news_tell_me", within=WHOLE)
        await caller.press("#")
        await world.hears(caller, PromptHeard, prompt="news_noted", within=WHOLE)
        await world.hears(caller, PromptHeard, prompt="main_menu", within=WHOLE)
        await caller.hang_up()
        await world.hears(caller, CallEnded)
        for prompt in ("news_tell_me", "news_noted"):
            assert sound.heard_whole(world.prompt(f"zh/{prompt}"), caller.heard()), prompt
        [child] = await attached(world, code)
        again = await calls_again(world, number)
        await world.hears(again, PromptHeard, prompt="main_menu", within=WHOLE)
        await again.press("#")
        await world.hears(again, PromptHeard, prompt="news_noted", within=WHOLE)
        await again.hang_up()
        await world.hears(again, CallEnded)
        assert "news_tell_me" not in told(world, again)
        assert [each["code"] for each in await attached(world, code)] == [child["code"]]
        withheld = await world.place("4001234567", number="anonymous")
        withheld.call = (await world.sees(CallRang, lambda rang: rang.caller is None, "a withheld number rings")).call
        await world.hears(withheld, PromptHeard, prompt="main_menu", within=WHOLE)
        await withheld.hang_up()
        assert "news_tell_me" not in told(world, withheld)
    finally:
        steps = f"/api/tickets/{code}/steps"
        await world.server.ask("POST", steps, json={"move": "finish", "outcome": "mended"})
    notices = (await world.server.get("/api/notices", ticket=child["code"]))["notices"]
    assert [(each["occasion"], each["channel"], each["to"]) for each in notices] == [
        ("emergency_over", "sms", "caller")
    ]
    text = (await world.server.get(f"/api/notices/{notices[0]['id']}"))["text"]
    assert "东城抢修" in text
    assert "张先生" not in text, "what others have told us is theirs"
    await announced(world, code, there=False)
