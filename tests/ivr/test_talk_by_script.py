"""Talks by script, rehearsed: each test is the script of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from casework.visits.answers import Agreed, Answer, Chosen, Recorded, Said, Scored, YesNo
from casework.visits.case import Case, NextTime
from casework.visits.script import SHIPPED, read_all
from casework.visits.states import Outcome
from ivr.call import Call
from ivr.flows.script import Talk
from ivr.hand import Hand
from ivr.rehearsal import HANG_UP, SILENCE, Act, During, Speaks, Stage, perform
from ivr.rooms import Rooms
from ivr.scripts import sayable
from prompts.catalogue import Catalogue
from tests.ivr.moments import NOON

SCRIPTS = read_all([SHIPPED], prompts=sayable(Catalogue.read()))


class Rehearsed:
    """A talk that was held: the conversation, what was kept, and how it ended (None: the callee hung up)."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.words: list[str] = []
        self.answers: list[Answer] = []
        self.outcome: Outcome | None = None

    @property
    def values(self) -> dict[str, str]:
        """Each answer by its step."""
        return {answer.step: answer.value for answer in self.answers}


async def held(
    callee: Sequence[Act],
    *,
    script: str = "return-visit",
    facts: Mapping[str, str] | None = None,
    answers: Sequence[Answer] = (),
    next_time: NextTime = lambda at: at,
    language: str | None = None,
    to_person: bool = False,
) -> Rehearsed:
    """Hold this talk with a callee who does this."""
    talk = Rehearsed()

    async def keep(answer: Answer) -> None:
        talk.answers.append(answer)

    async def flow(call: Call, rooms: Rooms) -> Hand:
        call.language = language or call.language
        case = Case(script=SCRIPTS[script], facts=facts or {}, answers=answers, to_person=to_person)
        ending = await Talk(call, rooms, case, keep=keep, next_time=next_time).lead()
        talk.outcome = ending.outcome
        return ending.hand

    stage = Stage(callee, {}, ())
    await perform(flow, stage, at=NOON)
    assert not stage.script, "the callee did not come to the end of what he does"
    talk.lines, talk.words = stage.lines, stage.words
    return talk


async def test_a_return_visit_asks_all_and_thanks() -> None:
    talk = await held(["1", "1", "1", "2", "9", Speaks(4), "#"])
    assert talk.lines == [
        "hotline: visit_opening",
        "hotline: visit_convenient",
        "caller:  1",
        "hotline: visit_solved",
        "caller:  1",
        "hotline: visit_manner",
        "caller:  1",
        "hotline: visit_charged",
        "caller:  2",
        "hotline: visit_score",
        "caller:  9",
        "hotline: visit_suggestion",
        "hotline: visit_thanks",
        "hotline: hangs up",
    ]
    assert [type(answer) for answer in talk.answers] == [Chosen, YesNo, Chosen, YesNo, Scored, Recorded]
    assert talk.outcome is Outcome.FINISHED


async def test_a_satisfied_callee_who_has_not_paid_is_reminded_and_that_is_kept() -> None:
    talk = await held(["1", "1", "1", "2", "9", SILENCE], facts={"paid": "no"})
    assert talk.lines[-3:] == ["hotline: visit_fee_reminder", "hotline: visit_thanks", "hotline: hangs up"]
    assert isinstance(talk.answers[-1], Said)


@pytest.mark.parametrize("keys", [["1", "2", "1", "2", "9"], ["1", "1", "1", "2", "3"]])
async def test_a_dissatisfied_callee_is_not_reminded_of_the_fee(keys: list[str]) -> None:
    talk = await held([*keys, SILENCE], facts={"paid": "no"})
    assert "hotline: visit_fee_reminder" not in talk.lines


@pytest.mark.parametrize(
    ("keys", "points"), [(["1", "0"], "10"), (["1", SILENCE], "1"), (["1", "#"], "1"), (["7"], "7")]
)
async def test_a_score_has_one_digit_or_two(keys: list[str], points: str) -> None:
    talk = await held(["1", "1", "1", "2", *keys, SILENCE])
    assert talk.values["score"] == points


async def test_a_score_out_of_range_is_asked_for_again() -> None:
    talk = await held(["1", "1", "1", "2", "1", "5", "8", SILENCE])
    assert talk.values["score"] == "8"
    assert talk.lines.count("hotline: visit_score") == 2


async def test_keys_during_a_question_cut_it_short() -> None:
    talk = await held([During("visit_opening", "1"), During("visit_solved", "2"), HANG_UP])
    assert talk.lines[:3] == ["hotline: visit_opening (cut)", "caller:  1", "hotline: visit_solved (cut)"]
    assert talk.values == {"convenient": "now", "solved": "no"}


async def test_a_callee_who_hangs_up_half_way_leaves_the_half() -> None:
    talk = await held(["1", "2", During("visit_manner", HANG_UP)])
    assert talk.values == {"convenient": "now", "solved": "no"}
    assert talk.outcome is None


async def test_who_hangs_up_in_the_suggestion_has_still_made_it() -> None:
    talk = await held(["1", "1", "1", "2", "9", Speaks(4), HANG_UP])
    assert talk.values["suggestion"] == "rehearsal-1.1.suggestion.wav"
    assert talk.outcome is None


async def test_nothing_personal_is_said_to_a_machine_that_presses_nothing() -> None:
    talk = await held([SILENCE] * 3, facts={"paid": "no"})
    said = {line for line in talk.lines if line.startswith("hotline: visit")}
    assert said == {"hotline: visit_opening", "hotline: visit_convenient", "hotline: visit_nobody"}
    assert (talk.outcome, talk.answers) == (Outcome.SILENT, [])


async def test_a_question_without_an_answer_is_left_out_and_the_next_is_asked() -> None:
    talk = await held(["1", "9", "9", "9", "1", "2", "9", SILENCE])
    assert talk.values == {"convenient": "now", "manner": "good", "charged": "no", "score": "9"}
    assert talk.outcome is Outcome.FINISHED


async def test_a_callee_who_wants_no_visit_is_left_alone() -> None:
    talk = await held(["3"])
    assert talk.lines[-2:] == ["hotline: visit_refused", "hotline: hangs up"]
    assert talk.outcome is Outcome.REFUSED


@pytest.mark.parametrize("before", [[], ["1"], ["1", "1", "1", "2"]])
async def test_0_leads_to_a_person_from_every_question(before: list[str]) -> None:
    talk = await held([*before, "0"])
    assert talk.lines[-2:] == ["hotline: to_person", "handed to: consult"]
    assert talk.outcome is Outcome.HANDED_OVER


async def test_after_a_crash_of_ours_what_was_answered_is_not_asked_again() -> None:
    given = [Chosen(step="convenient", at=NOON, option="now"), YesNo(step="solved", at=NOON, yes=True)]
    talk = await held(["1", "2", "9", SILENCE], answers=given)
    assert talk.lines[0] == "hotline: visit_manner"
    assert set(talk.values) == {"manner", "charged", "score"}


async def test_a_talk_ends_when_its_time_is_over() -> None:
    talk = await held(["*"] * 8 + ["1"] + ["*"] * 8 + ["1"] + ["*"] * 8 + ["1"])
    assert talk.lines[-2:] == ["hotline: goodbye", "hotline: hangs up"]
    assert talk.outcome is Outcome.PARTIAL


# Not convenient now


def agreed(talk: Rehearsed) -> datetime:
    """When we shall call again."""
    answer = talk.answers[-1]
    assert isinstance(answer, Agreed)
    return answer.time


async def test_a_keyed_time_is_said_back_and_kept() -> None:
    talk = await held(["2", "3", *"1430", "1"])
    assert talk.lines[-5:] == [
        "caller:  0",
        "hotline: visit_confirm_time",
        "caller:  1",
        "hotline: visit_until_then",
        "hotline: hangs up",
    ]
    assert agreed(talk) == datetime(2025, 11, 22, 6, 30, tzinfo=UTC)
    assert talk.outcome is Outcome.APPOINTED


@pytest.mark.parametrize(
    ("language", "words"), [("en", "half past two"), ("es", "dos y media"), ("zh", "明天下午两点半")]
)
async def test_the_time_is_said_as_people_say_it(language: str, words: str) -> None:
    talk = await held(["2", "3", *"1430", "1"], language=language)
    assert words in " ".join(talk.words)


async def test_in_an_hour_is_one_key() -> None:
    talk = await held(["2", "1", "1"])
    assert timedelta(0) <= agreed(talk) - NOON - timedelta(hours=1) < timedelta(minutes=2)


async def test_a_time_at_which_we_do_not_call_is_not_taken() -> None:
    def by_day(at: datetime) -> datetime:
        return at if at.hour < 10 else at + timedelta(hours=8)

    talk = await held(["2", "2", *"2300", "2", *"1500", "1"], next_time=by_day)
    assert "hotline: visit_time_outside" in talk.lines
    assert agreed(talk) == datetime(2025, 11, 21, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize("keyed", [["2", *"0900"], ["2", *"2561"], ["2", "1", SILENCE], ["9"]])
async def test_a_time_that_cannot_be_is_asked_for_again(keyed: list[str]) -> None:
    talk = await held(["2", *keyed, "1", "1"])
    assert "hotline: wrong_key" in talk.lines
    assert talk.outcome is Outcome.APPOINTED


async def test_who_does_not_manage_is_told_when_we_call() -> None:
    talk = await held(["2", SILENCE, SILENCE, SILENCE])
    assert talk.lines[-2:] == ["hotline: visit_until_then", "hotline: hangs up"]
    assert "hotline: visit_call_at" in talk.lines
    assert agreed(talk) > NOON + timedelta(hours=1)


# The others


async def test_a_survey_is_one_key() -> None:
    talk = await held(["2"], script="survey")
    assert talk.lines == ["hotline: survey_satisfied", "caller:  2", "hotline: survey_thanks", "hotline: hangs up"]


async def test_a_payment_reminder_says_that_it_was_said() -> None:
    talk = await held(["1"], script="payment-reminder")
    assert talk.values == {"reminded": "said", "heard": "yes"}


async def test_who_has_a_question_about_a_payment_is_led_to_a_person() -> None:
    talk = await held(["2"], script="payment-reminder")
    assert (talk.outcome, talk.lines[-2]) == (Outcome.HANDED_OVER, "hotline: to_person")


async def test_a_new_account_is_asked_whether_all_works() -> None:
    talk = await held(["1", "2", "1", "5", SILENCE], script="new-account")
    assert talk.values == {"convenient": "now", "works": "no", "explained": "yes", "score": "5"}


async def test_who_was_promised_a_person_before_a_crash_is_led_there_and_asked_nothing_more() -> None:
    talk = await held([], to_person=True)
    assert talk.lines == ["hotline: to_person", "handed to: consult"]
    assert (talk.answers, talk.outcome) == ([], Outcome.HANDED_OVER)
