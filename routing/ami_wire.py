"""The manager interface's messages, as bytes and as fields. No sockets here.

A message is some lines `Key: value`, each ended by CR LF, and then an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

Fields: TypeAlias = dict[str, str]

LONGEST_LINE: Final = 1024
"""Bytes of a line we send, its CR LF included. Asterisk 22 reads the rest of a longer one as another message."""
MOST_LINES: Final = 128
"""Lines of one action; Asterisk 22 refuses one more."""
LONGEST_MESSAGE: Final = 256 * 1024
"""Bytes of a message we accept. The largest event is a few thousand; more than this is no manager talking."""

_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_-]*\))?")
_LINE_BREAKERS: Final = re.compile(r"[\r\n\0]")
_SEPARATORS: Final = re.compile(r'([\\",])')


class Unsendable(ValueError):
    """A key or value that would not reach Asterisk as itself. The sentence names the key, never the value."""


class Unreadable(ValueError):
    """What came in is no manager message; the connection is of no further use."""


class Messages:
    """Turns the bytes of one connection into messages; where the stream happens to be cut makes no difference."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, data: bytes) -> Iterator[Fields]:
        """Yield each message that `data` completes, in the order of the wire.

        Bytes are decoded only when a message is whole, so no character is ever cut in two. Bytes that are not
        UTF-8 become U+FFFD. Raises Unreadable, after the messages before it, at one over LONGEST_MESSAGE bytes.
        """
        *blocks, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for block in blocks:
            if len(block) > LONGEST_MESSAGE:
                raise Unreadable(f"a message of {len(block)} bytes")
            if fields := _fields(block.decode("utf-8", "replace")):
                yield fields
        if len(self._rest) > LONGEST_MESSAGE + len(b"\r\n\r"):
            raise Unreadable(f"{len(self._rest)} bytes without the end of a message")


def _fields(block: str) -> Fields:
    """Read the lines of one message; a line without ': ' (Asterisk's banner is one) is not a field.

    A key that comes more than once keeps all its values, one per line, as they came: `ChanVariable` and `Output`
    are read with `.splitlines()`. A key that a caller forged into an event thereby matches nothing real: neither
    Asterisk's value nor the forged one survives alone.
    """
    fields: Fields = {}
    for line in block.split("\r\n"):
        key, mark, value = line.partition(": ")
        if mark:
            fields[key] = f"{fields[key]}\n{value}" if key in fields else value
    return fields


def encode(fields: Iterable[tuple[str, str | Sequence[str]]]) -> bytes:
    """Write one action; a value that is a list becomes one line for each of its items.

    What Asterisk reads is exactly this, except that it drops blanks at the start of a value.
    Raises Unsendable rather than send anything that Asterisk would take for something else.
    """
    lines = [_line(key, value) for key, values in fields for value in _each(values)]
    if len(lines) > MOST_LINES:
        raise Unsendable(f"an action of {len(lines)} lines; Asterisk takes {MOST_LINES}")
    return b"".join(lines) + b"\r\n"


def _each(values: str | Sequence[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values


def _line(key: str, value: str) -> bytes:
    if not _KEY.fullmatch(key):
        raise Unsendable(f"{key!r} cannot be the key of a field")
    if _LINE_BREAKERS.search(value):
        raise Unsendable(f"the value of {key} holds a CR, LF or NUL")
    try:
        line = f"{key}: {value}\r\n".encode()
    except UnicodeEncodeError:
        raise Unsendable(f"the value of {key} is not text") from None
    if len(line) > LONGEST_LINE:
        raise Unsendable(f"the line of {key} has {len(line)} bytes with its CR LF; Asterisk takes {LONGEST_LINE}")
    return line


def assignment(name: str, value: str) -> str:
    """Write the value of a `Variable:` line, so that the channel gets exactly this one variable.

    Asterisk splits such a line at commas and takes quotes and backslashes away: unescaped, a comma in the value
    would set another variable.
    """
    if not _VARIABLE.fullmatch(name):
        raise Unsendable(f"{name!r} cannot be the name of a variable")
    escaped = _SEPARATORS.sub(r"\\\1", value)
    return f"{name}={escaped}"
