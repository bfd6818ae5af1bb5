"""Return visits on the real Asterisk: the callees are lines of the pretend carrier's."""

from __future__ import annotations

import pytest

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
