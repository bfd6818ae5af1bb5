"""The command line against the running world: what an operator types, and what comes back."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.asterisk.command_line import hotline
from tests.asterisk.world import World
from tests.faults.helpers import back, starts


async def test_a_try_out_call_prints_the_conversation_to_its_end(world: World) -> None:
    await world.sign_in("1024")
    told = await hotline(world, "call", "--keys", "1", "--talk", "1", "--lang", "en")
    steps = [
        "calls 4001234567",
        "answers",
        "您好，欢迎致电阳光供热服务热线",
        "presses 1 at main_menu",
        "the caller waits in consult",
        "agent 1024  picks up",
        "阳光供热，一零二四号为您服务",
        "agent 1024  talks with the caller",
        "the call is over",
        "recording (left: agent, right: caller)",
    ]
    places = [told.index(step) for step in steps]
    assert places == sorted(places), told


async def test_the_story_of_a_call_can_be_read_later_in_both_languages(world: World) -> None:
    await world.sign_in("1024")
    await hotline(world, "call", "--keys", "1", "--talk", "1", "--from", "13911112222")
    listing = await hotline(world, "calls", "--limit", "1", "--lang", "en")
    call = next(word for word in listing.split() if word.startswith("pbx-"))
    assert "139****2222" in listing
    assert "answered by agent 1024" in listing
    told = await hotline(world, "calls", call, "--lang", "zh")
    assert "与用户通话" in told
    assert "13911112222" not in told
    assert "13911112222" in await hotline(world, "calls", call, "--reveal")


async def test_a_call_that_nobody_made_is_a_clear_error(world: World) -> None:
    assert "no call begins with 'pbx-0'" in await hotline(world, "calls", "pbx-0", status=1)


async def test_the_doctor_finds_a_good_installation_good_and_names_what_is_missing(world: World) -> None:
    # The doctor also tells of calls refused and of Asterisk's warnings since each was started, by other tests' doing.
    before = starts(world)
    for service in ("asterisk", "hotline"):
        world.container("restart", service)
    await back(world, starts_before=before)
    found = await hotline(world, "doctor", status=1)
    assert "hotline agent signin NUMBER" in found, "nobody is signed in"
    await world.sign_in("1024")
    assert "All is well." in await hotline(world, "doctor")
    world.container("stop", "redis")
    try:
        assert "container redis: does not run" in await hotline(world, "doctor", status=1)
    finally:
        world.container("start", "redis")


async def test_the_board_shows_the_agents_to_any_process(world: World) -> None:
    await world.sign_in("1025")
    # What the board had before may still be there for a moment: wait for what it cannot have had.
    await world.server.post("/api/agents/1025/pause", {"reason": "training"})

    def shown() -> bool:
        body = world.inside(
            "redis", "sh", "-c", f"redis-cli -a {world.secrets.services['redis']} hget hotline:board agents/1025"
        )
        return bool(json.loads(body.strip().splitlines()[-1] or "{}").get("state") == "paused")

    await world.until(shown, "Redis shows agent 1025 paused")

    async def seen() -> tuple[str, set[str | None]]:
        picture = await world.server.get("/api/board")
        stale = {source["stale_since"] for source in picture["sources"].values()}
        return picture["agents"]["1025"]["state"], stale

    # Redis may have come back a moment ago, from the test before: until the mirror has seen it, the board says so.
    async with asyncio.timeout(30):
        while await seen() != ("paused", {None}):
            await asyncio.sleep(0.1)


async def test_calls_go_on_without_redis(world: World) -> None:
    await world.sign_in("1024")
    world.container("stop", "redis")
    try:
        told = await hotline(world, "call", "--keys", "1", "--talk", "1", "--lang", "en")
        assert "agent 1024  talks with the caller" in told
    finally:
        world.container("start", "redis")


@pytest.mark.parametrize("words", [("agent", "signin", "9999"), ("agent", "pause", "1024", "-r", "rest")])
async def test_what_cannot_be_done_is_said_in_one_line(world: World, words: tuple[str, ...]) -> None:
    said = await hotline(world, *words, status=1)
    assert said.startswith("hotline: ")
    assert said.count("\n") == 1
