"""Asterisk is gone and back: its calls are lost, but whoever calls next is served as if nothing had been."""

from __future__ import annotations

from routing.events import CallAnswered, CallEnded, CallRouted, TalkStarted
from tests.asterisk.world import World
from tests.faults.helpers import A_WHILE, all_well

CONSULT = "1"


async def test_the_first_caller_after_a_crash_reaches_an_agent_who_was_signed_in(world: World) -> None:
    await world.sign_in("1024")
    world.container("kill", "asterisk", "--signal", "KILL")
    world.container("start", "asterisk")
    # The carrier repeats the call until Asterisk answers, so this is the first there is.
    caller = await world.call()
    await world.hears(caller, CallAnswered, within=A_WHILE)
    await caller.press(CONSULT)
    await world.hears(caller, TalkStarted, agent="1024", within=A_WHILE)
    assert [routed.to for routed in world.of(caller, CallRouted)] == ["consult"]
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    await all_well(world)
