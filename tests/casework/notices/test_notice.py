"""A notice's states are a table, and what is not in it raises."""

from __future__ import annotations

import pytest

from casework.notices.notice import STEPS, NoticeCannot, State, after
from tests.casework.notices.pretend import a_notice


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_steps_and_no_other_step_is_taken(state: State) -> None:
    every_step = {step for steps in STEPS.values() for step in steps}
    for step in every_step:
        if step in STEPS[state]:
            assert after(state, step) is STEPS[state][step]
        else:
            with pytest.raises(NoticeCannot) as refused:
                after(state, step)
            assert refused.value.code == "notice-cannot"


def test_a_notice_that_is_given_up_can_be_sent_after_all_and_a_delivered_one_never_changes() -> None:
    assert after(State.NOT_SENT, "retry") is State.WAITING
    assert not STEPS[State.DELIVERED]


@pytest.mark.parametrize("wrong", [{"key": "two words"}, {"key": ""}, {"ways": ()}])
def test_a_notice_that_cannot_be_sent_is_refused_when_it_is_written(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="notice"):
        a_notice(**{"key": "T1", **wrong})  # type: ignore[arg-type]
