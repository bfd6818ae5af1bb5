"""Tickets and calls: the caller hears how a ticket stands, and a call that nobody could take leaves a draft."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from casework.ticket import State
from routing.events import CallAnswered, CallEnded, KeyPressed, MessageLeft, PromptHeard
from tests.asterisk import sound
from tests.asterisk.test_message import is_asked_for_a_message, speaks
from tests.asterisk.world import Caller, World

STATES = (State.OPENED, State.DISPATCHED, State.UNDER_WAY, State.CLOSED)
PRIVATE = "幸福路"


async def a_ticket(world: World, phone: str, *moves: str) -> str:
    """Somebody's repair; its code."""
    facts = {"problem": "漏水", "address": f"{PRIVATE}12号", "name": "王芳", "phone": phone}
    ticket = (await world.server.ask("POST", "/api/tickets", json={"kind": "repair", **facts}))["ticket"]
    for move in moves:
        step = {"move": move} | ({"to": "crew-3"} if move == "dispatch" else {})
        await world.server.ask("POST", f"/api/tickets/{ticket['code']}/steps", json=step)
    return str(ticket["code"])


def nobodys_number() -> str:
    """A number that has no ticket yet, in a database that is kept from run to run."""
    return f"137{uuid.uuid4().int % 10**8:08}"


async def asks(world: World, number: str) -> Caller:
    """Somebody calls from this number and presses 4."""
    caller = await world.call(number=number)
    await world.hears(caller, CallAnswered)
    await caller.press("4")
    return caller


def state_heard(world: World, caller: Caller) -> State:
    """Which of the states the caller heard: those made ahead are laid over what was heard."""
    sounds = {str(state): world.prompt(f"zh/ticket_{state.replace('-', '_')}") for state in STATES}
    return State(sound.closest(sounds, caller.heard()))


async def test_who_calls_from_the_tickets_number_hears_how_it_stands(world: World) -> None:
    number = nobodys_number()
    await a_ticket(world, number, "dispatch")
    caller = await asks(world, number)
    await world.hears(caller, PromptHeard, prompt="ticket_another", cut_by=None)
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    told = ["ticket_stands", "ticket_expected", "ticket_another"]
    assert [event.prompt for event in world.of(caller, PromptHeard)][1:4] == told
    heard = caller.heard()
    assert state_heard(world, caller) is State.DISPATCHED
    assert sound.heard_whole(world.prompt("zh/ticket_another"), heard)
    assert not sound.heard_whole(world.prompt("zh/ticket_key_code"), heard)
    assert sound.heard_whole(joined(world), heard)


def joined(world: World) -> sound.Sound:
    """The longest sentence that was joined for a call last: what it is, its nine digits, and how it stands."""
    listing = world.inside("asterisk", "sh", "-c", "ls -t /srv/sounds/joined/*.sln | head -2 | xargs ls -S | head -1")
    return sound.from_sln(world.inside_bytes("asterisk", "cat", listing.strip()))


async def test_a_stranger_keys_the_code_and_hears_nothing_personal(world: World) -> None:
    code = await a_ticket(world, nobodys_number(), "dispatch", "start")
    caller = await asks(world, nobodys_number())
    await world.hears(caller, KeyPressed)
    for nth, digit in enumerate(code, start=2):
        await caller.press(digit)
        await world.hears(caller, KeyPressed, nth=nth)
    await world.hears(caller, PromptHeard, prompt="ticket_expected", cut_by=None)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    assert state_heard(world, caller) is State.UNDER_WAY
    story = await world.server.get(f"/api/calls/{caller.call}", reveal="yes")
    assert PRIVATE not in str(story)


async def test_a_message_becomes_a_draft_with_its_recording(world: World) -> None:
    caller = await is_asked_for_a_message(world)
    await speaks(world, caller, 2)
    await caller.hang_up()
    left = await world.hears(caller, MessageLeft)
    draft = await the_draft_of(world, caller)
    assert (draft["source"], draft["state"], draft["recording"]) == ("message", "draft", left.file)
    assert draft["caller"] == caller.number


async def the_draft_of(world: World, caller: Caller) -> dict[str, Any]:
    """What the call left behind, as soon as it is there."""
    asked = {"call": caller.call, "reveal": "yes"}
    async with asyncio.timeout(30):
        while not (found := (await world.server.ask("POST", "/api/tickets/search", json=asked))["tickets"]):
            await asyncio.sleep(0.2)
    (draft,) = found
    return dict(draft)
