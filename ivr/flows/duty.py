"""Nobody has accepted an emergency: the duty officer's phone rings, the ticket is read out, key 1 accepts it."""

from __future__ import annotations

from typing import Final

from ivr.call import Call
from ivr.hand import Hand
from ivr.rooms import Emergency, Rooms

ROUNDS: Final = 3
"""So often it is read out; then the next person on the list is rung."""


async def duty(call: Call, rooms: Rooms, emergency: Emergency) -> Hand:
    """Read the emergency out until 1 is pressed; nobody presses it, and the call ends."""
    await call.answer()
    for _ in range(ROUNDS):
        if await _ask(call, emergency) == "1":
            assert rooms.duty is not None, "it told us of the emergency"
            taken = await rooms.duty.accept(call.id)
            await call.say("duty_accepted" if taken else "duty_not_needed")
            return Hand.hang_up()
    await call.say("duty_next")
    return Hand.hang_up()


async def _ask(call: Call, emergency: Emergency) -> str | None:
    """Where and what it is, if that can be said in this language, else its code alone."""
    if emergency.about:
        return await call.ask("duty_call", "1", code=emergency.code, about=emergency.about)
    return await call.ask("duty_call_short", "1", code=emergency.code)
