"""Nobody can answer: the caller leaves a message, and somebody calls back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ivr.call import Call
from ivr.errors import CallerHungUp
from ivr.hand import Hand
from ivr.rooms import Rooms
from routing.events import MessageLeft
from routing.recordings import SHORTEST_MESSAGE

LONGEST: Final = timedelta(minutes=3)
FOLDER: Final = "/srv/messages"


async def message(call: Call, rooms: Rooms) -> Hand:
    """Say why nobody answers, record the message, and thank for it."""
    (reason,) = await call.get("HOTLINE_REASON")
    await call.say("closed_leave_message" if reason == "closed" else "busy_leave_message")
    # From here on the dialplan, should it have to go on without us, does not ask again and record over it.
    await call.set("HOTLINE_MESSAGE", "begun")
    length = await call.record(f"{FOLDER}/{call.id}", limit=LONGEST)
    left = length >= SHORTEST_MESSAGE
    if left:
        rooms.record(MessageLeft(at=call.now(), call=call.id, file=f"{call.id}.wav", length=length))
    if call.hung_up:
        raise CallerHungUp
    await call.say("message_thanks" if left else "goodbye")
    return Hand.hang_up()
