"""The connect greeting: an agent has picked up, and the caller hears brand and work number before they talk.

It runs on the caller's channel out of Queue() (its AGI argument). The agent hears silence meanwhile, so it is one short
file made ahead; whatever is wrong with it, the two are connected.
"""

from __future__ import annotations

import structlog

from ivr.call import Call
from ivr.rooms import Rooms
from prompts.errors import MissingPrompt
from routing.events import GreetingEnded, GreetingStarted


async def greeting(call: Call, rooms: Rooms) -> None:
    """Say '<brand>, agent <work number> at your service' to the caller."""
    agent, language = await call.get("MEMBERNAME", "HOTLINE_LANGUAGE")
    if not agent:
        structlog.get_logger().error("the queue did not say who answered", call=call.id)
        return
    rooms.agent_answered(call.id, agent)
    try:
        sound = rooms.words.sound("agent_greeting", language or call.language, brand=call.line.key, work_number=agent)
    except MissingPrompt as missing:
        structlog.get_logger().error("an agent has no greeting", call=call.id, agent=agent, problem=str(missing))
        return
    rooms.record(GreetingStarted(at=call.now(), call=call.id, agent=agent))
    whole = False
    try:
        await call.play("agent_greeting", sound)
        whole = True
    finally:
        rooms.record(GreetingEnded(at=call.now(), call=call.id, agent=agent, whole=whole))
