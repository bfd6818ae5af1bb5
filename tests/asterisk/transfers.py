"""What an agent's phone does in a transfer, as SIP: REFER, and REFER with Replaces."""

from __future__ import annotations

import asyncio

from tests.asterisk.world import WITHIN, Dialling, World


def line_of(world: World, phone: str) -> str:
    """The one call that the phone took, as the phones' Asterisk names it."""
    lines = [line["channel"] for line in world.channels("agents") if line["where"] == f"phones,{phone}"]
    assert len(lines) == 1, f"{phone} has {len(lines)} calls"
    return lines[0]


async def transfer(world: World, phone: str, to: str) -> None:
    """Press the transfer button and dial: the caller is sent on without asking anybody."""
    await refer(world, phone, line_of(world, phone), f"sip:{to}@{world.stack.pbx}")


async def hand_over(world: World, phone: str, asked: Dialling, to: str, *, the_other_way: bool = False) -> None:
    """Press the transfer button again, after a colleague was asked: caller and colleague are left with each other.

    Some phones ask for it on the line to the colleague instead of the line to the caller: `the_other_way`.
    """
    on, other = line_of(world, phone), asked.channel
    if the_other_way:
        on, other = other, on
    replaces = await _replaces(world, other)
    await refer(world, phone, on, f"<sip:{to}@{world.stack.pbx}?Replaces={replaces}>")


async def rings_at(world: World, phone: str, to: str) -> Dialling:
    """Let the phone dial a colleague; returns when the colleague's phone rings."""
    asked = Dialling(world, f"asking-{to}", answered=False)
    await world.phones.do(
        "Originate",
        Channel=f"PJSIP/{to}@out-{phone}",
        ChannelId=asked.channel,
        Context="dial",
        Exten="listen",
        Priority="1",
        Async="true",
    )
    async with asyncio.timeout(WITHIN):
        while not await world.phones.value(asked.channel, "CHANNEL(pjsip,remote_tag)"):
            await asyncio.sleep(0.1)
    return asked


async def is_refused(world: World, phone: str) -> None:
    """Wait until the phone has learnt that its transfer is refused."""
    line, status = line_of(world, phone), ""
    async with asyncio.timeout(WITHIN):
        while not (status := await world.phones.value(line, "TRANSFERSTATUS")):
            await asyncio.sleep(0.1)
    assert status == "FAILURE"


async def _replaces(world: World, line: str) -> str:
    """The dialog of this line, as the header Replaces names it inside an address."""
    call_id, ours, theirs = [
        await world.phones.value(line, f"CHANNEL(pjsip,{what})") for what in ("call-id", "local_tag", "remote_tag")
    ]
    return f"{call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{ours}"


async def refer(world: World, phone: str, line: str, to: str) -> None:
    """Ask for a transfer of this line to any address."""
    await world.phones.do("Setvar", Channel=line, Variable="TRANSFERSTATUS", Value="")
    await world.phones.do("Setvar", Channel=line, Variable="TRANSFER_TO", Value=to)
    await world.phones.do("Redirect", Channel=line, Context="phones", Exten=phone, Priority="transfer")
