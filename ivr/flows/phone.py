"""The codes an agent dials on the own phone: sign in and out, pause and end the pause, each confirmed by voice; and the
own greeting, to be recorded.

What is confirmed is done and written down: an agent who heard it may rely on it, also after a crash.
"""

from __future__ import annotations

import re
from typing import Final

import structlog

from ivr.call import Call
from ivr.flows.booth import record_prompt
from ivr.hand import Hand
from ivr.rooms import Desk, Rooms
from routing.agents import AgentError

PAUSES: Final = {
    "*13": "other",
    "*131": "rest",
    "*132": "meal",
    "*133": "training",
    "*134": "meeting",
    "*139": "other",
}
"""The reason of a pause by the code that asks for it."""
OWN_GREETING: Final = re.compile(r"\*16([1-9]?)")
"""Record the own greeting; of several (lines, languages) the one with this place, else the first."""


async def phone_code(call: Call, rooms: Rooms, phone: str, code: str) -> Hand:
    """Do what the code asks for the agent whose phone this is, and say that it is done."""
    agent = rooms.desk.at_phone(phone)
    if agent is None:
        await call.say("not_known_phone")
        return Hand.hang_up()
    if rooms.booth is not None and (own := OWN_GREETING.fullmatch(code)):
        wanted = rooms.booth.own_greeting(call.id, agent, int(own[1] or "1"))
        if wanted is not None:
            return await record_prompt(call, rooms, wanted)
    try:
        confirmation = await _do(rooms.desk, agent, code)
    except AgentError as cannot:
        structlog.get_logger().warning(
            "a phone code was not carried out", agent=agent, dialled=code, problem=str(cannot)
        )
        confirmation = ["not_done"]
    for prompt in confirmation:
        await call.say(prompt)
    return Hand.hang_up()


async def _do(desk: Desk, agent: str, code: str) -> list[str]:
    """Carry out one code and return what to say about it."""
    if code == "*11":
        await desk.sign_in(agent)
        return ["signed_in"]
    if code == "*12":
        await desk.sign_out(agent)
        return ["signed_out"]
    if code == "*14":
        await desk.unpause(agent)
        return ["unpaused"]
    if (reason := PAUSES.get(code)) is not None:
        await desk.pause(agent, reason)
        return ["paused", f"reason_{reason}"]
    return ["not_done"]
