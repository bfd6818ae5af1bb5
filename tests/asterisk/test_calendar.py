"""What is heard on other days: the same number called on festivals, and a change of the calendar during many calls.

The calendar's clock is put ahead by a file that only the tests' server looks at (HOTLINE_CALENDAR_CLOCK).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from routing.events import CallEnded, CallRang, PromptHeard, TalkStarted
from tests.asterisk import sound
from tests.asterisk.sound import Sound
from tests.asterisk.world import Caller, World

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = {
    "2026-11-18": "",
    "2020-10-01": "mid_autumn-national_day",
    "2025-10-06": "mid_autumn-national_day",
    "2026-02-17": "spring_festival",
    "2026-05-01": "labour_day",
}
NUMBERS = {"zh": ("4001234567", "heating"), "en": ("4001234568", "english"), "es": ("4001234570", "three")}


@pytest_asyncio.fixture
async def clock(world: World) -> AsyncIterator[World]:
    """The world, whose calendar goes back to today afterwards."""
    yield world
    put(world, None)


def put(world: World, day: str | None) -> None:
    """Let it be 10:00 of this day for the calendar; today if None."""
    file = world.stack.folder / "site" / "clock"
    then = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=SHANGHAI) if day else datetime.now(UTC)
    file.write_text(f"{(then - datetime.now(UTC)).total_seconds():.0f}", encoding="utf-8")
    file.chmod(0o644)


async def connected(world: World, dialled: str, greeting: Sound) -> Caller:
    """Somebody calls, presses 1 in the menu, and hears this connect greeting to its end."""
    caller = await world.call(dialled)
    await world.hears(caller, PromptHeard, prompt="greeting")
    await caller.press("1")
    await world.hears(caller, TalkStarted, agent="1024")
    await world.until(lambda: sound.heard_whole(greeting, caller.heard()), "the connect greeting is heard")
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    return caller


@pytest.mark.parametrize("language", NUMBERS)
async def test_the_same_number_is_heard_with_each_days_festival_and_the_agents_work_number(
    clock: World, language: str
) -> None:
    world, (dialled, brand) = clock, NUMBERS[language]
    await world.sign_in("1024")
    folder = f"{language}/agents/{brand}"
    on_festivals = {name: world.prompt(f"{folder}/{name}/1024") for name in sorted({*DAYS.values()} - {""})}
    texts = (await world.server.get("/api/prompts"))["texts"]
    for day, festival in DAYS.items():
        put(world, day)
        place = f"{folder}/{festival}/" if festival else f"{folder}/"
        numbers = {agent: world.prompt(f"{place}{agent}") for agent in ("1024", "1025", "1026")}
        caller = await connected(world, dialled, numbers["1024"])
        heard = caller.heard()
        assert sound.closest(numbers, heard) == "1024", (day, "the work number")
        if festival:
            assert sound.closest(on_festivals, heard) == festival, day
        wishes = [each.prompt for each in world.of(caller, PromptHeard) if each.prompt.startswith("festival_")]
        assert wishes == [f"festival_{name}" for name in festival.split("-") if name], day
        for wish in wishes:
            assert sound.fraction_heard(world.prompt(f"{language}/{wish}"), heard) > 0.5, (day, wish)

        fact = await world.hears(caller, PromptHeard, prompt="agent_greeting")
        assert (fact.language, fact.heard, fact.cut_by) == (language, fact.length, None)
        assert fact.length <= timedelta(seconds=5 if festival else 3.5)
        words = texts[fact.version].replace(" ", "")
        assert ("一零二四" if language == "zh" else "1024") in words


async def test_a_change_of_the_calendar_disturbs_none_of_twenty_calls_and_the_next_hears_it(clock: World) -> None:
    world = clock
    put(world, "2026-11-18")
    callers = await asyncio.gather(*(world.call("4001234567") for _ in range(20)))
    notice = {"festival": "founding", "from": "2026-11-18", "until": "2026-11-18", "says": {"zh": "十周年快乐！"}}
    change: dict[str, Any] = {"windows": [notice]}
    number = (await world.server.post("/api/calendar/changes", change))["number"]
    try:
        for caller in callers:
            menu = await world.hears(caller, PromptHeard, prompt="main_menu")
            assert (menu.heard, menu.cut_by) == (menu.length, None), "nobody lost a word"
        later = await world.call("4001234567")
        await world.hears(later, PromptHeard, prompt="greeting")
        assert [event.prompt for event in world.of(later, PromptHeard)][:2] == ["festival_founding", "greeting"]
    finally:
        await world.server.post(f"/api/calendar/changes/{number}/withdraw")


async def test_an_outage_is_heard_before_the_menu_until_it_is_withdrawn(clock: World) -> None:
    world = clock
    put(world, "2026-11-18")
    begins = datetime.fromisoformat("2026-11-18T00:00").replace(tzinfo=SHANGHAI)
    times = {"begins": begins.isoformat(), "ends": (begins + timedelta(days=20)).isoformat()}
    outage: dict[str, Any] = {"text": {"zh": "东城区供热管线抢修，暂停供暖。"}, **times}
    told = await world.server.post("/api/news", outage)
    prompt = f"news_{told['number']}"
    try:
        caller = await world.call("4001234567")
        news = await world.hears(caller, PromptHeard, prompt=prompt)
        await world.hears(caller, PromptHeard, prompt="main_menu")
        assert news.heard == news.length
        assert sound.heard_whole(world.prompt(f"zh/news/{prompt}"), caller.heard())
    finally:
        await world.server.post(f"/api/news/{told['number']}/end")
    later = await world.call("4001234567")
    await world.hears(later, PromptHeard, prompt="main_menu")
    assert prompt not in [event.prompt for event in world.of(later, PromptHeard)]


def rings_from(number: str) -> Callable[[CallRang], bool]:
    return lambda event: event.caller is not None and event.caller.digits == number


async def test_a_caller_is_heard_and_answered_in_the_language_of_the_key_then_and_in_the_next_call(
    clock: World,
) -> None:
    """Spanish first, Chinese by key 8; the next call from that number begins in Chinese, and comes back by key 7."""
    world = clock
    put(world, "2026-11-18")
    await world.sign_in("1024")
    menus = {language: world.prompt(f"{language}/main_menu") for language in ("es", "zh", "en")}
    brand = "brand/three/greeting"
    caller = await world.call("4001234570")
    await world.hears(caller, PromptHeard, prompt="main_menu", language="es", within=60)
    await caller.press("8")
    await world.hears(caller, PromptHeard, prompt="main_menu", language="zh", within=60)
    await world.until(lambda: sound.heard_whole(menus["zh"], caller.heard()), "the menu in Chinese")
    heard = caller.heard()
    assert sound.heard_whole(world.prompt(f"es/{brand}"), heard)
    assert sound.heard_whole(menus["es"], heard)
    assert not sound.heard_whole(menus["en"], heard)
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    again = await world.place("4001234570", number=caller.number)
    again.call = (await world.sees(CallRang, rings_from(caller.number), "the second ring", nth=2)).call
    await world.hears(again, PromptHeard, prompt="greeting", language="zh", within=60)
    await again.press("7")
    await world.hears(again, PromptHeard, prompt="main_menu", language="es", within=60)
    await again.press("1")
    await world.hears(again, TalkStarted, agent="1024", within=60)
    greetings = {
        f"{language}/{agent}": world.prompt(f"{language}/agents/three/{agent}")
        for language in ("es", "zh", "en")
        for agent in ("1024", "1025", "1026")
    }
    await world.until(
        lambda: sound.heard_whole(greetings["es/1024"], again.heard()), "the work number in Spanish", within=60
    )
    heard = again.heard()
    assert sound.heard_whole(world.prompt(f"zh/{brand}"), heard)
    assert not sound.heard_whole(world.prompt(f"es/{brand}"), heard)
    assert sound.closest(greetings, heard) == "es/1024"
    await again.hang_up()
    await world.hears(again, CallEnded)


async def test_who_changes_the_language_hears_the_outage_in_it(clock: World) -> None:
    world = clock
    put(world, "2026-11-18")
    begins = datetime.fromisoformat("2026-11-18T00:00").replace(tzinfo=SHANGHAI)
    times = {"begins": begins.isoformat(), "ends": (begins + timedelta(days=20)).isoformat()}
    text = {"zh": "东城区供热管线抢修，暂停供暖。", "es": "Estamos reparando la calefacción en la zona este."}
    outage: dict[str, Any] = {"text": text, **times}
    told = await world.server.post("/api/news", outage)
    prompt = f"news_{told['number']}"
    try:
        caller = await world.call("4001234570")
        await world.hears(caller, PromptHeard, prompt=prompt, language="es", within=60)
        await caller.press("8")
        await world.hears(caller, PromptHeard, prompt="main_menu", language="zh", within=60)
        heard = caller.heard()
        spoken = {language: world.prompt(f"{language}/news/{prompt}") for language in text}
        assert sound.heard_whole(spoken["es"], heard)
        assert sound.heard_whole(spoken["zh"], heard)
        assert sound.where_heard(spoken["es"], heard) < sound.where_heard(spoken["zh"], heard)
    finally:
        await world.server.post(f"/api/news/{told['number']}/end")
