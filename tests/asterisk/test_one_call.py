"""One call, from ring to hang-up."""

from __future__ import annotations

from datetime import timedelta

from routing.events import (
    AgentAnswered,
    CallAnswered,
    CallEnded,
    CallQueued,
    GreetingEnded,
    KeyPressed,
    PromptHeard,
    RecordingKept,
    TalkEnded,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.world import World


async def test_a_caller_who_presses_1_talks_to_an_agent_of_consult(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call("4001234567")
    await world.hears(caller, CallAnswered)
    await caller.press("1")
    queued = await world.hears(caller, CallQueued)
    answered = await world.hears(caller, AgentAnswered)
    await world.hears(caller, TalkStarted)
    await caller.hang_up()
    ended = await world.hears(caller, CallEnded)

    assert (queued.queue, answered.agent, ended.by) == ("consult", "1024", "caller")
    assert [event.key.pressed for event in world.of(caller, KeyPressed)] == ["1"]
    assert answered.waited < timedelta(seconds=5)
    (talk,) = world.of(caller, TalkEnded)
    assert talk.by == "caller"


async def test_the_caller_hears_greeting_menu_and_the_agents_work_number_whole(world: World) -> None:
    await world.sign_in("1025")
    caller = await world.call("4001234567")
    await world.hears(caller, PromptHeard, prompt="main_menu")
    await caller.press("3")
    greeting = await world.hears(caller, GreetingEnded)
    await world.hears(caller, TalkStarted)
    await caller.hang_up()
    await world.hears(caller, CallEnded)

    heard = caller.heard()
    assert greeting.whole
    for prompt in ("zh/brand/heating/greeting", "zh/main_menu", "zh/connecting", "zh/agents/heating/1025"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt
    assert not sound.heard_whole(world.prompt("zh/agents/heating/1024"), heard)


async def test_a_talk_is_recorded_with_both_voices(world: World) -> None:
    await world.sign_in("1024")
    caller = await world.call("4001234567")
    await world.hears(caller, CallAnswered)
    await caller.press("1")
    await world.hears(caller, TalkStarted)
    await caller.speak()
    agent_says = world.prompt("tryout/agent")
    await world.until(lambda: sound.fraction_heard(agent_says, caller.heard()) > 0.5, "the caller hears the agent")
    await caller.hang_up()
    kept = await world.hears(caller, RecordingKept)

    left, right = sound.from_wav(world.inside_bytes("asterisk", "cat", f"/srv/recordings/{kept.file}"))
    assert sound.level(left) > 300, "the agent's voice"
    assert sound.level(right) > 300, "the caller's voice"
