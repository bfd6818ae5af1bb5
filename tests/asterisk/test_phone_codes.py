"""What an agent may dial on the own phone: the codes of duty, each confirmed by voice, and nothing unlisted."""

from __future__ import annotations

import pytest

from routing.events import AgentPaused, AgentSignedIn, AgentSignedOut, AgentUnpaused
from tests.asterisk import sound
from tests.asterisk.world import Dialling, World

CHEN = "chen-desk"


async def dials(world: World, code: str, *, phone: str = CHEN) -> Dialling:
    """Let the agent dial a code and listen until the hotline hangs up."""
    dialling = await world.dial(phone, code)
    await world.until(dialling.over, f"the hotline has hung up after {code}")
    return dialling


def confirmed(world: World, dialling: Dialling, *prompts: str) -> bool:
    """Whether the agent heard each of these prompts whole."""
    heard = dialling.heard()
    return all(sound.heard_whole(world.prompt(f"zh/{prompt}"), heard) for prompt in prompts)


async def duty(world: World, agent: str) -> tuple[str, str | None]:
    """What the list of agents says."""
    found = (await world.server.get("/api/agents"))["agents"]
    return next((each["duty"], each["reason"]) for each in found if each["agent"] == agent)


def places(world: World, agent: str) -> list[str]:
    """The agent's lines in Asterisk's own list of queues."""
    return [line.strip() for line in world.cli("queue show").splitlines() if line.strip().startswith(f"{agent} (")]


async def test_star_11_signs_the_agent_in_and_12_out(world: World) -> None:
    signed_in = await dials(world, "*11")
    assert confirmed(world, signed_in, "signed_in")
    assert await duty(world, "1024") == ("ready", None)
    assert len(places(world, "1024")) == 2

    signed_out = await dials(world, "*12")
    assert confirmed(world, signed_out, "signed_out")
    assert not confirmed(world, signed_out, "signed_in")
    assert await duty(world, "1024") == ("signed-out", None)
    assert places(world, "1024") == []

    steps = [event for event in world.events if isinstance(event, AgentSignedIn | AgentSignedOut)]
    assert [(type(event), event.agent) for event in steps[-2:]] == [(AgentSignedIn, "1024"), (AgentSignedOut, "1024")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("*13", "other"),
        ("*131", "rest"),
        ("*132", "meal"),
        ("*133", "training"),
        ("*134", "meeting"),
        ("*139", "other"),
    ],
)
async def test_star_13_pauses_with_a_reason_and_says_it(world: World, code: str, reason: str) -> None:
    await world.sign_in("1024")
    dialling = await dials(world, code)
    assert confirmed(world, dialling, "paused", f"reason_{reason}")
    assert await duty(world, "1024") == ("paused", reason)
    assert len(places(world, "1024")) == 2
    assert all(f"paused:{reason}" in place for place in places(world, "1024"))
    paused = await world.sees(AgentPaused, lambda event: event.agent == "1024" and event.reason == reason, "the pause")
    assert paused.call is None


async def test_star_14_ends_the_pause(world: World) -> None:
    await world.sign_in("1024")
    await world.server.post("/api/agents/1024/pause", {"reason": "meal"})
    dialling = await dials(world, "*14")
    assert confirmed(world, dialling, "unpaused")
    assert await duty(world, "1024") == ("ready", None)
    assert not any("paused" in place for place in places(world, "1024"))
    await world.sees(AgentUnpaused, lambda event: event.agent == "1024", "the end of the pause")


async def test_the_phone_says_who_the_agent_is(world: World) -> None:
    await dials(world, "*11", phone="li-desk")
    assert (await duty(world, "1025"))[0] == "ready"
    assert (await duty(world, "1024"))[0] == "signed-out"


@pytest.mark.parametrize("code", ["*10", "*15", "*135", "*130"])
async def test_a_code_that_means_nothing_says_so_and_changes_nothing(world: World, code: str) -> None:
    await world.sign_in("1024")
    dialling = await dials(world, code)
    assert confirmed(world, dialling, "not_done")
    assert await duty(world, "1024") == ("ready", None)


async def test_a_step_the_agent_cannot_take_now_says_so(world: World) -> None:
    dialling = await dials(world, "*131")
    assert confirmed(world, dialling, "not_done")
    assert not confirmed(world, dialling, "paused")
    assert await duty(world, "1024") == ("signed-out", None)


def calls_to_departments(world: World) -> list[str]:
    """The recordings of calls that went out through the carrier."""
    return world.inside("telco", "sh", "-c", "cd /srv/tryout && ls department-*.all.wav 2>/dev/null || true").split()


async def test_a_phone_may_dial_a_listed_department(world: World) -> None:
    dialling = await world.dial(CHEN, "801")
    says = world.prompt("tryout/department")
    await world.until(lambda: sound.fraction_heard(says, dialling.heard()) > 0.5, "the department is heard")
    assert ["01012345678" in call for call in calls_to_departments(world)] == [True]


@pytest.mark.parametrize(
    "outside",
    [
        "13800000000",
        "013800000000",
        "+8613800000000",
        "01012345678",  # the department's own number: only its short code may be dialled
        "4001234567",  # the hotline's number: only the carrier may call it
        "front-door",
        "s",
        "*21",
    ],
)
async def test_a_phone_can_dial_nothing_that_is_not_listed(world: World, outside: str) -> None:
    seen = len(world.events)
    dialling = await dials(world, outside)
    assert not dialling.answered
    await world.until(lambda: dialling.channel in world.phones.causes, "the phone is told")
    assert world.phones.causes[dialling.channel] == 1, "there is no such number"
    assert calls_to_departments(world) == []
    assert world.events[seen:] == [], "no call came in by the front door"
