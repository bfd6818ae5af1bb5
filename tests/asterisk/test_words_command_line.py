"""What an operator types about the words, against the running world: and what callers then hear."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from routing.events import CallAnswered, PromptHeard
from tests.asterisk import sound
from tests.asterisk.command_line import hotline
from tests.asterisk.world import SITE, World

CALLS = 20


def number_in(said: str) -> str:
    """The number that a command has given to what was said."""
    found = re.search(r"number (\d+)", said)
    assert found is not None, said
    return found[1]


async def test_hear_shows_a_festivals_greeting_and_its_sound_is_the_callers(world: World, tmp_path: Path) -> None:
    wav = tmp_path / "heard.wav"
    told = await hotline(world, "hear", "2026-10-01T09:30", "--agent", "1024", "--wav", str(wav))
    steps = ["festival_national_day", "国庆快乐", "main_menu", "handed to", "agent_greeting", "一零二四号"]
    places = [told.index(step) for step in steps]
    assert places == sorted(places), told
    (recorded,) = sound.from_wav(wav.read_bytes())
    for prompt in ("zh/festival_national_day", "zh/brand/heating/greeting", "zh/agents/heating/national_day/1024"):
        assert sound.heard_whole(world.prompt(prompt), recorded), prompt
    assert not sound.heard_whole(world.prompt("zh/festival_new_year"), recorded)
    in_spanish = await hotline(world, "hear", "2026-05-01", "--number", "4001234570", "--agent", "1025", "--lang", "es")
    assert "festival_labour_day" in in_spanish
    assert "1 0 2 5" in in_spanish
    assert "speak" in await hotline(world, "hear", "2026-05-01", "--lang", "es", status=1)


async def test_a_window_that_is_silenced_is_heard_no_more_until_it_is_dropped(world: World) -> None:
    hear = ("hear", "2026-10-01T09:30")
    assert "festival_national_day" in await hotline(world, *hear)
    number = number_in(await hotline(world, "window", "silence", "--from", "2026-10-01", "--until", "2026-10-01"))
    try:
        assert "festival_" not in await hotline(world, *hear)
        assert "silence" in await hotline(world, "window", "list")
    finally:
        await hotline(world, "window", "drop", number)
    assert "festival_national_day" in await hotline(world, *hear)
    assert "silence" not in await hotline(world, "window", "list")
    assert "holds no longer" not in await hotline(world, "window", "drop", number, status=1)


async def test_news_are_announced_listed_heard_and_ended(world: World) -> None:
    words = "西城区供热管线抢修，暂停供暖。"
    number = number_in(await hotline(world, "news", "announce", "--zh", words, "--until", "2026-12-20T18:00"))
    prompt = f"news_{number}"
    try:
        assert words in await hotline(world, "news", "list")
        caller = await world.call()
        await world.hears(caller, PromptHeard, prompt=prompt, cut_by=None)
        assert sound.heard_whole(world.prompt(f"zh/news/{prompt}"), caller.heard())
        await caller.hang_up()
    finally:
        await hotline(world, "news", "end", number)
    assert words not in await hotline(world, "news", "list")
    later = await world.call()
    await world.hears(later, PromptHeard, prompt="main_menu")
    assert prompt not in [event.prompt for event in world.of(later, PromptHeard)]
    refused = await hotline(world, "news", "announce", "--zh", "Hello", status=1)
    assert refused.startswith("hotline: "), "what the voice cannot say in Chinese is not announced"


async def test_new_words_are_taken_up_during_twenty_calls_and_the_next_call_hears_them(
    world: World, tmp_path: Path
) -> None:
    """The operator changes a text and types `hotline prompts build`; nobody on the line loses a word."""
    site = tmp_path / "site.toml"
    shutil.copyfile(SITE, site)
    texts = tmp_path / "words" / "texts"
    texts.mkdir(parents=True)
    (texts / "zh.toml").write_text('[prompts]\nno_key = "请您按键，或者稍候，人工为您服务。"\n', encoding="utf-8")
    before = world.prompt("zh/no_key")
    callers = await asyncio.gather(*(world.call() for _ in range(CALLS)))
    await asyncio.gather(*(world.hears(caller, CallAnswered, within=60) for caller in callers))
    try:
        built = await hotline(world, "prompts", "build", "--site", str(site))
        assert built.strip().startswith("1 made, "), built
        after = world.prompt("zh/no_key")
        assert not sound.heard_whole(before, after)
        for caller in callers:
            menu = await world.hears(caller, PromptHeard, prompt="main_menu", within=90)
            assert (menu.heard, menu.cut_by) == (menu.length, None), "nobody lost a word"
            greeting = await world.hears(caller, PromptHeard, prompt="greeting")
            assert (greeting.heard, greeting.cut_by) == (greeting.length, None)
        await world.fresh()
        later = await world.call()
        await world.hears(later, PromptHeard, prompt="no_key", within=60)
        assert sound.fraction_heard(after, later.heard()) > 0.5
        assert sound.fraction_heard(before, later.heard()) < 0.5
    finally:
        await hotline(world, "prompts", "build", "--site", str(SITE))
    assert sound.heard_whole(before, world.prompt("zh/no_key"))
