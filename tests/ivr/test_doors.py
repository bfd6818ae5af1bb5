"""What the doors write on the channel and in the log, however a flow ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from casework.visits.answers import Answer
from casework.visits.case import Case, Talks
from casework.visits.script import Script, Thank
from casework.visits.states import Outcome
from ivr.doors import CALL, GREETING, MESSAGE, PHONE, VISIT, Doors
from ivr.errors import CallerHungUp
from ivr.lines import Line
from ivr.rehearsal import HANG_UP, Act, During, Speaks, Stage
from ivr.server import Session
from ivr.small_house import PretendDesk, small_house
from ivr.wire import Reply
from routing.events import CallAnswered, CallRang, CallRouted, Event, MessageLeft, PhoneNumber, PromptHeard

SUNDAY = datetime(2025, 11, 23, 3, 0, tzinfo=UTC)


class Asterisk(Stage):
    """A caller's channel at a door; `said` are the variables that were set, in order."""

    def __init__(self, script: Sequence[Act] = (), *, before: dict[str, str] | None = None, **headers: str) -> None:
        super().__init__(script, before or {}, [])
        self.headers = {"callerid": "13812345678", "dnid": "400100"} | headers
        self.said: list[tuple[str, str]] = []
        self.when_recording: Callable[[], None] = lambda: None
        self.gone_at: str | None = None
        """The caller is gone when this command comes."""

    async def send(self, command: str, *arguments: str, within: float | None = None) -> Reply:
        if command == self.gone_at:
            raise CallerHungUp
        if command == "RECORD FILE":
            self.when_recording()
        if command == "EXEC MSet":
            self.said += [(name, value) for name, _, value in (each.partition("=") for each in arguments[0].split(","))]
        if command == "SET VARIABLE" and not arguments[0].startswith("TIMEOUT"):
            self.said.append((arguments[0], arguments[1]))
        return await super().send(command, *arguments, within=within)

    def _pass(self, seconds: float) -> None:
        """Behind a door a Call has a real clock, on which a rehearsal takes no time."""


async def knock(door: int, asterisk: Asterisk, *, rang: bool = False, desk: PretendDesk | None = None) -> list[Event]:
    """Let a call in by this door; return what was written down."""
    events: list[Event] = []

    async def has_rung(_: str) -> bool:
        return rang

    rooms = replace(small_house(desk), words=asterisk, record=events.append, rang=has_rung)
    await Doors(rooms).by_port[door](cast(Session, asterisk))
    return events


def of(kind: type[Event], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def test_the_decision_is_written_on_the_channel_and_its_marker_last() -> None:
    asterisk = Asterisk(["2", "1"], arg_1="400100", arg_2="0")
    events = await knock(CALL, asterisk)
    assert asterisk.said == [
        ("HOTLINE_LINE", "public"),
        ("HOTLINE_LANGUAGE", "zh"),
        ("HOTLINE_QUEUE", "repair"),
        ("HOTLINE_PRIORITY", "100"),
        ("HOTLINE_PATIENCE", "600"),
        ("HOTLINE_DECISION", "queue"),
    ]
    assert isinstance(events[0], CallRang)
    assert (events[0].dialled, events[0].caller and events[0].caller.digits) == ("400100", "13812345678")
    assert [(event.to, event.priority, event.why) for event in of(CallRouted, events)] == [("repair", 100, None)]


async def test_a_caller_who_hangs_up_between_decision_and_marker_leaves_no_marker() -> None:
    asterisk = Asterisk(["1"], arg_1="400100", arg_2="0")
    asterisk.gone_at = "EXEC MSet"
    with pytest.raises(CallerHungUp):
        await knock(CALL, asterisk)
    assert "HOTLINE_DECISION" not in [name for name, _ in asterisk.said]


async def test_a_caller_who_hangs_up_in_the_menu_leaves_no_marker() -> None:
    asterisk = Asterisk([HANG_UP], arg_1="400100", arg_2="0")
    with pytest.raises(CallerHungUp):
        await knock(CALL, asterisk)
    assert asterisk.said == []


@pytest.mark.parametrize("number", ["", "unknown"])
async def test_a_withheld_number_is_none(number: str) -> None:
    (rang,) = of(CallRang, await knock(CALL, Asterisk(["1"], arg_1="400100", arg_2="0", callerid=number)))
    assert rang.caller is None


@pytest.mark.parametrize(
    ("tries", "logged", "rings"),
    [("0", False, 1), ("1", True, 0), ("1", False, 1)],
    ids=["the first try", "we failed before", "we were down before"],
)
async def test_a_call_rings_once_in_the_log_however_often_the_dialplan_asks(
    tries: str, logged: bool, rings: int
) -> None:
    events = await knock(CALL, Asterisk(["1"], arg_1="400100", arg_2=tries), rang=logged)
    assert len(of(CallRang, events)) == rings
    assert len(of(CallAnswered, events)) == 1


async def test_a_number_that_no_line_has_is_left_to_the_dialplan() -> None:
    asterisk = Asterisk(arg_1="999999", arg_2="0")
    with capture_logs() as logs:
        assert await knock(CALL, asterisk) == []
    assert asterisk.said == []
    assert [entry["event"] for entry in logs] == ["a number that no line of the site has"]


async def test_a_closed_line_says_why_it_asks_for_a_message() -> None:
    asterisk = Asterisk(["1"], arg_1="400200", arg_2="0", dnid="400200")
    house = small_house()
    events: list[Event] = []
    sunday = replace(house, words=asterisk, record=events.append, now=lambda: SUNDAY)
    await Doors(sunday).call(cast(Session, asterisk))
    assert asterisk.said[2:] == [("HOTLINE_REASON", "closed"), ("HOTLINE_DECISION", "message")]
    assert [(event.to, event.why) for event in of(CallRouted, events)] == [("message", "closed")]


async def test_a_caller_whom_the_queue_gave_back_is_routed_to_a_message_with_the_queues_word() -> None:
    asterisk = Asterisk([Speaks(9), "#"], arg_1="400100", arg_2="TIMEOUT")
    events = await knock(MESSAGE, asterisk)
    assert [(event.to, event.why) for event in of(CallRouted, events)] == [("message", "timeout")]
    assert [event.length.total_seconds() for event in of(MessageLeft, events)] == [9]
    assert asterisk.said == [("HOTLINE_MESSAGE", "begun"), ("HOTLINE_DECISION", "hangup")]


async def test_a_closed_line_was_routed_at_the_front_door_already() -> None:
    events = await knock(MESSAGE, Asterisk([Speaks(9), "#"], arg_1="400100", arg_2=""))
    assert of(CallRouted, events) == []


async def test_who_hangs_up_before_the_tone_has_not_begun_a_message() -> None:
    asterisk = Asterisk([During("busy_leave_message", HANG_UP)], arg_2="FULL")
    with pytest.raises(CallerHungUp):
        await knock(MESSAGE, asterisk)
    assert asterisk.said == []


async def test_what_waits_for_a_flow_comes_after_its_last_facts() -> None:
    events: list[Event | str] = []
    asterisk = Asterisk([Speaks(9), HANG_UP], arg_2="FULL")
    doors = Doors(replace(small_house(), words=asterisk, record=events.append))
    doors.once_out(asterisk.call, lambda: events.append("nobody is inside"))
    asterisk.when_recording = lambda: doors.once_out(asterisk.call, lambda: events.append("the line is down"))
    with pytest.raises(CallerHungUp):
        await doors.by_port[MESSAGE](cast(Session, asterisk))
    doors.once_out(asterisk.call, lambda: events.append("nobody is inside"))

    told = [event if isinstance(event, str) else type(event).__name__ for event in events]
    assert told[0] == "nobody is inside"
    assert told[-3:] == ["MessageLeft", "the line is down", "nobody is inside"]


async def test_the_greeting_decides_nothing() -> None:
    asterisk = Asterisk(before={"MEMBERNAME": "1024", "HOTLINE_CALL": "pbx-1763744923.12"})
    events = await knock(GREETING, asterisk)
    assert asterisk.said == []
    assert [event.prompt for event in of(PromptHeard, events)] == ["agent_greeting"]


async def test_a_phone_is_known_by_its_account() -> None:
    desk = PretendDesk({"chen-desk": "1024"})
    asterisk = Asterisk(arg_1="chen-desk", arg_2="*11", dnid="unknown")
    await knock(PHONE, asterisk, desk=desk)
    assert desk.duty == {"1024": "ready"}
    assert asterisk.said == [("HOTLINE_DECISION", "hangup")]


async def language_heard(remembered: str | None, *, callerid: str = "13812345678") -> set[str]:
    """The languages a caller of a line in Chinese and English hears, who chose so in an earlier call."""
    events: list[Event] = []
    asked: list[str] = []

    async def language_of(caller: PhoneNumber) -> str | None:
        asked.append(caller.digits)
        return remembered

    house = small_house()
    line = Line.model_validate(house.lines["400100"].model_dump() | {"languages": ["zh", "en"]})
    asterisk = Asterisk(["2", "2"], arg_1="400100", arg_2="0", callerid=callerid)
    rooms = replace(house, lines={"400100": line}, words=asterisk, record=events.append, language_of=language_of)
    await Doors(rooms).by_port[CALL](cast(Session, asterisk))
    assert asked == ([] if callerid == "unknown" else ["13812345678"])
    return {event.language for event in events if isinstance(event, PromptHeard)}


@pytest.mark.parametrize(("remembered", "language"), [("en", "en"), ("zh", "zh"), ("es", "zh"), (None, "zh")])
async def test_a_caller_hears_the_language_he_chose_in_an_earlier_call(remembered: str | None, language: str) -> None:
    assert await language_heard(remembered) == {language}


async def test_a_caller_who_shows_no_number_hears_the_first_language_of_the_line() -> None:
    assert await language_heard("en", callerid="unknown") == {"zh"}


class PretendTalks:
    """One visit; see `casework.visits.case.Talks`."""

    def __init__(self, language: str | None) -> None:
        steps = [Thank(kind="thank", prompt="goodbye")]
        script = Script(name="short", about={"en": "a word"}, steps=steps)
        self._case = Case(script=script, language=language)
        self.ended: Outcome | None = None

    async def begin(self, _: str) -> Case | None:
        return self._case

    async def keep(self, _: str, answer: Answer) -> None:
        raise AssertionError(f"nothing is asked: {answer}")

    async def end(self, _: str, outcome: Outcome | None) -> None:
        self.ended = outcome

    def next_time(self, _: str, at: datetime) -> datetime:
        return at


@pytest.mark.parametrize(
    ("of_the_case", "remembered", "heard"), [(None, "en", "en"), (None, None, "zh"), ("zh", "en", "zh")]
)
async def test_whom_we_call_hears_the_language_of_the_case_or_else_the_one_chosen_in_an_earlier_call(
    of_the_case: str | None, remembered: str | None, heard: str
) -> None:
    events: list[Event] = []

    async def language_of(_: PhoneNumber) -> str | None:
        return remembered

    house, talks = small_house(), PretendTalks(of_the_case)
    line = Line.model_validate(house.lines["400100"].model_dump() | {"languages": ["zh", "en"]})
    asterisk = Asterisk(arg_1="400100")
    rooms = replace(house, lines={"400100": line}, words=asterisk, record=events.append, language_of=language_of)
    await Doors(replace(rooms, talks=cast(Talks, talks))).by_port[VISIT](cast(Session, asterisk))
    assert talks.ended is Outcome.FINISHED
    assert {event.language for event in events if isinstance(event, PromptHeard)} == {heard}


async def test_a_message_is_asked_for_in_the_language_of_the_call() -> None:
    asterisk = Asterisk([Speaks(3), "#"], before={"HOTLINE_LANGUAGE": "en", "HOTLINE_REASON": "busy"})
    events = await knock(MESSAGE, asterisk)
    assert {event.language for event in events if isinstance(event, PromptHeard)} == {"en"}
