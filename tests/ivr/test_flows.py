"""The flows, rehearsed: each test is the script of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from ivr.call import Call
from ivr.flows.greeting import greeting
from ivr.flows.hotline import hotline
from ivr.flows.message import message
from ivr.flows.phone import phone_code
from ivr.hand import Hand
from ivr.lines import Line
from ivr.rehearsal import HANG_UP, MORNING, SILENCE, Act, During, NotOver, Speaks, Stage, perform, rehearse
from ivr.rooms import Rooms
from ivr.small_house import PretendDesk, SmallNews, Speechless, small_house
from prompts.calendar.calendar import Calendar, Rules
from prompts.calendar.hours import Opening
from prompts.errors import MissingPrompt
from prompts.library import Sound
from prompts.news import Area, News
from prompts.spoken import Value
from routing.events import Event, LanguageChosen, PhoneNumber, PromptHeard

OFFICE = "400200"
SUNDAY = datetime(2025, 11, 23, 3, 0, tzinfo=UTC)


# Each key


@pytest.mark.parametrize(
    ("keys", "queue"),
    [
        ("1", "consult"),
        ("3", "complaint"),
        ("0", "consult"),
    ],
)
async def test_a_key_of_the_main_menu_leads_to_its_queue(keys: str, queue: str) -> None:
    assert await rehearse(hotline, caller=[*keys]) == [
        "hotline: greeting",
        "hotline: main_menu",
        f"caller:  {keys}",
        "hotline: connecting",
        f"handed to: {queue}",
    ]


@pytest.mark.parametrize(
    ("key", "decision"),
    [
        ("1", "repair, priority 100"),
        ("2", "repair"),
        ("0", "repair"),
    ],
)
async def test_a_repair_is_asked_about_once_more_and_an_emergency_goes_ahead(key: str, decision: str) -> None:
    assert await rehearse(hotline, caller=["2", key]) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  2",
        "hotline: repair_menu",
        f"caller:  {key}",
        "hotline: connecting",
        f"handed to: {decision}",
    ]


# Festivals

NATIONAL_DAY = datetime(2025, 10, 6, 1, 30, tzinfo=UTC)
"""6 October 2025: Mid-Autumn, in the midst of National Day's week."""


async def test_on_a_festival_it_is_wished_before_the_greeting_two_in_order() -> None:
    assert (await rehearse(hotline, caller=["1"], at=NATIONAL_DAY))[:4] == [
        "hotline: festival_mid_autumn",
        "hotline: festival_national_day",
        "hotline: greeting",
        "hotline: main_menu",
    ]


async def test_a_key_in_the_wish_answers_the_menu_and_the_rest_is_not_played() -> None:
    assert await rehearse(hotline, caller=[During("festival_mid_autumn", "1")], at=NATIONAL_DAY) == [
        "hotline: festival_mid_autumn (cut)",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]


async def test_who_is_answered_before_midnight_and_connected_after_it_hears_of_the_new_day() -> None:
    variables = {"MEMBERNAME": "1024", "HOTLINE_LANGUAGE": "zh", "HOTLINE_CALL": "rehearsal-1.1"}
    asked: list[str] = []

    class Asked(Speechless):
        def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
            asked.append(parameters["festival"])
            raise MissingPrompt(prompt, language, parameters)

    midnight = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
    for moment in (midnight - timedelta(seconds=1), midnight):
        stage = Stage([], variables)
        house = replace(small_house(), words=Asked(), record=stage.record, now=partial(lambda now: now, moment))
        await greeting(Call(stage, house.lines["400100"], words=Asked(), record=stage.record, now=house.now), house)
    assert asked == ["", "national_day", ""], "without the festival's own file the plain one is asked for"


# Hours


async def test_a_queue_may_have_hours_of_its_own_and_an_emergency_has_none() -> None:
    house = small_house()
    house = replace(house, queue_hours={"complaint": "office", "repair": "office"})
    closed = await rehearse(hotline, caller=["3"], rooms=house, line="400100", at=SUNDAY)
    assert closed[-1] == "handed to: message (closed)"
    assert (await rehearse(hotline, caller=["1"], rooms=house, line="400100", at=SUNDAY))[-1] == "handed to: consult"
    assert (await rehearse(hotline, caller=["2", "1"], rooms=house, at=SUNDAY))[-1] == "handed to: repair, priority 100"


@pytest.mark.parametrize(("day", "is_open"), [("2026-10-10", True), ("2026-10-05", False), ("2026-10-17", False)])
async def test_a_make_up_saturday_is_open_and_a_holiday_monday_is_not(day: str, is_open: bool) -> None:
    house = small_house()
    office = Opening.model_validate({"days": ["workday"], "open": "08:30", "close": "17:30"})
    house = replace(house, calendar=Calendar(Rules(zone=ZoneInfo("Asia/Shanghai"), hours={"office": [office]})))
    moment = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    ended = (await rehearse(hotline, caller=["1"], rooms=house, line=OFFICE, at=moment))[-1]
    assert ended == ("handed to: consult" if is_open else "handed to: message (closed)")


# Keys before their time


async def test_a_key_in_the_greeting_answers_the_menu_which_is_then_not_played() -> None:
    assert await rehearse(hotline, caller=[During("greeting", "1")]) == [
        "hotline: greeting (cut)",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]


async def test_a_key_cuts_the_menu_short() -> None:
    assert await rehearse(hotline, caller=[During("main_menu", "2"), During("repair_menu", "1")]) == [
        "hotline: greeting",
        "hotline: main_menu (cut)",
        "caller:  2",
        "hotline: repair_menu (cut)",
        "caller:  1",
        "hotline: connecting",
        "handed to: repair, priority 100",
    ]


async def test_a_wrong_key_in_the_greeting_is_a_wrong_answer_to_the_menu() -> None:
    assert await rehearse(hotline, caller=[During("greeting", "7"), "3"]) == [
        "hotline: greeting (cut)",
        "caller:  7",
        "hotline: wrong_key",
        "hotline: main_menu",
        "caller:  3",
        "hotline: connecting",
        "handed to: complaint",
    ]


async def test_a_key_while_the_mistake_is_explained_answers_the_menu() -> None:
    assert await rehearse(hotline, caller=[SILENCE, During("no_key", "1")]) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key (cut)",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]


async def test_a_key_after_the_decision_changes_nothing() -> None:
    assert (await rehearse(hotline, caller=["1", During("connecting", "3")]))[-2:] == [
        "hotline: connecting",
        "handed to: consult",
    ]


# No key, or a wrong one


async def test_a_silent_caller_is_asked_again() -> None:
    assert await rehearse(hotline, caller=[SILENCE, "2", SILENCE, "2"]) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: main_menu",
        "caller:  2",
        "hotline: repair_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: repair_menu",
        "caller:  2",
        "hotline: connecting",
        "handed to: repair",
    ]


async def test_a_caller_who_is_silent_three_times_gets_a_person() -> None:
    assert await rehearse(hotline, caller=[SILENCE] * 3) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: to_person",
        "handed to: consult",
    ]


async def test_wrong_keys_and_silence_count_together() -> None:
    assert await rehearse(hotline, caller=["9", SILENCE, "#"]) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  9",
        "hotline: wrong_key",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: main_menu",
        "caller:  #",
        "hotline: to_person",
        "handed to: consult",
    ]


async def test_a_caller_who_fails_at_the_second_menu_gets_a_person_for_that_topic() -> None:
    conversation = await rehearse(hotline, caller=[SILENCE, SILENCE, "2", "9", "9", "9"])
    assert conversation[-3:] == ["caller:  9", "hotline: to_person", "handed to: repair"]
    assert conversation.count("hotline: repair_menu") == 3, "each menu has its own three attempts"


async def test_star_repeats_the_menu_and_is_no_mistake() -> None:
    assert await rehearse(hotline, caller=["*", "*", SILENCE, "*", "1"]) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  *",
        "hotline: main_menu",
        "caller:  *",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: main_menu",
        "caller:  *",
        "hotline: main_menu",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]


async def test_nine_repeats_are_enough() -> None:
    assert (await rehearse(hotline, caller=["*"] * 9 + ["1"]))[-1] == "handed to: consult"
    conversation = await rehearse(hotline, caller=["*"] * 10)
    assert conversation.count("hotline: main_menu") == 10
    assert conversation[-2:] == ["hotline: to_person", "handed to: consult"]


# Out of hours


async def test_a_closed_line_asks_for_a_message_and_promises_no_connection() -> None:
    assert await rehearse(hotline, caller=["1"], line=OFFICE, at=SUNDAY) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  1",
        "handed to: message (closed)",
    ]


async def test_a_silent_caller_of_a_closed_line_is_asked_for_a_message_too() -> None:
    conversation = await rehearse(hotline, caller=[], line=OFFICE, at=SUNDAY)
    assert conversation[-2:] == ["caller:  (silence)", "handed to: message (closed)"]


async def test_an_emergency_is_put_through_out_of_hours() -> None:
    conversation = await rehearse(hotline, caller=["2", "1"], line=OFFICE, at=SUNDAY)
    assert conversation[-2:] == ["hotline: connecting", "handed to: repair, priority 100"]


@pytest.mark.parametrize(
    ("at", "decision"),
    [
        (datetime(2025, 11, 21, 0, 29, tzinfo=UTC), "message (closed)"),
        (datetime(2025, 11, 21, 9, 29, 30, tzinfo=UTC), "message (closed)"),
        (datetime(2025, 11, 21, 0, 31, tzinfo=UTC), "consult"),
    ],
    ids=["8:29", "closing time comes while the caller chooses", "8:31"],
)
async def test_hours_count_in_the_sites_zone_when_the_caller_has_chosen(at: datetime, decision: str) -> None:
    assert (await rehearse(hotline, caller=[SILENCE, "1"], line=OFFICE, at=at))[-1] == f"handed to: {decision}"


# The caller leaves


@pytest.mark.parametrize(
    ("script", "last"),
    [
        ([During("greeting", HANG_UP)], "hotline: greeting (cut)"),
        ([During("main_menu", HANG_UP)], "hotline: main_menu (cut)"),
        ([HANG_UP], "hotline: main_menu"),
        (["2", During("repair_menu", HANG_UP)], "hotline: repair_menu (cut)"),
        (["2", HANG_UP], "hotline: repair_menu"),
        ([SILENCE, During("no_key", HANG_UP)], "hotline: no_key (cut)"),
        (["1", During("connecting", HANG_UP)], "hotline: connecting (cut)"),
        ([SILENCE] * 3 + [During("to_person", HANG_UP)], "hotline: to_person (cut)"),
    ],
)
async def test_a_caller_may_hang_up_at_any_step(script: Sequence[Act], last: str) -> None:
    assert (await rehearse(hotline, caller=script))[-2:] == [last, "caller:  (hangs up)"]


# A sound that is not there


async def test_a_missing_prompt_does_not_stop_the_call() -> None:
    with capture_logs() as logs:
        conversation = await rehearse(hotline, caller=["1"], missing=["greeting", "connecting"])
    assert conversation == [
        "hotline: (greeting is missing)",
        "hotline: main_menu",
        "caller:  1",
        "hotline: (connecting is missing)",
        "handed to: consult",
    ]
    assert [entry["event"] for entry in logs] == ["a prompt is missing"] * 2


async def test_without_the_menus_own_prompt_keys_are_taken_all_the_same() -> None:
    assert (await rehearse(hotline, caller=["2", "2"], missing=["main_menu", "repair_menu"]))[-1] == "handed to: repair"


# A message


async def test_a_caller_leaves_a_message_and_is_thanked() -> None:
    assert await rehearse(message, caller=[Speaks(12), "#"]) == [
        "hotline: busy_leave_message",
        "caller:  leaves a message of 12 s",
        "hotline: message_thanks",
        "hotline: hangs up",
    ]


async def test_who_calls_out_of_hours_hears_so() -> None:
    conversation = await rehearse(message, caller=[Speaks(3), "#"], variables={"HOTLINE_REASON": "closed"})
    assert conversation[0] == "hotline: closed_leave_message"


async def test_a_caller_who_hangs_up_while_speaking_has_left_a_message() -> None:
    assert await rehearse(message, caller=[Speaks(7.5), HANG_UP]) == [
        "hotline: busy_leave_message",
        "caller:  leaves a message of 7.5 s",
        "caller:  (hangs up)",
    ]


async def test_a_caller_who_says_nothing_leaves_no_message() -> None:
    assert await rehearse(message, caller=[SILENCE]) == [
        "hotline: busy_leave_message",
        "hotline: goodbye",
        "hotline: hangs up",
    ]


async def test_a_caller_who_hangs_up_at_the_tone_leaves_no_message() -> None:
    assert await rehearse(message, caller=[HANG_UP]) == ["hotline: busy_leave_message", "caller:  (hangs up)"]


async def test_a_caller_who_talks_on_and_on_is_thanked_after_three_minutes() -> None:
    assert (await rehearse(message, caller=[Speaks(600)]))[1:] == [
        "caller:  leaves a message of 180 s",
        "hotline: message_thanks",
        "hotline: hangs up",
    ]


@pytest.mark.parametrize(
    "script", [[During("busy_leave_message", HANG_UP)], [Speaks(5), "#", During("message_thanks", HANG_UP)]]
)
async def test_a_caller_may_hang_up_before_and_after_the_message(script: Sequence[Act]) -> None:
    assert (await rehearse(message, caller=script))[-1] == "caller:  (hangs up)"


# An agent's phone


async def dial(code: str, desk: PretendDesk, phone: str = "chen-desk") -> list[str]:
    return await rehearse(partial(phone_code, phone=phone, code=code), caller=[], rooms=small_house(desk))


async def test_an_agents_day_by_phone() -> None:
    desk = PretendDesk({"chen-desk": "1024"})
    steps = [(code, (await dial(code, desk))[:-1], str(desk.duty["1024"])) for code in ("*11", "*132", "*14", "*12")]
    assert steps == [
        ("*11", ["hotline: signed_in"], "ready"),
        ("*132", ["hotline: paused", "hotline: reason_meal"], "paused"),
        ("*14", ["hotline: unpaused"], "ready"),
        ("*12", ["hotline: signed_out"], "signed-out"),
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("*13", "other"),
        ("*131", "rest"),
        ("*132", "meal"),
        ("*133", "training"),
        ("*134", "meeting"),
        ("*139", "other"),
    ],
)
async def test_a_pause_has_a_reason_and_it_is_said(code: str, reason: str) -> None:
    desk = PretendDesk({"chen-desk": "1024"})
    await desk.sign_in("1024")
    assert await dial(code, desk) == ["hotline: paused", f"hotline: reason_{reason}", "hotline: hangs up"]
    assert desk.reason == {"1024": reason}


@pytest.mark.parametrize("code", ["*12", "*13", "*14", "*15", "*135", "*130", "*1", "*111"])
async def test_a_code_that_cannot_be_carried_out_is_confirmed_as_not_done(code: str) -> None:
    desk = PretendDesk({"chen-desk": "1024"})
    assert await dial(code, desk) == ["hotline: not_done", "hotline: hangs up"]
    assert desk.duty["1024"] == "signed-out"


async def test_a_phone_nobody_has_is_told_so() -> None:
    desk = PretendDesk({"chen-desk": "1024"})
    assert await dial("*11", desk, phone="stranger") == ["hotline: not_known_phone", "hotline: hangs up"]
    assert desk.duty["1024"] == "signed-out"


# The work number


CHEN = {"MEMBERNAME": "1024", "HOTLINE_CALL": "pbx-1763744923.12"}


async def test_the_caller_hears_who_answers() -> None:
    assert await rehearse(greeting, caller=[], variables=CHEN) == ["hotline: agent_greeting"]


async def test_a_caller_may_hang_up_while_hearing_who_answers() -> None:
    script = [During("agent_greeting", HANG_UP)]
    assert await rehearse(greeting, script, variables=CHEN) == ["hotline: agent_greeting (cut)", "caller:  (hangs up)"]


async def test_an_agent_without_a_greeting_is_connected_without() -> None:
    with capture_logs() as logs:
        lines = await rehearse(greeting, caller=[], variables=CHEN, missing=["agent_greeting"])
    assert lines == ["hotline: (agent_greeting is missing)"]
    assert [entry["event"] for entry in logs] == ["an agent has no greeting"]


async def test_if_the_queue_does_not_say_who_answered_the_two_are_connected() -> None:
    with capture_logs():
        assert await rehearse(greeting, caller=[], variables=CHEN | {"MEMBERNAME": ""}) == []


# The rehearsal itself


async def test_a_script_that_is_longer_than_the_call_fails() -> None:
    with pytest.raises(NotOver, match="did not come to"):
        await rehearse(hotline, caller=["1", "2"])


async def test_a_prompt_that_is_in_no_catalogue_shows() -> None:
    async def flow(call: Call, _: Rooms) -> Hand:
        await call.say("who_wrote_this")
        return Hand.hang_up()

    with capture_logs():
        assert await rehearse(flow, caller=[]) == ["hotline: (who_wrote_this is missing)", "hotline: hangs up"]


# News

SHORT = News(
    number=7,
    area="east",
    text={"zh": "东城正在抢修，暂停供暖。"},
    begins=MORNING - timedelta(hours=1),
    ends=MORNING + timedelta(hours=3),
    expected_end=MORNING + timedelta(hours=2),
)


def told() -> Rooms:
    return replace(small_house(), news=SmallNews([SHORT], [Area(key="west", name="西城", prefixes=["0107"])]))


async def hears(rooms: Rooms, caller: str | None, *acts: Act) -> Stage:
    stage = Stage(acts, {}, words=Made())
    await perform(hotline, stage, rooms=rooms, caller=PhoneNumber(caller) if caller else None)
    return stage


class Made(Speechless):
    """A sound of two seconds for each prompt."""

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:  # noqa: ARG002
        return Sound(prompt, 2.0, prompt, "1")

    async def saying(
        self,
        prompt: str,
        language: str,  # noqa: ARG002
        values: Mapping[str, Value],
        *,
        brand: str,  # noqa: ARG002
        at: datetime,  # noqa: ARG002
    ) -> Sound:
        return Sound(prompt, 2.0, f"{prompt} {values['until']}", "1")


async def test_news_is_told_before_the_menu_with_the_time_it_should_be_over() -> None:
    stage = await hears(told(), "01065001234", "1")
    assert stage.lines[:4] == [
        "hotline: greeting",
        "hotline: news_7",
        "hotline: news_expected_end",
        "hotline: main_menu",
    ]
    assert "news_expected_end 2025-11-21 11:30:00+08:00" in stage.words


async def test_who_lives_elsewhere_hears_nothing_of_it() -> None:
    assert (await hears(told(), "01075001234", "1")).lines[:2] == ["hotline: greeting", "hotline: main_menu"]


async def test_a_key_in_the_news_answers_the_menu() -> None:
    assert (await hears(told(), None, During("news_7", "1"))).lines == [
        "hotline: greeting",
        "hotline: news_7 (cut)",
        "caller:  1",
        "hotline: connecting",
        "handed to: consult",
    ]


def house_of_two_languages() -> Rooms:
    """400100 speaks Chinese and English; 8 changes to English, 9 to Chinese."""
    house = small_house()
    line = house.lines["400100"].model_dump() | {"languages": ["zh", "en"], "language_keys": {"8": "en", "9": "zh"}}
    return replace(house, lines={"400100": Line.model_validate(line)})


async def test_a_caller_changes_the_language_by_key_and_hears_the_menu_again() -> None:
    stage = Stage(["8", "2", "2"], {}, [])
    events: list[Event] = []
    house = house_of_two_languages()
    call = Call(stage, house.lines["400100"], words=stage, record=events.append, clock=lambda: stage.clock)
    hand = await hotline(call, house)
    heard = [(event.prompt, event.language) for event in events if isinstance(event, PromptHeard)]
    assert heard == [
        ("greeting", "zh"),
        ("language_offer", "en"),
        ("main_menu", "zh"),
        ("main_menu", "en"),
        ("repair_menu", "en"),
        ("connecting", "en"),
    ]
    assert "For English, press eight" in stage.words
    assert [event.language for event in events if isinstance(event, LanguageChosen)] == ["en"]
    assert str(hand) == "repair"


async def test_who_changes_the_language_hears_the_news_in_it_before_the_menu() -> None:
    news = SHORT.model_copy(update={"text": {"zh": "东城正在抢修。", "en": "The east is without heating."}})
    house = replace(house_of_two_languages(), news=SmallNews([news]))
    stage = Stage([During("news_7", "8"), "1"], {}, words=Made())
    events: list[Event] = []
    call = Call(
        stage, house.lines["400100"], words=stage, record=events.append, now=lambda: MORNING, clock=lambda: stage.clock
    )
    await hotline(call, house)
    assert [(event.prompt, event.language) for event in events if isinstance(event, PromptHeard)] == [
        ("greeting", "zh"),
        ("news_7", "zh"),
        ("news_7", "en"),
        ("news_expected_end", "en"),
        ("main_menu", "en"),
        ("connecting", "en"),
    ]


async def test_a_caller_who_changes_the_language_again_and_again_reaches_a_person() -> None:
    lines = await rehearse(hotline, caller=["8", "9"] * 5, rooms=house_of_two_languages())
    assert lines[-2:] == ["hotline: to_person", "handed to: consult"]
