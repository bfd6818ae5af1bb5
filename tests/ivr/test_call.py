"""What a Call tells Asterisk, and what it writes down of the answers."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from ivr.call import Call
from ivr.errors import CallerHungUp, CommandRefused, NoReply
from ivr.rehearsal import HANG_UP, Act, During, Speaks, Stage
from ivr.small_house import small_house
from ivr.wire import Reply
from prompts.errors import CannotSay
from prompts.library import Sound
from routing.events import Event, PromptHeard

Answer = Reply | Exception


class Asterisk(Stage):
    """A channel that gives these answers to STREAM FILE, whatever it is asked to play."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__([], {}, [])
        self._answers = list(answers)

    async def send(self, command: str, *arguments: str, within: float | None = None) -> Reply:
        if command != "STREAM FILE":
            return await super().send(command, *arguments, within=within)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            self.clock += 1.5
            raise answer
        return answer


def call_on(stage: Stage) -> tuple[Call, list[Event]]:
    events: list[Event] = []
    line = small_house().lines["400100"]
    return Call(stage, line, words=stage, record=events.append, clock=lambda: stage.clock), events


def on_stage(*script: Act) -> tuple[Call, Stage]:
    stage = Stage(script, {}, [])
    return call_on(stage)[0], stage


async def heard(answer: Answer) -> PromptHeard:
    """How the log tells a prompt that Asterisk answered so."""
    call, events = call_on(Asterisk(answer))
    with capture_logs(), suppress(CallerHungUp, NoReply):
        await call.say("main_menu", type_ahead=True)
    (event,) = events
    assert isinstance(event, PromptHeard)
    return event


@pytest.mark.parametrize(
    ("answer", "seconds", "cut_by"),
    [
        (Reply(200, "0", "endpos=1000000"), None, None),
        (Reply(200, "50", "endpos=12000"), 1.5, "key"),
        (CallerHungUp(8000), 1.0, "hang-up"),
        (CallerHungUp(), 1.5, "hang-up"),
        (Reply(200, "0", "endpos=0"), 0.0, None),
        (CommandRefused("STREAM FILE", Reply(200, "-1", "endpos=0")), 0.0, None),
        (NoReply("STREAM FILE", 1), 0.0, None),
    ],
    ids=["whole", "a key", "a hang-up", "a lost line", "no such file", "refused", "no answer"],
)
async def test_the_log_has_how_much_of_a_prompt_was_heard(
    answer: Answer, seconds: float | None, cut_by: str | None
) -> None:
    event = await heard(answer)
    assert event.cut_by == cut_by
    assert event.heard == (event.length if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "answer", [Reply(200, "0", "endpos=0"), CommandRefused("STREAM FILE", Reply(200, "-1", "endpos=0"))]
)
async def test_a_sound_that_asterisk_does_not_have_is_reported_and_the_call_goes_on(answer: Answer) -> None:
    call, _ = call_on(Asterisk(answer, Reply(200, "49", "endpos=800")))
    with capture_logs() as logs:
        await call.say("greeting", type_ahead=True)
        assert await call.ask("main_menu", "12") == "1"
    assert [entry["event"] for entry in logs] == ["a prompt could not be played"]


async def test_a_key_ahead_answers_one_question_only() -> None:
    call, _ = on_stage(During("greeting", "1"), "2")
    await call.say("greeting", type_ahead=True)
    assert [await call.ask("main_menu", "12"), await call.ask("repair_menu", "12")] == ["1", "2"]


async def test_values_on_the_channel_are_kept_and_found() -> None:
    call, _ = on_stage()
    await call.set("ONE", "1")
    assert await call.get("ONE", "OTHER") == ["1", ""]
    assert await call.get("OTHER") == [""]


async def test_a_value_with_a_bar_in_it_is_not_mistaken_for_two() -> None:
    call, _ = on_stage()
    await call.set("ONE", "1|2")
    assert await call.get("ONE", "OTHER") == ["", ""]


async def test_a_hang_up_ends_a_recording_and_what_was_said_is_kept() -> None:
    call, _ = on_stage(Speaks(4), HANG_UP)
    assert not call.hung_up
    assert await call.record("x", limit=timedelta(minutes=1)) == timedelta(seconds=4)
    assert call.hung_up


async def test_the_dead_man_timer_is_ahead_of_each_step_but_never_far() -> None:
    call, stage = on_stage(Speaks(100), "#")
    left = []
    await call.say("main_menu")
    left.append(stage.leaves_at - stage.clock)
    await call.record("x", limit=timedelta(minutes=3))
    assert stage.leaves_at > 180
    for _ in range(5):
        await call.say("message_thanks")
        left.append(stage.leaves_at - stage.clock)
    assert all(5 <= seconds <= 25 for seconds in left), left


async def test_values_set_together_are_plain_ones() -> None:
    call, _ = on_stage()
    await call.set_all({"ONE": "1", "TWO": "repair-2"})
    assert await call.get("ONE", "TWO") == ["1", "repair-2"]
    with pytest.raises(ValueError, match="look at TWO"):
        await call.set_all({"ONE": "1", "TWO": "2,THREE=3"})


async def test_a_prompt_with_values_is_said_and_written_down_like_any_other() -> None:
    stage = Stage([], {}, [])
    call, events = call_on(stage)
    await call.say("goodbye", code="R-1024")
    assert stage.words == ["感谢您的来电，再见。"]
    assert [event.prompt for event in events if isinstance(event, PromptHeard)] == ["goodbye"]


async def test_a_prompt_with_values_that_cannot_be_said_is_passed_over() -> None:
    class Tongueless(Stage):
        async def saying(self, *_: object, **__: object) -> Sound:
            raise CannotSay("code", None, "nothing was given")

    stage = Tongueless([], {}, [])
    call, events = call_on(stage)
    await call.say("goodbye", code="R-1024")
    await call.say("goodbye")
    assert len([event for event in events if isinstance(event, PromptHeard)]) == 1
