"""A caller grades the talk when the agent has hung up; and Asterisk's guess of a machine, which is only noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from routing.events import CallAnswered, CallEnded, TalkStarted
from tests.asterisk import sound
from tests.asterisk.callees import visit
from tests.asterisk.world import World

pytestmark = pytest.mark.timeout(400)


@contextmanager
def switched_on(world: World, switch: str) -> Iterator[None]:
    """As if the site wanted it: what `hotline/asterisk_files.py` writes into the dialplan's globals."""
    world.cli(f"dialplan set global {switch} yes")
    try:
        yield
    finally:
        world.cli(f"dialplan set global {switch} no")


async def surveys(world: World) -> dict[str, Any]:
    told = await world.server.get("/api/visits/figures", by="script")
    rows = [dict(zip((column["key"] for column in told["columns"]), row, strict=True)) for row in told["rows"]]
    return next((row for row in rows if row["script"] == "survey"), {"valid": 0, "satisfied": 0, "finished": 0})


async def test_a_caller_grades_the_talk_by_key_when_the_agent_has_hung_up(world: World) -> None:
    before = await surveys(world)
    await world.sign_in("1024")
    with switched_on(world, "SURVEY"):
        caller = await world.call()
        await world.hears(caller, CallAnswered)
        await caller.press("1")
        await world.hears(caller, TalkStarted)
        greeted = len(world.heard_by("chen-desk")[-1])
        await world.until(lambda: len(world.heard_by("chen-desk")[-1]) > greeted + 4 * sound.RATE, "they have talked")
        await world.hang_up_phone("chen-desk")
        asked = world.prompt("zh/survey_satisfied")
        await world.until(lambda: sound.fraction_heard(asked, caller.heard()) > 0.5, "the caller is asked", within=60)
        await caller.press("2")
        await world.hears(caller, CallEnded, within=60)
    assert sound.heard_whole(world.prompt("zh/survey_thanks"), caller.heard())
    after = await surveys(world)
    assert {name: after[name] - before[name] for name in ("valid", "satisfied", "finished")} == {
        "valid": 1, "satisfied": 1, "finished": 1,
    }  # fmt: skip


async def test_a_silent_person_is_a_machine_to_asterisk_and_is_asked_all_the_same(world: World) -> None:
    with switched_on(world, "VISIT_HINT"):
        callee = await visit(world)
        call_id = f"visit-{callee.id}-1"
        # Asterisk listens first, for some seconds; what is pressed meanwhile nobody hears.
        await world.sees(CallAnswered, lambda event: event.call == call_id, "the talk begins", within=60)
        await callee.press("11129")
        found = await callee.comes_to("finished", within=120)
    (call,) = found["calls"]
    assert call["hint"] == "MACHINE"
    assert {answer["step"] for answer in call["answers"]} >= {"convenient", "solved", "manner", "charged", "score"}
