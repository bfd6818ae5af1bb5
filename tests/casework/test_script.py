"""Scripts are data: what is wrong with one is said before the first call, all of it, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from casework.visits.answers import Answer, Chosen, Scored, YesNo
from casework.visits.consequences import following
from casework.visits.script import SHIPPED, Script, ScriptRefused, read, read_all
from casework.visits.states import STEPS, Outcome, State, VisitCannot, after
from ivr.scripts import sayable
from prompts.catalogue import Catalogue
from tests.ivr.moments import NOON

PROMPTS = {"hello", "question", "bye"}
GOOD = """
name = "short"
about = { en = "a short one" }
[[steps]]
kind = "ask"
id = "fine"
prompt = "question"
[[steps]]
kind = "thank"
prompt = "bye"
"""


def refused(folder: Path, text: str) -> str:
    """Why this script is refused."""
    file = folder / "script.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ScriptRefused) as problem:
        read(file, prompts=PROMPTS)
    return str(problem.value)


def test_a_script_is_read(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(GOOD, "utf-8")
    assert [step.kind for step in read(file, prompts=PROMPTS).steps] == ["ask", "thank"]


def test_the_scripts_that_come_with_the_product_are_good() -> None:
    found = read_all([SHIPPED], prompts=sayable(Catalogue.read()))
    assert set(found) == {"return-visit", "survey", "payment-reminder", "new-account"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('prompt = "bye"', 'prompt = "farewell"', "no prompt is called 'farewell'"),
        ('kind = "ask"', 'kind = "guess"', "steps.0"),
        ('id = "fine"', 'id = "fine"\nsilent = "nowhere"', "steps.0.silent: no step has the id 'nowhere'"),
        ('id = "fine"', 'id = "fine"\nsilent = "fine"', "'fine' is not further on"),
        ('prompt = "bye"', 'prompt = "bye"\nwhen = { fine = "maybe" }', "fine = 'maybe' can never be"),
        ('prompt = "bye"', 'prompt = "bye"\nwhen = { paid = "no" }', "'paid' is neither an earlier answer nor a fact"),
        ('prompt = "bye"', 'prompt = "bye"\nwhen = { fine = "yes" }', "must end with a `thank`"),
        ('prompt = "bye"', 'prompt = "bye"\n[[steps]]\nkind = "say"\nprompt = "hello"', "steps.2: is never reached"),
        ('prompt = "bye"', 'prompt = "bye"\n[[steps]]\nkind = "thank"\nid = "fine"\nprompt = "bye"', "used twice"),
        ('name = "short"', 'name = "short"\ncolour = "red"', "colour"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in refused(tmp_path, GOOD.replace(old, new))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, GOOD.replace('"bye"', '"farewell"').replace('id = "fine"', 'id = "fine"\nsilent = "x"'))
    assert "farewell" in said
    assert "'x'" in said
    assert "hotline script check" in said


@pytest.mark.parametrize("text", ["steps = [", "\x00", ""])
def test_what_is_no_script_at_all_is_refused(tmp_path: Path, text: str) -> None:
    assert "cannot be used" in refused(tmp_path, text)


# What follows from the answers


def return_visit() -> Script:
    return read(SHIPPED / "return-visit.toml", prompts=sayable(Catalogue.read()))


def solved(yes: bool) -> Answer:
    return YesNo(step="solved", at=NOON, yes=yes)


@pytest.mark.parametrize(
    ("answers", "outcome", "follows"),
    [
        ([solved(True)], Outcome.FINISHED, ["close"]),
        ([solved(True)], Outcome.PARTIAL, []),
        ([solved(False)], Outcome.FINISHED, ["reopen"]),
        ([solved(False)], Outcome.PARTIAL, ["reopen"]),
        ([Chosen(step="manner", at=NOON, option="poor")], Outcome.PARTIAL, ["complain"]),
        ([YesNo(step="charged", at=NOON, yes=True), solved(True)], Outcome.FINISHED, ["complain", "close"]),
        (
            [YesNo(step="charged", at=NOON, yes=True), Chosen(step="manner", at=NOON, option="poor")],
            Outcome.PARTIAL,
            ["complain"],
        ),
        ([], Outcome.REFUSED, []),
    ],
)
def test_answers_have_consequences_also_those_of_half_a_call(
    answers: list[Answer], outcome: Outcome, follows: list[str]
) -> None:
    assert list(following(return_visit(), answers, {}, outcome)) == follows


def test_a_condition_on_points_compares_numbers(tmp_path: Path) -> None:
    script = return_visit()
    step = next(step for step in script.steps if step.id == "reminded")
    known = {"solved": "yes", "paid": "no"}
    from casework.visits.conditions import hold

    held = [points for points in range(1, 11) if hold(step.when, known | {"score": str(points)})]
    assert held == [7, 8, 9, 10]
    assert Scored(step="score", at=NOON, points=10).value == "10"


# The states


def test_a_step_that_is_not_in_the_table_is_refused_and_says_what_is_possible() -> None:
    with pytest.raises(VisitCannot, match="a visit that is due cannot answer; possible now: block, cancel, dial"):
        after(State.DUE, "answer")


def test_every_end_of_a_talk_has_a_state_of_its_own() -> None:
    ends = [STEPS[State.TALKING][f"end {outcome}"] for outcome in Outcome]
    assert len(set(ends)) == len(Outcome)
