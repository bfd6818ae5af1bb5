"""Events: what is written can be read, what is odd is refused, what is private stays so."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import events
from routing.events import KINDS, AgentAnswered, AgentPaused, CallQueued, CallRang, Event, KeyPressed, Keys, PhoneNumber
from routing.events_json import BadEvent, from_json, to_json

AT = datetime(2025, 11, 21, 9, 20, 0, 123456, tzinfo=UTC)
ANSWERED = AgentAnswered(
    at=AT, call="pbx-1763744923.12", agent="1024", queue="repair", waited=timedelta(seconds=12, milliseconds=5)
)
ANSWERED_JSON = {
    "event": "agent-answered",
    "at": "2025-11-21T09:20:00.123456Z",
    "call": "pbx-1763744923.12",
    "agent": "1024",
    "queue": "repair",
    "waited_ms": 12005,
}

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(-(10**18) + 1, 10**18 - 1),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.integers(0, 10**9).map(lambda ms: timedelta(milliseconds=ms)),
    PhoneNumber: st.text().map(PhoneNumber),
    Keys: st.text().map(Keys),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    return st.one_of(*map(values_of, get_args(hint)))


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of this kind."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})


any_event = st.sampled_from(list(KINDS.values())).flatmap(events_of)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(any_event)
def test_an_event_of_any_kind_is_read_back_as_it_was_written(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_an_event_reads_well_on_the_wire() -> None:
    assert to_json(ANSWERED) == ANSWERED_JSON
    assert from_json(ANSWERED_JSON) == ANSWERED


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    classes = {cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event)}
    kinds = {cls for cls in classes if not any(other is not cls and issubclass(other, cls) for other in classes)}
    assert kinds == set(KINDS.values())
    assert len(kinds) == len(KINDS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in KINDS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"event": "agent-vanished"}, "unknown kind of event: 'agent-vanished'"),
        ({"event": None}, "unknown kind of event: None"),
        ({"queue": None}, "agent-answered: queue must be text"),
        ({"agent": 1024}, "agent-answered: agent must be text"),
        ({"waited_ms": "12"}, "agent-answered: waited_ms must be a whole number"),
        ({"waited_ms": 1.5}, "agent-answered: waited_ms must be a whole number"),
        ({"waited_ms": True}, "agent-answered: waited_ms must be a whole number"),
        ({"waited_ms": 10**17}, "agent-answered: waited_ms must be a duration"),
        ({"at": "2025-11-21T09:20:00"}, "agent-answered: at must be a UTC time"),
        ({"at": "2025-11-21T09:20:00+08:00"}, "agent-answered: at must be a UTC time"),
        ({"at": "yesterday"}, "agent-answered: at must be a UTC time"),
        ({"mood": "good"}, "agent-answered has no field mood"),
    ],
)
def test_an_odd_object_is_refused_with_what_is_wrong(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadEvent, match=re.escape(complaint)):
        from_json(ANSWERED_JSON | change)


@pytest.mark.parametrize("missing", ["event", "at", "call", "agent", "queue", "waited_ms"])
def test_an_object_without_a_needed_field_is_refused(missing: str) -> None:
    with pytest.raises(BadEvent):
        from_json({key: value for key, value in ANSWERED_JSON.items() if key != missing})


@settings(deadline=None)
@given(any_event, st.dictionaries(st.text(), any_json, max_size=2), st.data())
def test_any_change_to_an_object_gives_an_event_or_a_refusal(
    event: Event, added: dict[str, Any], data: st.DataObject
) -> None:
    written = to_json(event)
    spoiled = data.draw(st.sampled_from(sorted(written)))
    for odd in (written | added, written | {spoiled: data.draw(any_json)}):
        try:
            again = from_json(odd)
        except BadEvent:
            continue
        assert from_json(to_json(again)) == again


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": AT.replace(tzinfo=None)},
        {"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=8)))},
        {"waited": 12},
        {"agent": None},
    ],
)
def test_an_event_that_could_not_be_read_back_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadEvent):
        to_json(replace(ANSWERED, **wrong))


def test_something_that_is_no_kind_of_event_is_not_written() -> None:
    with pytest.raises(BadEvent, match="Event is not a kind"):
        to_json(Event(at=AT))


def test_a_refusal_does_not_quote_private_values() -> None:
    rang = {"event": "call-rang", "at": "2025-11-21T09:20:00Z", "call": "x", "dialled": "95598"}
    with pytest.raises(BadEvent) as refusal:
        from_json(rang | {"caller": ["13812345678"]})
    assert "1381234" not in str(refusal.value)


def test_a_field_that_was_added_to_a_kind_is_read_as_its_default_in_older_events() -> None:
    older = {"event": "call-queued", "at": "2025-11-21T09:20:00Z", "call": "x", "queue": "repair"}
    event = from_json(older)
    assert isinstance(event, CallQueued)
    assert (event.priority, event.position) == (0, None)


def test_times_are_kept_in_utc_and_durations_to_the_millisecond() -> None:
    shanghai = timezone(timedelta(hours=8))
    event = AgentAnswered(
        at=AT.astimezone(shanghai), call="x", agent="1024", queue="repair", waited=timedelta(microseconds=2600)
    )
    written = to_json(event)
    assert (written["at"], written["waited_ms"]) == ("2025-11-21T09:20:00.123456Z", 3)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86138****5678"),
        ("01082345678", "010****5678"),
        ("82345678", "****5678"),
        ("8234567", "****67"),
        ("10086", "****86"),
        ("110", "****"),
        ("", "****"),
        ("alice@example.com", "****"),
        ("138****5678", "138****5678"),
    ],
)
def test_a_number_is_masked(number: str, masked: str) -> None:
    assert PhoneNumber(number).masked() == masked


def test_private_values_do_not_show_when_printed() -> None:
    rang = CallRang(at=AT, call="x", caller=PhoneNumber("13812345678"), dialled="95598")
    pressed = KeyPressed(at=AT, call="x", key=Keys("4711"), at_prompt="pin")
    assert rang.caller is not None
    for printed in (repr(rang), str(rang), f"{rang.caller}", repr([rang.caller])):
        assert "13812" not in printed
    for printed in (repr(pressed), f"{pressed.key}"):
        assert "4711" not in printed


def test_equal_numbers_are_equal_and_can_be_keys() -> None:
    assert {PhoneNumber("110"): 1}[PhoneNumber("110")] == 1


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ANSWERED.agent = "1025"  # type: ignore[misc]


def test_an_agents_own_step_belongs_to_no_call() -> None:
    with pytest.raises(BadEvent, match="call must be left out"):
        to_json(AgentPaused(at=AT, call="x", agent="1024", reason="lunch"))  # type: ignore[arg-type]
