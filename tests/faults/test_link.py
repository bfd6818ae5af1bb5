"""The manager link is cut while people are on the line: calls go on, and what was missed is found when it is back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

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
from tests.faults.helpers import A_WHILE, all_is_over, all_well, arrives, health, talks, waits


def times(world: World, kind: type[LinkLost | LinkBack]) -> int:
    """How often this has happened, as far as we have read."""
    return sum(isinstance(event, kind) for event in world.events)


def cut(world: World, account: str | None = None) -> int:
    """Have Asterisk close the manager connections of an account, or of all; return how many there were."""
    found = [line.split() for line in world.cli("manager show connected").splitlines()]
    links = [words for words in found if words[:1] in ([account], ["watch"], ["desk"]) and account in (None, words[0])]
    for words in links:
        descriptor = next(word for word in words[3:] if word.isdecimal() and int(word) > 2)
        world.cli(f"manager kick session {descriptor}")
    return len(links)


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
    assert 0 < returned.away.total_seconds() < 10
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
        assert (await health(world))["wrong"].keys() == {"ami-watch", "ami-desk"}

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
    async with without_the_link(world):
        with pytest.raises(Exception, match="the agent could not sign in"):
            await world.sign_in("1024")
        assert not [event for event in world.events if isinstance(event, AgentSignedIn) and event.agent == "1024"][1:]
    assert "1024 (" not in world.cli("queue show")
    await world.sign_in("1024")
    assert world.cli("queue show").count("1024 (") == 2


async def test_asterisk_restarts_and_agents_and_links_are_back(world: World) -> None:
    await world.sign_in("1024")
    await world.server.post("/api/agents/1024/pause", reason="meal")
    lost = times(world, LinkLost)
    await asyncio.to_thread(world.container, "restart", "asterisk")
    await world.sees(LinkLost, lambda _: True, "the link is lost", nth=lost + 1, within=A_WHILE)
    await all_well(world)
    await world.until(lambda: "(paused:meal" in world.cli("queue show"), "the pause and its reason are restored")
    await world.until(lambda: "chen-desk/" in world.cli("pjsip show contacts"), "the phone is back")
