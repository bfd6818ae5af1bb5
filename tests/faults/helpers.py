"""What these tests have in common: callers at several places at once, and a look at whether all is well again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from routing.events import CallAnswered, CallEnded, CallQueued, CallRang, HotlineStarted, TalkStarted
from tests.asterisk.world import Caller, World

REPAIR = "22"
CONSULT = "1"
"""Leads to the queue that also takes those whom the server could not help."""
A_WHILE = 60.0
"""Seconds that something may take on a loaded machine while a server starts anew."""


async def arrives(world: World) -> Caller:
    """Somebody calls and is greeted."""
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    return caller


async def waits(world: World, keys: str = REPAIR) -> Caller:
    """Somebody calls and waits in a queue."""
    caller = await arrives(world)
    await caller.press(*keys)
    await world.hears(caller, CallQueued)
    return caller


async def talks(world: World, keys: str = REPAIR) -> Caller:
    """Somebody calls, reaches an agent, and speaks."""
    caller = await waits(world, keys)
    await world.hears(caller, TalkStarted)
    await caller.speak()
    return caller


def on_the_line(world: World) -> set[str]:
    """The callers whose lines are up, as the carrier sees it."""
    return {channel["id"] for channel in world.channels("telco")}


def in_queues(world: World) -> int:
    """How many callers wait, as Asterisk counts."""
    lines = world.cli("queue show").splitlines()
    return sum(line.strip()[:1].isdigit() and "PJSIP/carrier" in line for line in lines)


async def health(world: World) -> dict[str, Any]:
    """What the server says of itself."""
    return await world.server.get("/api/health")


def starts(world: World) -> int:
    """How often the server has started, as far as we have read."""
    return sum(isinstance(event, HotlineStarted) for event in world.events)


async def back(world: World, *, starts_before: int) -> None:
    """Wait until the server has started again, and everything in it works."""
    await world.sees(HotlineStarted, lambda _: True, "the server starts", nth=starts_before + 1, within=A_WHILE)
    await all_well(world)


async def all_well(world: World) -> None:
    """Wait until the server finds nothing wrong."""
    async with asyncio.timeout(A_WHILE):
        while (await health(world))["wrong"]:
            await asyncio.sleep(0.2)


async def all_is_over(world: World, *callers: Caller) -> None:
    """Everybody hangs up; then nobody is left on a line, in the log or on the board, and each call is told once."""
    for caller in callers:
        await caller.hang_up()
    for caller in callers:
        await world.hears(caller, CallEnded, within=A_WHILE)
    await world.until(lambda: world.channels("asterisk") == [], "all lines are down")
    async with asyncio.timeout(A_WHILE):
        while (await health(world))["live_calls"]:
            await asyncio.sleep(0.2)
    for caller in callers:
        assert (len(world.of(caller, CallRang)), len(world.of(caller, CallEnded))) == (1, 1), caller
    assert {each["call"] for each in (await world.server.get("/api/agents"))["agents"]} == {None}


@asynccontextmanager
async def a_storm(world: World, does: str = "quiet") -> AsyncIterator[Callable[[str, str], None]]:
    """Callers at any rate: `storm(id, number)` returns at once, and nothing they hear is recorded.

    `does` is what they do, a place in the carrier's dialplan: `quiet`, or `consult` to press 1.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", world.stack.ports.telco_manager)

    def send(**fields: str) -> None:
        writer.write("".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n")

    def call(channel: str, number: str) -> None:
        send(
            Action="Originate",
            Channel="PJSIP/4001234567@pbx",
            ChannelId=channel,
            Context="caller",
            Exten=does,
            Priority="1",
            CallerID=number,
            Async="true",
        )

    send(Action="Login", Username="tryout", Secret=world.secrets.services["telco-manager"], Events="off")
    answers = asyncio.create_task(reader.read())
    try:
        yield call
    finally:
        send(Action="Logoff")
        said = (await asyncio.wait_for(answers, A_WHILE)).decode()
        writer.close()
    assert "Response: Error" not in said, said


def cut(world: World) -> int:
    """Have Asterisk close our manager connections; return how many there were."""
    found = [line.split() for line in world.cli("manager show connected").splitlines()]
    links = [words for words in found if words[:1] in (["watch"], ["desk"])]
    for _, _, _, _, descriptor, *_ in links:
        world.cli(f"manager kick session {descriptor}")
    return len(links)
