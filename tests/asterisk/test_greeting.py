"""The greeting with the agent's work number, and who hangs up in it."""

from __future__ import annotations

from routing.events import (
    AgentAnswered,
    AgentOffered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRequeued,
    GreetingEnded,
    GreetingStarted,
    PromptHeard,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.sound import RATE
from tests.asterisk.transfers import line_of
from tests.asterisk.world import Caller, World

CHEN, WANG = "chen-desk", "wang-desk"
CONSULT, REPAIR = "1", "22"


async def calls(world: World, keys: str) -> Caller:
    """Somebody calls and chooses, without listening to the menu."""
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press(*keys)
    return caller


async def greeted_by_chen(world: World, caller: Caller) -> str:
    """Wait until the caller begins to hear Chen's work number; return Chen's line."""
    await world.hears(caller, AgentOffered, agent="1024")
    line = line_of(world, CHEN)
    await world.hears(caller, GreetingStarted, agent="1024")
    return line


async def test_an_agent_who_hangs_up_in_the_greeting_puts_the_caller_through_to_another(world: World) -> None:
    await world.manner(CHEN, "answer", pause=2)
    await world.sign_in("1024", "1026")
    caller = await calls(world, CONSULT)
    line = await greeted_by_chen(world, caller)
    await world.manner(CHEN, "busy")
    await world.phones.do("Hangup", Channel=line)

    requeued = await world.hears(caller, CallRequeued)
    again = await world.hears(caller, CallQueued, nth=2)
    await world.hears(caller, TalkStarted, agent="1026")
    await caller.speak()
    said = world.prompt("tryout/caller")[: 2 * RATE]
    await world.until(
        lambda: any(sound.fraction_heard(said, heard) > 0.5 for heard in world.heard_by(WANG)), "Wang hears the caller"
    )
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    assert requeued.why == "agent-hung-up"
    assert (again.queue, again.position) == ("consult", 1)
    assert [event.agent for event in world.of(caller, AgentAnswered)] == ["1024", "1026"]
    assert sound.heard_whole(world.prompt("zh/agents/heating/1026"), caller.heard())


async def test_the_greeting_stops_when_its_agent_hangs_up(world: World) -> None:
    await world.manner(CHEN, "answer", pause=2)
    await world.sign_in("1024")
    caller = await calls(world, CONSULT)
    line = await greeted_by_chen(world, caller)
    await world.manner(CHEN, "ignore")
    await world.phones.do("Hangup", Channel=line)

    ended = await world.hears(caller, GreetingEnded)
    cut = await world.hears(caller, PromptHeard, prompt="agent_greeting")
    await world.hears(caller, AgentOffered, nth=2)
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    assert (ended.agent, ended.whole) == ("1024", False)
    assert cut.cut_by == "hang-up"
    assert cut.heard < cut.length
    assert not sound.heard_whole(world.prompt("zh/agents/heating/1024"), caller.heard())
    assert world.of(caller, TalkStarted) == []


async def test_an_agent_who_hangs_up_just_as_the_greeting_ends_has_not_talked(world: World) -> None:
    await world.manner(CHEN, "answer", pause=2)
    await world.sign_in("1024", "1026")
    caller = await calls(world, CONSULT)
    line = await greeted_by_chen(world, caller)
    await world.manner(CHEN, "busy")
    await world.hears(caller, GreetingEnded)
    await world.phones.do("Hangup", Channel=line)

    requeued = await world.hears(caller, CallRequeued)
    again = await world.hears(caller, AgentAnswered, agent="1026")
    await world.hears(caller, TalkStarted, agent="1026")
    assert requeued.why == "agent-hung-up"
    assert again.at > requeued.at
    assert not world.of(caller, CallEnded)


async def test_the_same_agent_may_get_the_caller_again_and_nobody_overtakes_who_was_put_back(world: World) -> None:
    await world.manner(CHEN, "answer", pause=3)
    await world.sign_in("1024")
    first = await calls(world, REPAIR)
    await world.hears(first, AgentOffered)
    second = await calls(world, REPAIR)
    line = await greeted_by_chen(world, first)
    await world.hears(second, CallQueued)
    await world.phones.do("Hangup", Channel=line)

    again = await world.hears(first, CallQueued, nth=2)
    await world.hears(first, TalkStarted, agent="1024")
    assert again.position == 1
    assert world.of(second, AgentOffered) == []
    assert [event.agent for event in world.of(first, AgentAnswered)] == ["1024", "1024"]
    await first.hang_up()
    await world.hears(second, TalkStarted, agent="1024")


async def test_a_caller_who_hangs_up_in_the_greeting_has_talked_to_nobody(world: World) -> None:
    await world.sign_in("1024")
    caller = await calls(world, CONSULT)
    await world.hears(caller, GreetingStarted)
    await caller.hang_up()
    gone = await world.hears(caller, CallAbandoned)
    ended = await world.hears(caller, CallEnded)

    assert (gone.where, ended.by) == ("greeting", "caller")
    assert world.of(caller, TalkStarted) == []
    assert world.of(caller, TalkEnded) == []
    assert world.of(caller, CallRequeued) == []
    await world.until(lambda: world.channels("agents") == [], "the agent's line is down too")
