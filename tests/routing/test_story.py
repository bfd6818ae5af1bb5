"""The story of a call: what a person reads, in both languages, from whole and from broken logs."""

from __future__ import annotations

import dataclasses
import string
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.events import (
    KINDS,
    AgentAnswered,
    AgentOffered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    CallRequeued,
    CallRouted,
    CallTransferred,
    Event,
    EventsLost,
    GreetingEnded,
    GreetingStarted,
    HoldEnded,
    HoldStarted,
    HotlineStarted,
    KeyPressed,
    Keys,
    LanguageChosen,
    LinkBack,
    LinkLost,
    MessageLeft,
    NoKey,
    OfferMissed,
    Party,
    PhoneNumber,
    Place,
    PromptHeard,
    RecordingKept,
    TalkEnded,
    TalkStarted,
    WrongKey,
)
from routing.story import PRECEDED_BY, Line, summary, tell
from routing.story_words import LINES, WORDS, Language

RANG_AT = datetime(2025, 11, 21, 9, 20, tzinfo=UTC)
CALL = "pbx-1763744923.12"


def at(offset: float) -> datetime:
    return RANG_AT + timedelta(seconds=offset)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


Kind = TypeVar("Kind", bound=Event)


def step(kind: type[Kind], offset: float, /, **fields: Any) -> Kind:
    return kind(at=at(offset), call=CALL, **fields)


def prompt(offset: float, name: str, heard: float, length: float, cut_by: str | None = None) -> Event:
    return step(
        PromptHeard,
        offset,
        prompt=name,
        language="zh",
        version="1",
        heard=s(heard),
        length=s(length),
        cut_by=cut_by,
    )


RANG = step(CallRang, 0, caller=PhoneNumber("13812345678"), dialled="95598")
ANSWERED = step(CallAnswered, 0.2)
QUEUED = step(CallQueued, 6.5, queue="repair", position=1)
OFFERED = step(AgentOffered, 8.7, agent="1024", queue="repair")
PICKED_UP = step(AgentAnswered, 18.5, agent="1024", queue="repair", waited=s(12))
TALKING = step(TalkStarted, 20.5, agent="1024")
TALKED = step(TalkEnded, 54.5, agent="1024", by="caller", talked=s(34))
ENDED = step(CallEnded, 54.6, by="caller", why="Normal Clearing")
HUNG_UP = step(CallEnded, 18.5, by="caller", why="Normal Clearing")

WHOLE_CALL = [
    RANG,
    ANSWERED,
    prompt(0.3, "greeting", 2.9, 2.9),
    prompt(3.2, "main_menu", 2.1, 4.0, "key"),
    step(WrongKey, 5.3, key=Keys("9"), at_prompt="main_menu"),
    step(NoKey, 5.9, prompt="main_menu"),
    step(KeyPressed, 6.3, key=Keys("2"), at_prompt="main_menu"),
    step(CallRouted, 6.4, to="repair", priority=10),
    QUEUED,
    step(AgentOffered, 6.6, agent="1023", queue="repair"),
    step(OfferMissed, 8.6, agent="1023", queue="repair", rang=s(2)),
    OFFERED,
    PICKED_UP,
    step(GreetingStarted, 18.5, agent="1024"),
    step(GreetingEnded, 20.5, agent="1024", whole=True),
    TALKING,
    step(HoldStarted, 30, agent="1024"),
    step(HoldEnded, 40, agent="1024"),
    TALKED,
    ENDED,
    step(RecordingKept, 55, file="pbx-1763744923.12.wav", length=s(34)),
]


def told(events: list[Event], language: Language = "en", *, reveal: bool = False) -> list[str]:
    return [str(line) for line in tell(events, language, reveal=reveal)]


def test_a_call_is_told_from_the_ring_to_the_recording() -> None:
    assert told(WHOLE_CALL) == [
        "00:00.0  caller      138****5678 calls 95598",
        "00:00.2  hotline     answers",
        "00:00.3  hotline     greeting (2.9 s)",
        "00:03.2  hotline     main_menu (heard 2.1 s of 4.0 s, cut by a key)",
        "00:05.3  caller      presses •, which main_menu does not offer",
        "00:05.9  caller      presses nothing at main_menu",
        "00:06.3  caller      presses • at main_menu",
        "00:06.4  hotline     sends the call to repair, priority 10",
        "00:06.5  queue       the caller waits in repair, number 1 in line",
        "00:06.6  queue       offers the call to agent 1023",
        "00:08.6  agent 1023  does not take the call (rang 2.0 s)",
        "00:08.7  queue       offers the call to agent 1024",
        "00:18.5  agent 1024  picks up; the caller waited 12.0 s",
        "00:18.5  hotline     begins to say the work number 1024",
        "00:20.5  hotline     has said the work number",
        "00:20.5  agent 1024  talks with the caller",
        "00:30.0  agent 1024  puts the caller on hold",
        "00:40.0  agent 1024  takes the caller back from hold",
        "00:54.5  caller      ends the talk with agent 1024 (34.0 s)",
        "00:54.6  caller      hung up, the call is over (Normal Clearing)",
        "00:55.0  hotline     keeps the recording (34.0 s): pbx-1763744923.12.wav",
    ]


def test_a_caller_who_changes_the_language_is_told_as_such() -> None:
    assert told([RANG, ANSWERED, step(LanguageChosen, 4, language="es")])[-1] == (
        "00:04.0  caller      chooses another language: es"
    )


def test_the_same_call_is_told_in_chinese() -> None:
    assert told(WHOLE_CALL, "zh") == [
        "00:00.0  用户        138****5678 拨打 95598",
        "00:00.2  热线        接听",
        "00:00.3  热线        greeting（2.9 秒）",
        "00:03.2  热线        main_menu（4.0 秒，听了 2.1 秒，按键打断）",
        "00:05.3  用户        按 •，main_menu 没有这个选项",
        "00:05.9  用户        在 main_menu 未按键",
        "00:06.3  用户        在 main_menu 按 •",
        "00:06.4  热线        转入 repair，优先级 10",
        "00:06.5  队列        用户在 repair 排队，排第 1 位",
        "00:06.6  队列        呼叫坐席 1023",
        "00:08.6  坐席 1023   未接（振铃 2.0 秒）",
        "00:08.7  队列        呼叫坐席 1024",
        "00:18.5  坐席 1024   接听，用户等待 12.0 秒",
        "00:18.5  热线        开始报工号 1024",
        "00:20.5  热线        工号播报完毕",
        "00:20.5  坐席 1024   与用户通话",
        "00:30.0  坐席 1024   保持用户",
        "00:40.0  坐席 1024   取消保持",
        "00:54.5  用户        结束与坐席 1024 的通话（34.0 秒）",
        "00:54.6  用户        挂机，通话结束（Normal Clearing）",
        "00:55.0  热线        录音已保存（34.0 秒）：pbx-1763744923.12.wav",
    ]


def test_numbers_and_keys_show_only_to_who_may_see_them() -> None:
    whole = told(WHOLE_CALL, reveal=True)
    assert "13812345678 calls 95598" in whole[0]
    assert "presses 2 at main_menu" in whole[6]
    assert not any("13812345678" in line or "presses 2" in line for line in told(WHOLE_CALL))


def test_a_withheld_number_is_called_so() -> None:
    rang = step(CallRang, 0, caller=None, dialled="95598")
    assert told([rang]) == ["00:00.0  caller      a withheld number calls 95598"]


def test_a_handed_over_call_is_told_with_both_agents() -> None:
    story = [
        *WHOLE_CALL[:16],
        step(CallTransferred, 30, kind="attended", to="2001", by="1024"),
        step(TalkEnded, 30, agent="1024", by="agent", talked=s(9.5)),
        step(TalkStarted, 30, agent="2001"),
        step(TalkEnded, 60, agent="2001", by="agent", talked=s(30)),
    ]
    assert told(story)[16:] == [
        "00:30.0  agent 1024  speaks to 2001 and hands the caller over",
        "00:30.0  agent 1024  ends the talk (9.5 s)",
        "00:30.0  agent 2001  talks with the caller",
        "01:00.0  agent 2001  ends the talk (30.0 s)",
    ]


def test_a_caller_who_is_put_back_is_told_as_such() -> None:
    story = [
        *WHOLE_CALL[:14],
        step(GreetingEnded, 19, agent="1024", whole=False),
        step(CallRequeued, 19, why="agent-hung-up"),
        step(AgentOffered, 20, agent="1023", queue="repair"),
    ]
    assert told(story)[14:] == [
        "00:19.0  hotline     is cut short: somebody hung up",
        "00:19.0  queue       the caller is first in line again (the agent hung up)",
        "00:20.0  queue       offers the call to agent 1023",
    ]


# What is missing is said, nothing is invented


def test_a_story_that_begins_in_the_middle_names_what_must_have_happened_before() -> None:
    assert told([TALKING, TALKED])[0] == (
        "00:00.0  (gap)       not recorded: the ring, the hotline's answer, the start of the wait,"
        " the offer to an agent, the agent's answer"
    )
    assert told([ANSWERED], "zh")[0] == "00:00.0  （空缺）    未记录：来电"


def test_a_step_left_out_in_the_middle_is_named_once() -> None:
    story = [RANG, ANSWERED, QUEUED, PICKED_UP, TALKING, ENDED]
    assert [line.what for line in tell(story, "en") if line.who == "(gap)"] == [
        "not recorded: the offer to an agent",
        "not recorded: the end of the talk",
    ]


def test_a_second_talk_without_an_answer_is_a_gap_although_there_was_one_before() -> None:
    story = [*WHOLE_CALL[:-2], step(TalkStarted, 56, agent="1025")]
    assert told(story)[-2:] == [
        "00:56.0  (gap)       not recorded: the agent's answer",
        "00:56.0  agent 1025  talks with the caller",
    ]


def test_a_whole_story_has_no_gap() -> None:
    assert not [line for line in tell(WHOLE_CALL, "en") if line.who == "(gap)"]


def test_what_kept_us_from_seeing_is_told() -> None:
    story: list[Event] = [
        RANG,
        LinkLost(at=at(1), why="connection reset"),
        LinkBack(at=at(4), away=s(3)),
        HotlineStarted(at=at(5)),
        EventsLost(at=at(6), count=17),
    ]
    assert told(story)[1:] == [
        "00:01.0  hotline     lost the link to Asterisk: what follows may be incomplete",
        "00:04.0  hotline     has the link to Asterisk back after 3.0 s",
        "00:05.0  hotline     was started anew: steps before this may be missing",
        "00:06.0  hotline     could not write 17 events",
    ]


def test_who_ended_a_talk_is_not_invented() -> None:
    talked = dataclasses.replace(TALKED, by=None)
    ended = dataclasses.replace(ENDED, by=None, why="")
    assert told([*WHOLE_CALL[:16], talked, ended])[-2:] == [
        "00:54.5  agent 1024  talks no longer (34.0 s); who ended it is not known",
        "00:54.6  hotline     the call is over; who hung up is not known (no reason given)",
    ]


def test_a_clock_that_was_set_back_is_shown_as_it_is() -> None:
    assert told([RANG, step(CallAnswered, -1.26)])[1] == "-00:01.3  hotline     answers"


def test_a_long_call_counts_minutes_beyond_an_hour() -> None:
    assert told([RANG, step(CallAnswered, 3723.4)])[1].startswith("62:03.4")


def test_hostile_text_cannot_move_the_cursor_or_turn_the_line() -> None:
    rang = step(CallRang, 0, caller=PhoneNumber("\x1b[2J\n"), dialled="95598\u202e\x00")
    (line,) = tell([rang], "en", reveal=True)
    assert line.what == "\ufffd[2J\ufffd calls 95598\ufffd\ufffd"


def test_hostile_text_cannot_fill_in_words() -> None:
    rang = step(CallRang, 0, caller=None, dialled="{caller.__class__} {0} %s")
    assert told([rang])[0].endswith("a withheld number calls {caller.__class__} {0} %s")


some_steps = st.lists(
    st.sampled_from([*WHOLE_CALL, LinkLost(at=at(7), why="x"), HotlineStarted(at=at(8))]), max_size=30
)


@settings(deadline=None)
@given(some_steps, st.sampled_from(get_args(Language)), st.integers(0, 30))
def test_more_events_only_add_lines_whatever_is_missing_or_out_of_order(
    events: list[Event], language: Language, so_far: int
) -> None:
    lines = tell(events, language)
    earlier = tell(events[:so_far], language)
    assert lines[: len(earlier)] == earlier
    assert len(lines) >= len(events)
    assert all(line.what.isprintable() and "1381234" not in line.what for line in lines)
    assert summary(events, language).isprintable()


def test_nothing_recorded_is_no_story() -> None:
    assert tell([], "en") == []
    assert summary([], "en") == "nothing is recorded"
    assert summary([], "zh") == "没有记录"


# The outcome in one line

HANDED_OVER = step(CallTransferred, 30, kind="blind", to="2001", by="1024")
SENT_ON = step(TalkEnded, 30, agent="1024", by="agent", talked=s(9.5))
MESSAGE = step(MessageLeft, 30, file="x.wav", length=s(12))


def abandoned(where: Place, waited: float) -> Event:
    return step(CallAbandoned, 18, where=where, waited=s(waited))


@pytest.mark.parametrize(
    ("events", "english", "chinese"),
    [
        (
            WHOLE_CALL,
            "answered by agent 1024 after 12 s, talked 34 s, ended by the caller",
            "等待 12 秒后坐席 1024 接听，通话 34 秒，用户挂机",
        ),
        (
            [RANG, ANSWERED, QUEUED, abandoned("queue", 125), HUNG_UP],
            "abandoned in queue repair after 2 min 5 s",
            "在队列 repair 等待 2 分 5 秒后放弃",
        ),
        (
            [RANG, abandoned("queue", 45), HUNG_UP],
            "abandoned in queue unknown after 45 s",
            "在队列 不明 等待 45 秒后放弃",
        ),
        ([RANG, ANSWERED, abandoned("menu", 5), HUNG_UP], "hung up in the menu after 5 s", "5 秒后在菜单挂机"),
        (
            [RANG, ANSWERED, QUEUED, OFFERED, PICKED_UP, abandoned("greeting", 12)],
            "hung up before the work number was said, after 12 s",
            "等待 12 秒后在报工号时挂机",
        ),
        ([RANG, ANSWERED, MESSAGE, HUNG_UP], "left a message of 12 s, ended by the caller", "留言 12 秒，用户挂机"),
        (
            [RANG, ANSWERED, QUEUED, OFFERED, PICKED_UP, TALKING, HANDED_OVER, SENT_ON, ENDED],
            "answered by agent 1024 after 12 s, handed over to 2001, talked 10 s, ended by the caller",
            "等待 12 秒后坐席 1024 接听，转接到 2001，通话 10 秒，用户挂机",
        ),
        ([RANG, ANSWERED, QUEUED], "still going on, or its end was not recorded", "仍在进行，或结束未记录"),
        (
            [RANG, ANSWERED, TALKING],
            "answered by agent 1024, still going on, or its end was not recorded",
            "坐席 1024 接听，仍在进行，或结束未记录",
        ),
        (
            [TALKING, dataclasses.replace(ENDED, by=None)],
            "answered by agent 1024, how long they talked is not recorded, who ended it is not recorded",
            "坐席 1024 接听，通话时长未记录，未记录由谁挂机",
        ),
        (
            [RANG, TALKED, dataclasses.replace(ENDED, by=None)],
            "answered by agent 1024, talked 34 s, ended by the caller",
            "坐席 1024 接听，通话 34 秒，用户挂机",
        ),
    ],
)
def test_the_outcome_fits_in_one_line(events: list[Event], english: str, chinese: str) -> None:
    assert (summary(events, "en"), summary(events, "zh")) == (english, chinese)


# The words


def test_every_kind_of_event_can_be_told_in_every_case_and_language() -> None:
    for kind in KINDS.values():
        for event in examples(kind):
            for language in get_args(Language):
                line: Line = tell([event], language)[-1]
                assert line.who
                assert line.what


def examples(kind: type[Event]) -> list[Event]:
    """An event of this kind with each of the words and truth values its fields can have."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name != "call" or hint is not type(None)}
    plain = {name: sample(hint)[0] for name, hint in hints.items()}
    return [kind(**(plain | {name: value})) for name, hint in hints.items() for value in sample(hint)]


def sample(hint: Any) -> list[Any]:
    """Some values of a field's type, all of them where they are few."""
    simple: dict[Any, list[Any]] = {
        str: ["", "x"],
        int: [0, 7],
        bool: [True, False],
        type(None): [None],
        datetime: [at(0)],
        timedelta: [s(1), s(0)],
        PhoneNumber: [PhoneNumber("13812345678")],
        Keys: [Keys("1")],
    }
    if hint in simple:
        return simple[hint]
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [value for each in get_args(hint) for value in sample(each)]


def names_in(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_both_languages_say_the_same_of_each_event() -> None:
    for key, (who, english, chinese) in LINES.items():
        kind = key.partition("/")[0]
        fields = {field.name for field in dataclasses.fields(KINDS[kind])} if kind in KINDS else {"steps"}
        assert names_in(english) == names_in(chinese) <= fields, key
        assert names_in(WORDS[who][0]) == names_in(WORDS[who][1]) <= fields, key
    for key, (english, chinese) in WORDS.items():
        assert names_in(english) == names_in(chinese), key


def test_every_way_a_call_can_end_or_be_abandoned_has_words() -> None:
    assert {f"ended {party}" for party in (*get_args(Party), "unknown")} <= WORDS.keys()
    assert {f"abandoned {place}" for place in get_args(Place)} <= WORDS.keys()
    assert {before[0] for before in PRECEDED_BY.values()} <= {
        KINDS[key.removeprefix("the ")] for key in WORDS if key.startswith("the ")
    }
