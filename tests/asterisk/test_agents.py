"""Agents' duty from the command line, and what becomes of it when Asterisk or our server goes down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.cli.stack import start
from hotline.client import ServerError
from routing.events import AgentOffered, AgentRestored, CallAnswered, TalkStarted
from tests.asterisk import sound
from tests.asterisk.command_line import hotline
from tests.asterisk.sound import RATE
from tests.asterisk.world import SITE, World
from tests.faults.helpers import CONSULT, REPAIR, talks, waits

BACK_WITHIN = 90.0


async def is_restored(world: World, agent: str, *, since: int) -> None:
    """Wait until the log says that the agent was given back the last state, after so many events."""
    await world.sees(
        AgentRestored, lambda event: event.agent == agent and event in world.events[since:], f"{agent} is restored"
    )


async def duties(world: World) -> dict[str, str]:
    """What the list says about each agent, with the reason of a pause."""
    found = (await world.server.get("/api/agents"))["agents"]
    return {each["agent"]: ": ".join(filter(None, (each["duty"], each["reason"]))) for each in found}


def members(world: World) -> dict[str, list[str]]:
    """Who is in Asterisk's queues, with penalty and pause, e.g. "1024" or "1025(1) paused:meal"."""
    found: dict[str, list[str]] = {}
    here: list[str] = []
    for line in world.cli("queue show").splitlines():
        if queue := re.match(r"([a-z-]+) has \d+ calls", line):
            here = found[queue[1]] = []
        elif agent := re.match(r" +(\d+) \(PJSIP/", line):
            penalty = re.search(r" with penalty (\d+)", line)
            pause = re.search(r" \((paused.*?) was ", line)
            here.append(agent[1] + (f"({penalty[1]})" if penalty else "") + (f" {pause[1]}" if pause else ""))
    return {queue: sorted(agents) for queue, agents in found.items()}


async def soon(good: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until something is so; while a part of the house is down, it is not."""
    try:
        async with asyncio.timeout(BACK_WITHIN):
            while True:
                try:
                    if await good():
                        return
                except (ServerError, AssertionError):
                    pass
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not so within {BACK_WITHIN} s: {what}") from None


async def all_well(world: World) -> None:
    """Wait until the server says that nothing is wrong."""

    async def good() -> bool:
        return not (await world.server.get("/api/health"))["wrong"]

    await soon(good, "the server is well")


async def has_members(world: World, expected: dict[str, list[str]]) -> None:
    """Wait until these agents, and no others, are in Asterisk's queues."""
    seen: list[dict[str, list[str]]] = [{}]

    async def good() -> bool:
        seen[0] = await asyncio.to_thread(members, world)
        return seen[0] == expected

    try:
        await soon(good, "")
    except AssertionError:
        assert seen[0] == expected


async def a_morning(world: World) -> dict[str, list[str]]:
    """Chen is paused for a meal, Li is ready, Wang is not there. Returns how the queues are then."""
    await world.sign_in("1024", "1025")
    await world.server.post("/api/agents/1024/pause", {"reason": "meal"})
    expected = {"consult": ["1024 paused:meal"], "repair": ["1024 paused:meal", "1025(1)"], "complaint": ["1025"]}
    assert members(world) == expected
    return expected


async def li_takes_a_call(world: World) -> None:
    """A caller for repair reaches the only agent who is ready."""
    await world.until(lambda: "1025 (PJSIP/li-desk)" in _not_in_use(world), "Li's phone is known", within=BACK_WITHIN)
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press("2", "2")
    talk = await world.hears(caller, TalkStarted)
    assert talk.agent == "1025"


def _not_in_use(world: World) -> str:
    return "\n".join(line for line in world.cli("queue show repair").splitlines() if "(Not in use)" in line)


# From the command line


async def test_a_day_at_the_command_line(world: World) -> None:
    assert await hotline(world, "agent", "signin", "1024") == "agent 1024 (Chen) is ready\n"
    assert members(world) == {"consult": ["1024"], "repair": ["1024"], "complaint": []}
    assert await hotline(world, "agent", "pause", "1024", "--reason", "午餐") == "agent 1024 (Chen) is paused: 午餐\n"
    assert members(world)["consult"] == ["1024 paused:午餐"]
    assert await hotline(world, "agent", "unpause", "1024") == "agent 1024 (Chen) is ready\n"
    assert members(world)["consult"] == ["1024"]
    assert await hotline(world, "agent", "signout", "1024") == "agent 1024 (Chen) is signed-out\n"
    assert members(world) == {"consult": [], "repair": [], "complaint": []}


async def test_the_list_shows_every_agent_with_state_reason_and_queues(world: World) -> None:
    await a_morning(world)
    listing = await hotline(world, "agent", "list")
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in listing.splitlines() if "│" in line]
    assert [row[:3] + row[4:] for row in rows] == [
        ["1024", "Chen", "paused", "meal", "", "consult (0), repair (0)"],
        ["1025", "Li", "ready", "", "", "repair (1), complaint (0)"],
        ["1026", "Wang", "signed-out", "", "", "consult (1), repair (2), complaint (0)"],
    ]
    assert all(re.fullmatch(r"0:00:\d\d", row[3]) for row in rows[:2])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("signin", "9999"), "no agent has the work number '9999'; there are 1024, 1025, 1026"),
        (
            ("pause", "1026", "--reason", "meal"),
            "an agent who is signed out cannot pause; possible now: sign in",
        ),
        (("signout", "1026"), "an agent who is signed out cannot sign out; possible now: sign in"),
        (
            ("unpause", "1024"),
            "an agent who is ready cannot end the pause; possible now: pause, sign in, sign out",
        ),
        (("pause", "1024", "--reason", "a,b"), "reason: 1 to 40 letters, digits, blanks, - or _"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(world: World, words: tuple[str, ...], problem: str) -> None:
    await world.sign_in("1024")
    before = members(world)
    assert await hotline(world, "agent", *words, status=1) == f"hotline: {problem}\n"
    assert members(world) == before


# Asterisk goes down


@pytest.mark.parametrize("verb", ["restart", "kill", "kill and lose its memory"])
async def test_when_asterisk_is_back_every_agent_is_as_last_confirmed(world: World, verb: str) -> None:
    expected = await a_morning(world)
    seen = len(world.events)
    if verb == "restart":
        world.container("restart", "asterisk")
    else:
        if "memory" in verb:
            world.inside("asterisk", "sh", "-c", "rm /var/lib/asterisk/astdb.sqlite3*")
        world.container("kill", "asterisk", "-s", "KILL")
        world.container("start", "asterisk")
    await has_members(world, expected)
    await all_well(world)

    assert await duties(world) == {"1024": "paused: meal", "1025": "ready", "1026": "signed-out"}
    if "memory" in verb:
        for agent in ("1024", "1025"):
            await is_restored(world, agent, since=seen)
        world.cli("pjsip send register *all", "agents")
    await li_takes_a_call(world)
    assert not [event for event in world.events[seen:] if isinstance(event, AgentRestored) and event.agent == "1026"]


# Our server goes down


@pytest_asyncio.fixture
async def the_usual_site(world: World) -> AsyncIterator[None]:
    """Whatever a test makes of the site, afterwards it is the usual one."""
    yield
    await asyncio.to_thread(start, world.stack, SITE, tryout=True)


async def test_a_killed_server_remembers_the_agents_and_puts_back_what_changed_meanwhile(world: World) -> None:
    expected = await a_morning(world)
    world.container("kill", "hotline", "-s", "KILL")
    try:
        said = await hotline(world, "agent", "list", status=1)
        assert said.startswith("hotline: the server at http://127.0.0.1:")
        assert said.endswith("is it running? see: hotline doctor\n")
        world.cli("queue pause member PJSIP/li-desk queue repair reason console")
        world.cli("queue unpause member PJSIP/chen-desk")
        world.cli("queue remove member PJSIP/chen-desk from consult")
        world.cli("queue add member PJSIP/wang-desk to consult")
        assert members(world) != expected
    finally:
        world.container("start", "hotline")
    await has_members(world, expected)
    await all_well(world)
    assert await duties(world) == {"1024": "paused: meal", "1025": "ready", "1026": "signed-out"}
    await li_takes_a_call(world)


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("the_usual_site")
async def test_queues_and_penalties_that_the_site_changes_reach_agents_on_duty(world: World, tmp_path: Path) -> None:
    await a_morning(world)
    changed = tmp_path / "site.toml"
    usual = SITE.read_text()
    assert "queues = { consult = 0, repair = 0 }" in usual
    assert "queues = { repair = 1, complaint = 0 }" in usual
    changed.write_text(
        usual.replace("queues = { consult = 0, repair = 0 }", "queues = { consult = 3, billing = 2 }").replace(
            "queues = { repair = 1, complaint = 0 }", "queues = { repair = 0, complaint = 0, billing = 0 }"
        )
        + '\n[[queues]]\nname = "billing"\ntransfer_code = "704"\n'
    )
    await asyncio.to_thread(start, world.stack, changed, tryout=True)
    await has_members(
        world,
        {
            "consult": ["1024(3) paused:meal"],
            "repair": ["1025"],
            "complaint": ["1025"],
            "billing": ["1024(2) paused:meal", "1025"],
        },
    )
    await all_well(world)


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("the_usual_site")
async def test_who_wraps_up_is_offered_no_call_of_any_queue_and_the_next_one_as_soon_as_it_is_over(
    world: World, tmp_path: Path
) -> None:
    changed = tmp_path / "site.toml"
    changed.write_text(SITE.read_text().replace('wrap_up = "PT0S"', 'wrap_up = "PT120S"', 1))
    await asyncio.to_thread(start, world.stack, changed, tryout=True)
    await all_well(world)
    await world.sign_in("1024")
    first = await talks(world, CONSULT)
    await first.hang_up()
    await soon(lambda: is_shown(world, "1024", "wrap-up"), "1024 wraps up")
    await has_members(world, {"consult": ["1024(1000)"], "repair": ["1024(1000)"], "complaint": []})

    # In the other queue nobody else answers; yet the caller may wait, through several rounds of the queue's offers.
    second = await waits(world, REPAIR)
    await world.until(lambda: len(second.heard()) > 12 * RATE, "the caller has waited for a while")
    assert world.of(second, AgentOffered) == []
    assert await is_shown(world, "1024", "wrap-up")
    await world.server.post("/api/agents/1024/end-wrap-up")
    await world.hears(second, TalkStarted, agent="1024")
    await has_members(world, {"consult": ["1024"], "repair": ["1024"], "complaint": []})

    # Our server goes while the agent wraps up, and cannot end it: whoever calls now is not made to wait for that.
    await second.hang_up()
    await has_members(world, {"consult": ["1024(1000)"], "repair": ["1024(1000)"], "complaint": []})
    world.container("stop", "hotline")
    try:
        third = await world.place("4001234567")
        says = world.prompt("tryout/agent")
        await world.until(lambda: sound.fraction_heard(says, third.heard()) > 0.5, "an agent talks", within=BACK_WITHIN)
    finally:
        world.container("start", "hotline")
    await all_well(world)


async def is_shown(world: World, agent: str, state: str) -> bool:
    """Whether the list has this agent in this state."""
    found = (await world.server.get("/api/agents"))["agents"]
    return any((each["agent"], each["state"]) == (agent, state) for each in found)
