"""The connect greeting: an agent has picked up, and the caller hears festival, brand and work number before they talk.

It runs on the caller's channel out of Queue() (its AGI argument). The agent hears silence meanwhile, so it is one short
file made ahead; whatever is wrong with it, the two are connected. When the agent hangs up it stops: Queue() goes on as
if they were connected, and the dialplan then puts the caller back, first in line.
"""

from __future__ import annotations

import structlog

from ivr.call import Call
from ivr.rooms import Rooms
from prompts.errors import MissingPrompt
from prompts.library import Sound
from routing.events import GreetingEnded, GreetingStarted
from routing.keypad import AGENT_GONE


async def greeting(call: Call, rooms: Rooms) -> None:
    """Say '<festival>! <brand>, agent <work number> at your service'; an agent who asks a colleague needs none."""
    agent, language, caller = await call.get("MEMBERNAME", "HOTLINE_LANGUAGE", "HOTLINE_CALL")
    if not caller:
        return
    if not agent:
        structlog.get_logger().error("the queue did not say who answered", call=call.id)
        return
    rooms.agent_answered(call.id, agent)
    call.language = language or call.language
    sound = _sound(call, rooms, agent)
    if sound is None:
        return
    rooms.record(GreetingStarted(at=call.now(), call=call.id, agent=agent))
    whole = False
    try:
        whole = await call.play("agent_greeting", sound, AGENT_GONE) != AGENT_GONE
    finally:
        rooms.record(GreetingEnded(at=call.now(), call=call.id, agent=agent, whole=whole))


def _sound(call: Call, rooms: Rooms, agent: str) -> Sound | None:
    """The one file for this day; on a festival that it was not made for, the plain one."""
    today = "-".join(rooms.calendar.festivals(call.now()))
    for festival in dict.fromkeys((today, "")):
        try:
            return rooms.words.sound(
                "agent_greeting", call.language, brand=call.line.key, work_number=agent, festival=festival
            )
        except MissingPrompt as missing:
            structlog.get_logger().error("an agent has no greeting", call=call.id, agent=agent, problem=str(missing))
    return None
