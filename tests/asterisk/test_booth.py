"""A prompt is recorded by phone on the real Asterisk: rung or dialled, spoken, heard back, kept; callers hear it then.

The voice is that of the pretend people (`sounds/tryout`), which no prompt of ours has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from routing.events import CallEnded, PromptHeard, TalkStarted
from tests.asterisk import sound
from tests.asterisk.command_line import hotline
from tests.asterisk.sound import RATE, Sound
from tests.asterisk.test_calendar import put
from tests.asterisk.voices import AUDIBLE
from tests.asterisk.world import World

CHEN = "chen-desk"
GREETING = "zh.agents.heating.1024"


@pytest_asyncio.fixture
async def booth(world: World) -> AsyncIterator[World]:
    """The world, whose recordings by phone are forgotten afterwards."""
    await world.phones.do("Setvar", Variable=f"VOICE_{CHEN}", Value="caller")
    yield world
    await world.phones.do("Setvar", Variable=f"VOICE_{CHEN}", Value="")
    for name in (await world.server.get("/api/prompts/recorded"))["sounds"]:
        await world.server.post("/api/prompts/recorded/drop", {"sound": name})
    put(world, None)


async def records(world: World, call: str, *, seconds: float) -> None:
    """Whoever is on this call speaks so long after the tone, and ends with #."""
    size = seconds * 2 * sound.RATE * 2  # of 16 kHz
    file = f"/srv/messages/takes/{call}.wav16"

    def long_enough() -> bool:
        return int(world.inside("asterisk", "sh", "-c", f"stat -c %s {file} 2>/dev/null || echo 0")) > size

    await world.until(long_enough, "the take grows", within=60)
    await presses(world, "#")


async def presses(world: World, key: str) -> None:
    """A key on the phone of agent 1024."""
    (line,) = [each for each in world.channels("agents") if CHEN in each["where"] or CHEN in each["channel"]]
    await world.phones.do("PlayDTMF", Channel=line["channel"], Digit=key)


async def prompt_heard(world: World, call: str, prompt: str, nth: int = 1) -> PromptHeard:
    return await world.sees(
        PromptHeard,
        lambda event: event.call == call and event.prompt == prompt,
        f"{prompt} in {call}",
        nth=nth,
        within=60,
    )


async def recording_call(world: World) -> str:
    """The id of the recording call that is under way."""
    found = await world.sees(PromptHeard, lambda event: event.prompt == "booth_speak", "somebody records", within=60)
    return found.call


async def stands(world: World, call: str, state: str) -> dict[str, Any]:
    """Wait until the recording call stands so; return what is said of it."""
    for _ in range(300):
        session = await world.server.get(f"/api/prompts/recordings/{call}")
        if session["state"] == state:
            return session
        await asyncio.sleep(0.2)
    raise AssertionError(f"{call} is not {state}, but {session}")


def heard(prompt: Sound, recording: Sound) -> bool:
    """Whether most of a short prompt is in what a phone heard while it spoke itself, on however busy a machine."""
    return sound.fraction_heard(prompt, recording, alike=0.75) >= 0.5


def spoken_by(voice: Sound, recording: Sound) -> bool:
    """Whether the loud half seconds of a short recording are this voice."""
    pieces = [recording[at : at + RATE // 2] for at in range(0, len(recording) - RATE // 2, RATE // 4)]
    loud = [piece for piece in pieces if sound.level(piece) > AUDIBLE]
    found = [sound.fraction_heard(piece, voice, alike=0.8) > 0.5 for piece in loud]
    return len(loud) >= 2 and sum(found) >= 0.6 * len(found)


async def test_an_operator_has_a_prompt_recorded_and_callers_hear_it(booth: World) -> None:
    world, voice = booth, booth.prompt("tryout/caller")
    before = world.prompt("zh/no_key")
    command = asyncio.create_task(hotline(world, "prompts", "record", "no_key", "--lang", "zh", "--phone", "1024"))
    call = await recording_call(world)
    await records(world, call, seconds=2.5)
    await prompt_heard(world, call, "booth_keep")
    await presses(world, "2")
    await prompt_heard(world, call, "booth_speak", nth=2)
    await records(world, call, seconds=4)
    await prompt_heard(world, call, "booth_keep", nth=2)
    await presses(world, "1")
    await prompt_heard(world, call, "booth_kept")
    told = await command
    assert "没有收到您的按键。" in told
    assert "callers hear it from now on" in told
    assert "resampled" not in told, "Asterisk records at the rate we keep"

    after = world.prompt("zh/no_key")
    assert not sound.heard_whole(before, after)
    assert spoken_by(voice, after)
    (phone,) = world.heard_by(CHEN)
    assert heard(before, phone), "as it was until now"
    for prompt in ("booth_words", "booth_speak", "beep", "booth_keep", "booth_kept"):
        assert heard(world.prompt(f"zh/{prompt}"), phone), prompt
    assert heard(after, phone), "it is heard back as callers hear it"

    caller = await world.call()
    await world.hears(caller, PromptHeard, prompt="no_key", within=60)
    assert heard(after, caller.heard())
    assert not heard(before, caller.heard())
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    assert "zh.no_key" in await hotline(world, "prompts", "recorded")
    await hotline(world, "prompts", "recorded", "--drop", "zh.no_key")
    assert sound.heard_whole(before, world.prompt("zh/no_key")), "the voice speaks again"


async def test_an_agent_records_the_own_greeting_and_it_is_heard_on_festivals_too(booth: World) -> None:
    world, voice = booth, booth.prompt("tryout/caller")
    await world.sign_in("1024")
    session = await world.server.post("/api/prompts/recordings", {"sound": GREETING})
    assert session["sound"] == GREETING
    call = str(session["call"])
    await records(world, call, seconds=6)
    await prompt_heard(world, call, "booth_long")
    await records(world, call, seconds=2)
    await prompt_heard(world, call, "booth_keep")
    await presses(world, "1")
    said = (await stands(world, call, "heard"))["said"]
    assert said[0].startswith("refused: is too long, ")
    assert "expected at most 3.5 s" in said[0]
    own = world.prompt("zh/agents/heating/1024")
    assert spoken_by(voice, own)
    await world.until(lambda: not world.channels("agents"), "the phone is free")
    await world.phones.do("Setvar", Variable=f"VOICE_{CHEN}", Value="")

    for day, wish in (("2026-11-18", None), ("2026-10-01", "national_day")):
        put(world, day)
        caller = await world.call()
        await world.hears(caller, PromptHeard, prompt="greeting")
        await caller.press("1")
        await world.hears(caller, TalkStarted, agent="1024")
        await world.until(lambda: heard(own, caller.heard()), "the own greeting is heard")  # noqa: B023
        if wish:
            composed = world.prompt(f"zh/agents/heating/{wish}/1024")
            assert heard(composed, caller.heard()), day
            assert sound.heard_whole(own, composed)
            assert len(composed) > len(own) + RATE // 2, "the wish is before it"
        await caller.hang_up()
        await world.hears(caller, CallEnded)


@pytest.mark.parametrize(("code", "name"), [("*16", GREETING), ("*165", "es.agents.three.1024")])
async def test_star_16_on_the_own_phone_records_the_own_greeting(booth: World, code: str, name: str) -> None:
    world = booth
    dialling = await world.dial(CHEN, code)
    call = await recording_call(world)
    assert (await world.server.get(f"/api/prompts/recordings/{call}"))["sound"] == name
    await prompt_heard(world, call, "booth_speak", nth=2)  # who says nothing is asked again
    for prompt in (name.replace(".", "/"), "zh/booth_words"):
        assert heard(world.prompt(prompt), dialling.heard()), prompt


async def test_a_phone_that_nobody_picks_up_is_told_to_the_operator(booth: World) -> None:
    world = booth
    await world.manner(CHEN, "reject")
    told = await hotline(world, "prompts", "record", "zh.no_key", "--phone", "1024", status=1)
    assert "nobody picked up" in told
