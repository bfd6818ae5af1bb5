"""'Tell me when it is over': whoever is concerned by an emergency that is announced presses a key, and needs no person.

The key is none of any menu or language, so it may be pressed at any moment from the announcement until the menu is
left; nobody who knows the menu by heart presses it by mistake. Offered is it to callers who can have a message, until
they have asked once.
"""

from __future__ import annotations

from typing import Final

import structlog

from ivr.call import Call
from ivr.rooms import CannotLook, Rooms

TELL_ME: Final = "#"


async def offer_to_tell(call: Call, rooms: Rooms) -> None:
    """Say which key it is."""
    emergencies = announced(call, rooms)
    if call.caller is None or not emergencies:
        return
    try:
        offered = await rooms.tickets.may_be_told(call.caller, emergencies)
    except CannotLook as problem:
        structlog.get_logger().error("a caller could not be offered a message", call=call.id, problem=str(problem))
        return
    if offered:
        await call.say("news_tell_me", type_ahead=True)


async def tell_when_over(call: Call, rooms: Rooms) -> bool:
    """Note it and say so; False if there is nothing that this caller could be told."""
    if call.caller is None:
        return False
    try:
        noted = [
            await rooms.tickets.tell_when_over(call.caller, emergency, line=call.line.key)
            for emergency in announced(call, rooms)
        ]
    except CannotLook as problem:
        structlog.get_logger().error("a caller could not be noted", call=call.id, problem=str(problem))
        await call.say("news_not_noted")
        return True
    if any(noted):
        await call.say("news_noted")
    return any(noted)


def announced(call: Call, rooms: Rooms) -> list[str]:
    """The emergencies that this caller hears of."""
    news = rooms.news.concerning(call.caller, call.language, call.now())
    return [each.emergency for each in news if each.emergency is not None]
