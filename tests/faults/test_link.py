"""The manager link is cut while people are on the line: calls go on, and what was missed is found when it is back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hotline.client import ServerError
from routing.events import (
    AgentSignedIn,
    CallEnded,
    CallQueued,
    LinkBack,
    LinkLost,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.world import Caller, World
from tests.faults.helpers import A_WHILE, all_is_over, all_well, arrives, cut, health, talks, waits

FRESH_WITHIN = 3.0
"""Seconds from a cut to a true picture again."""


def times(world: World, kind: type[LinkLost | LinkBack]) -> int:
    """How often this has happened, as far as we have read."""
    return sum(isinstance(event, kind) for event in world.events)


@asynccontextmanager
async def without_the_link(world: World) -> AsyncIterator[None]:
    """For as long as the block lasts, Asterisk knows our accounts by another secret: both links are down."""
    file = world.stack.folder / "pbx" / "manager.conf"
    before, lost = file.read_text(encoding="utf-8"), times(world, LinkLost)
    back = times(world, LinkBack)
    try:
        file.write_text(re.sub(r"secret = (\w+)", r"secret = \1-changed", before), encoding="utf-8")
        world.cli("manager reload")
        assert cut(world) == 2
        await world.sees(LinkLost, lambda _: True, "the link is lost", nth=lost + 1)
        yield
    finally:
        file.write_text(before, encoding="utf-8")
        world.cli("manager reload")
    await world.sees(LinkBack, lambda _: True, "the link is back", nth=back + 1)
    await all_well(world)


async def test_a_link_that_is_cut_is_back_within_seconds_and_the_call_goes_on(world: World) -> None:
    await world.sign_in("1026")
    talker, waiting = await talks(world), await waits(world)
    lost, back = times(world, LinkLost), times(world, LinkBack)
    assert cut(world) == 2
    await world.sees(LinkLost, lambda _: True, "the link is lost", nth=lost + 1)
    returned = await world.sees(LinkBack, lambda _: True, "the link is back", nth=back + 1)
    assert 0 < returned.away.total_seconds() < FRESH_WITHIN
    await all_well(world)

    assert (await health(world))["live_calls"] == 2
    await talker.hang_up()
    assert (await world.hears(talker, TalkEnded)).by == "caller"
    await world.hears(waiting, TalkStarted)
    await all_is_over(world, waiting)
    assert [len(world.of(caller, CallQueued)) for caller in (talker, waiting)] == [1, 1]


@pytest.mark.timeout(300)
async def test_what_happens_while_the_link_is_down_is_known_when_it_is_back(world: World) -> None:
    await world.sign_in("1025", "1026")
    gone, stays = await talks(world), await talks(world)
    async with without_the_link(world):
        comes, leaves = await arrives(world), await arrives(world)
        await gone.hang_up()
        await leaves.hang_up()
        await comes.press("2", "2")
        # The flow sends him to the queue, the agent who has become free answers, and nobody tells us.
        await hears_an_agent(world, comes)
        assert (await health(world))["wrong"].keys() >= {"ami-watch", "ami-desk"}

    for caller in (gone, leaves):
        assert (await world.hears(caller, CallEnded)).by is None, "nobody saw who ended it"
    talk = await world.hears(comes, TalkStarted)
    shown = {each["agent"]: each for each in (await world.server.get("/api/agents"))["agents"]}
    assert (shown[talk.agent]["state"], shown[talk.agent]["call"]) == ("talking", comes.call)
    assert {each["call"] for each in shown.values()} == {comes.call, stays.call, None}
    assert (await health(world))["live_calls"] == 2
    await all_is_over(world, comes, stays)
    assert [world.of(caller, TalkEnded)[0].by for caller in (comes, stays)] == ["caller", "caller"]


async def hears_an_agent(world: World, caller: Caller) -> None:
    """Wait until the caller hears an agent talk."""
    agent_says = world.prompt("tryout/agent")
    await world.until(
        lambda: sound.fraction_heard(agent_says, caller.heard()) > 0.5, "the caller talks", within=A_WHILE
    )


async def test_an_agent_who_signs_in_while_the_link_is_down_is_told_so_and_is_not_half_signed_in(world: World) -> None:
    before = sum(isinstance(event, AgentSignedIn) for event in world.events)
    async with without_the_link(world):
        with pytest.raises(ServerError, match="the agent could not sign in"):
            await world.sign_in("1024")
    assert "1024 (" not in world.cli("queue show")
    await world.sign_in("1024")
    await world.sees(AgentSignedIn, lambda _: True, "the agent signs in", nth=before + 1)
    assert world.cli("queue show").count("1024 (") == 2
    assert sum(isinstance(event, AgentSignedIn) for event in world.events) == before + 1
