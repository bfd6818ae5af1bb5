"""Nobody accepts an emergency: the duty officer's phone rings on the real Asterisk, and key 1 accepts the ticket."""

from __future__ import annotations

import numpy as np

from tests.asterisk import sound
from tests.asterisk.sound import Sound
from tests.asterisk.world import World

LEAD, CHIEF = "13900139000", "13900139001"
"""The duty list of the tests' site, as the carrier is dialled."""


async def open_emergency(world: World) -> str:
    """Have a lead open an emergency; return its code."""
    body = {"kind": "emergency", "problem": "和平路爆管", "address": "和平路一号"}
    opened = await world.server.post("/api/tickets", body)
    return str(opened["ticket"]["code"])


async def state(world: World, code: str) -> str:
    return str((await world.server.get(f"/api/tickets/{code}"))["ticket"]["state"])


def ringing(world: World, number: str) -> str:
    """The channel at the carrier on which this number was called and picked up; empty when there is none."""
    lines = [line for line in world.channels("telco") if line["where"] == f"departments,{number}"]
    return lines[0]["id"] if lines else ""


async def picks_up(world: World, number: str) -> str:
    await world.until(lambda: bool(ringing(world, number)), f"{number} is rung and picks up", within=60)
    return ringing(world, number)


def heard_by(world: World, number: str, channel: str) -> Sound:
    return world.recording("telco", f"/srv/tryout/department-{number}-{channel}.wav")


def read_out(world: World) -> list[Sound]:
    """The sounds that were joined for calls, newest first."""
    files = world.inside("asterisk", "sh", "-c", "ls -t /srv/sounds/joined/*.sln 2>/dev/null || true").split()
    return [sound.from_sln(world.inside_bytes("asterisk", "cat", file)) for file in files[:2]]


async def test_the_duty_officer_hears_the_emergency_and_key_1_accepts_it(world: World) -> None:
    code = await open_emergency(world)
    channel = await picks_up(world, LEAD)

    def whole() -> bool:
        heard = heard_by(world, LEAD, channel)
        return any(sound.heard_whole(said, heard) for said in read_out(world) if len(said) > 8000)

    await world.until(whole, "the emergency is read out", within=60)
    await world.telco.do("PlayDTMF", Channel=channel, Digit="1")
    await world.until(lambda: not ringing(world, LEAD), "the call is over", within=60)
    assert await state(world, code) == "acknowledged"
    heard = heard_by(world, LEAD, channel)
    assert sound.heard_whole(world.prompt("zh/duty_accepted"), heard)
    assert not sound.heard_whole(world.prompt("zh/duty_next"), heard)
    assert not ringing(world, CHIEF)
    found = await world.server.get("/api/notices", ticket=code)
    assert [(each["occasion"], each["state"]) for each in found["notices"]] == [("duty_call", "delivered")]


async def test_a_duty_officer_who_is_busy_passes_the_emergency_to_the_next(world: World) -> None:
    await world.telco.do("Setvar", Variable=f"MANNER_{LEAD}", Value="busy")
    try:
        code = await open_emergency(world)
        channel = await picks_up(world, CHIEF)
        before = np.size(heard_by(world, CHIEF, channel))
        await world.until(
            lambda: np.size(heard_by(world, CHIEF, channel)) > before + 8000, "the call goes on", within=60
        )
        await world.telco.do("PlayDTMF", Channel=channel, Digit="1")
        await world.until(lambda: not ringing(world, CHIEF), "the call is over", within=60)
        assert await state(world, code) == "acknowledged"
    finally:
        await world.telco.do("Setvar", Variable=f"MANNER_{LEAD}", Value="")
