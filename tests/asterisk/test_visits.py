"""Return visits on the real Asterisk: the callees are lines of the pretend carrier's."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from routing.events import CallEnded, RecordingKept, TalkStarted
from tests.asterisk import sound
from tests.asterisk.callees import (
    ANSWERS_ALL,
    BUSY,
    CONGESTED,
    IGNORES,
    LEAVES,
    NOT_SOLVED,
    REFUSES,
    SILENT,
    UNKNOWN,
    visit,
)
from tests.asterisk.world import World

pytestmark = pytest.mark.timeout(400)


async def test_a_return_visit_is_heard_and_answered_by_key(world: World) -> None:
    callee = await visit(world, facts={"paid": "no"})
    await callee.press("1112")
    await callee.press("9")
    found = await callee.comes_to("finished")
    (call,) = found["calls"]
    answers = {answer["step"]: answer["value"] for answer in call["answers"]}
    assert answers == {
        "convenient": "now", "solved": "yes", "manner": "good", "charged": "no", "score": "9", "reminded": "said",
    }  # fmt: skip
    heard = callee.heard()
    for prompt in ("zh/visit_suggestion", "zh/visit_fee_reminder", "zh/visit_thanks"):
        assert sound.heard_whole(world.prompt(prompt), heard), prompt
    assert sound.fraction_heard(world.prompt("zh/visit_not_solved"), heard) < 0.3
    assert sound.fraction_heard(world.prompt("zh/brand/heating/visit_opening")[:8000], heard) > 0.8


FATES = [
    (BUSY, "busy", "no-contact", 2),
    (IGNORES, "no-answer", "no-contact", 2),
    (REFUSES, "rejected", "no-contact", 2),
    (UNKNOWN, "wrong-number", "wrong-number", 1),
    (CONGESTED, "congestion", "no-contact", 2),
]


@pytest.mark.parametrize(("manner", "fate", "state", "calls"), FATES, ids=[fate for _, fate, _, _ in FATES])
async def test_each_fate_is_told_apart(world: World, manner: str, fate: str, state: str, calls: int) -> None:
    callee = await visit(world, manner)
    found = await callee.comes_to("no-contact", "wrong-number")
    assert found["state"] == state, found
    assert [call["fate"] for call in found["calls"]] == [fate] * calls, found


ALL = {"convenient": "now", "solved": "yes", "manner": "good", "charged": "no", "score": "9"}


@pytest.mark.parametrize(
    ("manner", "state", "answers"),
    [
        (LEAVES, "hung-up", {}),
        (ANSWERS_ALL, "finished", ALL),
        (NOT_SOLVED, "partial", {"convenient": "now", "solved": "no"}),
        (SILENT, "silent", {}),
    ],
)
async def test_what_a_callee_does_is_where_the_visit_ends(
    world: World, manner: str, state: str, answers: dict[str, str]
) -> None:
    callee = await visit(world, manner)
    found = await callee.comes_to("hung-up", "finished", "partial", "silent", within=120)
    assert found["state"] == state, found
    assert {answer["step"]: answer["value"] for answer in found["calls"][0]["answers"]} == answers


async def test_a_callee_who_wants_a_person_waits_in_the_queue_and_talks_with_an_agent(world: World) -> None:
    await world.sign_in("1026")
    callee = await visit(world, queue="complaint")
    channel = await callee.picked_up()
    await callee.press("10")
    await callee.comes_to("handed-over")
    call = f"visit-{callee.id}-1"
    talk = await world.sees(TalkStarted, lambda event: event.call == call, "the talk", within=60)
    assert talk.agent == "1026"
    await world.telco.do("Hangup", Channel=channel)
    await world.sees(CallEnded, lambda event: event.call == call, "the end")
    kept = await world.sees(RecordingKept, lambda event: event.call == call, "the recording", within=60)
    assert kept.file.startswith(call)


async def test_a_callee_who_has_no_time_now_is_called_again_when_he_said(world: World) -> None:
    callee = await visit(world)
    await callee.press("21")
    await asyncio.sleep(2)
    await callee.press("1")
    found = await callee.comes_to("appointed")
    (agreed,) = [each["value"] for each in found["calls"][0]["answers"] if each["step"] == "later"]
    ahead = datetime.fromisoformat(found["due"]) - datetime.fromisoformat(found["created"])
    assert timedelta(minutes=55) < ahead < timedelta(minutes=65)
    assert datetime.fromisoformat(agreed) == datetime.fromisoformat(found["due"])
