"""Events as JSON objects, and back, with nothing lost and nothing guessed.

    {"event": "agent-answered", "at": "2025-11-21T09:20:00.123456Z", "call": "pbx-1763744923.12",
     "agent": "1024", "queue": "repair", "waited_ms": 12000}

Times are UTC with microseconds, durations whole milliseconds (rounded) under a name that says so. A field that is None
by default and by value is left out; one that is missing is read as its default, so that fields can be added to a kind.
Both directions check every field: whatever was written can be read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from routing.events import KINDS, Event, Keys, PhoneNumber

KIND_OF: Final[Mapping[type[Event], str]] = {cls: kind for kind, cls in KINDS.items()}


class BadEvent(ValueError):
    """Not an event of ours: an unknown kind, or a field that is missing, unknown or of the wrong type.

    The sentence names kind and field, never the value, which may be private.
    """


def to_json(event: Event) -> dict[str, Any]:
    """Write an event as a JSON object; raises BadEvent."""
    kind = KIND_OF.get(type(event))
    if kind is None:
        raise BadEvent(f"{type(event).__name__} is not a kind of event that can be kept")
    written: dict[str, Any] = {"event": kind}
    for field in _fields(kind):
        value = getattr(event, field.name)
        if value is None and field.default is None:
            continue
        try:
            written[field.key] = field.write(value)
        except (TypeError, ValueError) as wrong:
            raise BadEvent(f"{kind}: {field.name} must be {wrong}") from None
    return written


def from_json(written: Mapping[str, Any]) -> Event:
    """Read an event back; raises BadEvent."""
    kind = written.get("event")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadEvent(f"unknown kind of event: {kind!r:.60}")
    values: dict[str, Any] = {}
    for field in _fields(kind):
        if field.key in written:
            try:
                values[field.name] = field.read(written[field.key])
            except (TypeError, ValueError) as wrong:
                raise BadEvent(f"{kind}: {field.key} must be {wrong}") from None
        elif field.default is dataclasses.MISSING:
            raise BadEvent(f"{kind}: {field.key} is missing")
    if len(values) + 1 < len(written):
        unknown = written.keys() - {"event"} - {field.key for field in _fields(kind)}
        raise BadEvent(f"{kind} has no field {', '.join(sorted(unknown)):.60}")
    return KINDS[kind](**values)


class _Field(NamedTuple):
    """How one field travels. `write` and `read` raise TypeError or ValueError saying what the value must be."""

    name: str
    key: str
    default: object
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


@cache
def _fields(kind: str) -> tuple[_Field, ...]:
    cls = KINDS[kind]
    hints = get_type_hints(cls)
    return tuple(
        _Field(
            field.name,
            field.name + ("_ms" if hints[field.name] is timedelta else ""),
            field.default,
            *_both_ways(hints[field.name]),
        )
        for field in dataclasses.fields(cls)
    )


def _both_ways(hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return the writer and the reader for a field of this type."""
    if hint in _WAYS:
        return _WAYS[hint]
    if get_origin(hint) is Literal:
        one_of = _one_of(get_args(hint))
        return one_of, one_of
    if get_origin(hint) in (UnionType, Union):
        inner, none = get_args(hint)
        if none is NoneType:
            write, read = _both_ways(inner)
            return _or_none(write), _or_none(read)
    raise TypeError(f"no event field can be of type {hint}")


def _or_none(way: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else way(value)


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 10**18:
        raise TypeError("a whole number of at most 18 digits")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _nothing(value: Any) -> None:
    if value is not None:
        raise TypeError("left out")


def _write_moment(value: Any) -> str:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise TypeError("a time with its zone")
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time between the years 1 and 9999") from None
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _read_moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value))
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.utcoffset() != timedelta(0):
        raise ValueError("a UTC time such as 2025-11-21T09:20:00.123456Z")
    return moment.astimezone(UTC)


def _write_duration(value: Any) -> int:
    if not isinstance(value, timedelta):
        raise TypeError("a duration")
    return round(value / timedelta(milliseconds=1))


def _read_duration(value: Any) -> timedelta:
    try:
        return timedelta(milliseconds=_whole(value))
    except OverflowError:
        raise ValueError("a duration of at most 999999999 days") from None


def _write_number(value: Any) -> str:
    if not isinstance(value, PhoneNumber):
        raise TypeError("a PhoneNumber")
    return _text(value.digits)


def _write_keys(value: Any) -> str:
    if not isinstance(value, Keys):
        raise TypeError("Keys")
    return _text(value.pressed)


_WAYS: Final[Mapping[Any, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    str: (_text, _text),
    int: (_whole, _whole),
    bool: (_yes_or_no, _yes_or_no),
    NoneType: (_nothing, _nothing),
    datetime: (_write_moment, _read_moment),
    timedelta: (_write_duration, _read_duration),
    PhoneNumber: (_write_number, lambda value: PhoneNumber(_text(value))),
    Keys: (_write_keys, lambda value: Keys(_text(value))),
}
