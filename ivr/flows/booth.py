"""Somebody speaks a prompt into a phone: after the tone, until #.

It is heard back as callers would hear it; 1 keeps it, 2 begins again. What callers could not follow is refused at once,
in words.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ivr.call import Call
from ivr.errors import CallerHungUp
from ivr.hand import Hand
from ivr.rooms import Booth, Rooms, Take, Wanted

TAKES: Final = 9
ROUNDS: Final = 3
"""So often a take is heard back and asked about; then it is not kept."""
BEYOND: Final = timedelta(seconds=10)
"""So much longer than may be is recorded: who says too much is told so, not cut off."""
FOLDER: Final = "/srv/messages/takes"
"""What was just spoken lies here, as Asterisk sees it."""
KEEP, AGAIN = "1", "2"


async def record_prompt(call: Call, rooms: Rooms, wanted: Wanted) -> Hand:
    """Say what is to be spoken, and record it until a take is kept."""
    booth = rooms.booth
    assert booth is not None, "it told us what is wanted"
    try:
        if wanted.sound is not None:
            await call.say("booth_words")
            await call.play("booth_now", wanted.sound)
        kept = await _record(call, booth, wanted)
        await call.say("booth_kept" if kept else "booth_not_kept")
    finally:
        booth.over(call.id)
    return Hand.hang_up()


async def _record(call: Call, booth: Booth, wanted: Wanted) -> bool:
    """Record until a take is kept; False when none is."""
    for _ in range(TAKES):
        await call.say("booth_speak")
        await call.record(f"{FOLDER}/{call.id}", limit=wanted.at_most + BEYOND, kind="wav16")
        if call.hung_up:
            raise CallerHungUp
        take = await booth.judge(call.id)
        key = await _ask(call, take)
        if key == KEEP:
            await booth.keep(call.id)
        if key != AGAIN:
            return key == KEEP
    return False


async def _ask(call: Call, take: Take) -> str | None:
    """Play it back and ask whether it is good; a take that callers could not follow is to be made again."""
    for fault in take.faults:
        await call.say(f"booth_{fault}")
    if take.sound is None:
        return AGAIN
    for _ in range(ROUNDS):
        await call.play("booth_take", take.sound)
        if (key := await call.ask("booth_keep", KEEP + AGAIN)) in (KEEP, AGAIN):
            return key
    return None
