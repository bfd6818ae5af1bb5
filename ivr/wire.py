"""The FastAGI wire without a socket: commands become bytes, bytes become meaning.

Asterisk opens one connection for each call. It first describes the call in header lines, then answers
our commands, one reply for each, and may say HANGUP at any moment between two replies. Much of what it
repeats to us was chosen by a stranger (the caller's name and number, for example) and may try to pass for
a header, a reply or a second command. So the wire is strict both ways: we say only what Asterisk must
read as the words we meant, and whatever we did not expect to hear ends the connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST_LINE: Final = 8_191
"""Bytes of one command with its newline: Asterisk reads into 8,192 and takes the rest for a second command."""

MOST_WORDS: Final = 127
"""Asterisk's parser has room for this many words and does not check quoted ones."""

LONGEST_REPLY: Final = 16_384
"""Bytes of one line from Asterisk; it keeps to no limit, and no value of ours comes near."""

MOST_USAGE_LINES: Final = 64
"""Lines of a 520 block; Asterisk's longest usage text has about half."""


class Unsayable(ValueError):
    """These words cannot go out as one AGI line. The message names the command, never an argument."""

    code = "unsayable"


class BadHeaders(ValueError):
    """The header block is not one that Asterisk writes: drop the connection."""

    code = "bad-headers"


class Confused(ValueError):
    """A line nobody asked for or nobody can read: replies no longer match commands, drop the connection."""

    code = "confused"


class OutOfTurn(RuntimeError):
    """A command before the headers, or while another is unanswered: Asterisk would lose or mix up replies."""

    code = "out-of-turn"


@dataclass(frozen=True, slots=True)
class Reply:
    """What Asterisk answered: `200 result=1 (timeout) endpos=8000` has result "1", data "(timeout) endpos=8000".

    A refusal (510, 511, 520) has no result; its explanation is the data.
    """

    code: int
    result: str
    data: str

    @property
    def value(self) -> str | None:
        """The text in parentheses: a variable's value, or a word such as timeout, dtmf or hangup."""
        return self.data[1 : self.data.rindex(")")] if self.data.startswith("(") else None

    @property
    def endpos(self) -> int | None:
        """How far a sound was played or recorded, in samples (8,000 a second)."""
        found = _ENDPOS(self.data, self.data.rfind(")") + 1)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Greeted:
    """Asterisk has described the call. Keys stand without their `agi_`; bytes that are not UTF-8 became U+FFFD."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Replied:
    """The reply to the one command that was out. Bytes that are not UTF-8 became U+FFFD."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller's channel is gone. Told once, even if Asterisk says it twice."""


Heard = Greeted | Replied | HungUp


class Conversation:
    """One AGI connection, from the first header to the last reply, in lockstep.

    Never pipeline: a second command on the wire stops a prompt without any reply. Limits are in lines and
    bytes; time is the business of whoever owns the socket.
    """

    __slots__ = ("_greeted", "_header_bytes", "_header_lines", "_hung_up", "_lost", "_rest", "_usage", "awaiting")

    def __init__(self, *, header_lines: int = 64, header_bytes: int = 16_384) -> None:
        self._header_lines = header_lines
        self._header_bytes = header_bytes
        self._rest = b""  # what has come and is not yet complete: the header block, later one line
        self._greeted = False
        self._usage: list[bytes] | None = None  # the lines of a 520 block while it comes in
        self._hung_up = False
        self._lost = False
        self.awaiting = False
        """Whether a command is out whose reply has not come."""

    def ask(self, *words: str) -> bytes:
        """Return the command to put on the wire; its reply is awaited from now on.

        Raises OutOfTurn or Unsayable, and then nothing has changed.
        """
        if self.awaiting or not self._greeted:
            raise OutOfTurn("one AGI command at a time, and only after the headers")
        line = encode(*words)
        self.awaiting = True
        return line

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes as they come, cut anywhere, and return what they mean.

        Raises BadHeaders or Confused: then nothing of these bytes is to be believed, and the conversation is
        over for good.
        """
        if self._lost:
            raise Confused("this conversation was given up")
        if self.awaiting and (usual := _USUAL.get(data)) and not self._rest and self._usage is None:
            self.awaiting = False
            return usual
        self._lost = True  # unless all of the following goes well
        data = self._rest + data
        heard = self._lines(data) if self._greeted else self._block(data)
        self._lost = False
        return heard

    def _block(self, data: bytes) -> list[Heard]:
        """The headers: nothing is looked at before the blank line that ends them has come."""
        block, blank, after = data.partition(b"\n\n")
        if len(block) > self._header_bytes + (not blank):  # without the blank line, half of it may be there
            raise BadHeaders(f"more than {self._header_bytes} bytes of headers")
        if not blank:
            self._rest = data
            return []
        if block.count(b"\n") >= self._header_lines:
            raise BadHeaders(f"more than {self._header_lines} header lines")
        self._greeted = True
        return [Greeted(read_headers(block)), *self._lines(after)]

    def _lines(self, data: bytes) -> list[Heard]:
        *lines, self._rest = data.split(b"\n")
        heard = [meaning for line in lines if (meaning := self._line(line)) is not None]
        _check_length(self._rest)
        return heard

    def _line(self, line: bytes) -> Heard | None:
        _check_length(line)
        if self._usage is not None:
            return self._usage_line(self._usage, line)
        if line == b"HANGUP":
            told, self._hung_up = self._hung_up, True
            return None if told else HungUp()
        if not self.awaiting:
            raise Confused("a line that no command asked for")
        return self._reply(line)

    def _reply(self, line: bytes) -> Replied | None:
        if line.startswith(b"200 "):
            self.awaiting = False
            return Replied(read_result(line))
        if line.startswith(b"520-"):
            self._usage = [line[4:]]
            return None
        if line.startswith(b"100 "):  # "Trying": the real reply is still to come
            return None
        if _REFUSAL(line):
            self.awaiting = False
            return Replied(Reply(int(line[:3]), "", _text(line[4:])))
        raise Confused("a line that is not a reply")

    def _usage_line(self, usage: list[bytes], line: bytes) -> Replied | None:
        """Collect a 520 block: its first line, the command's usage, and `520 End of proper usage.`"""
        if not line.startswith(b"520 "):
            if len(usage) == MOST_USAGE_LINES:
                raise Confused(f"a 520 block of more than {MOST_USAGE_LINES} lines")
            usage.append(line)
            return None
        self._usage = None
        self.awaiting = False
        return Replied(Reply(520, "", _text(b"\n".join(usage))))


@lru_cache(maxsize=1024)  # flows say the same few hundred lines to every caller
def encode(*words: str) -> bytes:
    r"""Return one AGI command line which Asterisk's own parser reads back as exactly these words.

    First the command, which may be several words, `encode("GET VARIABLE", name)`; then its arguments, each one
    word, whatever is in it. An empty one is sent as `""`; quotes and backslashes are escaped. Commas are not: they
    part the arguments of EXEC's applications, and only the caller knows which are meant.

    Raises Unsayable for control characters (a newline would be a second command), half characters (lone
    surrogates), a command that is not made of letters, more than 127 words, and lines over 8,191 bytes.
    """
    command, *arguments = words or ("",)
    if not _LETTERS(command):
        raise Unsayable("an AGI command consists of words of letters")
    if command.count(" ") + len(words) > MOST_WORDS:
        raise Unsayable(f"{command} with more than {MOST_WORDS} words")
    try:
        line = (" ".join([command, *map(_word, arguments)]) + "\n").encode()
    except UnicodeEncodeError:
        raise Unsayable(f"an argument of {command} has half a character (a lone surrogate)") from None
    if len(line) > LONGEST_LINE:
        raise Unsayable(f"{command} with its arguments is {len(line)} bytes; {LONGEST_LINE} is the most")
    return line


def _word(word: str) -> str:
    if _PLAIN(word):
        return word
    if _CONTROL(word):
        raise Unsayable("an argument of an AGI command contains a control character")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_headers(block: bytes) -> dict[str, str]:
    """Return the call's description from the lines before the blank one, keys without `agi_`.

    Asterisk 22 writes a fixed list of keys in a fixed order (res_agi.c, setup_env). So a line that is
    repeated, unknown, missing or out of place was smuggled in through a value, and a blank line came early if
    the list is not complete. Only AGI()'s own arguments, at the end, can be added to unnoticed: pass it nothing that
    a caller chose. Raises BadHeaders, which names the place and never the text.
    """
    keys, whole = _expected(block.count(b"\n") + 1, b"\nagi_network_script: " in block)
    text = _text(block)
    found = whole.fullmatch(text)
    if found is None:
        raise BadHeaders(f"header line {_first_odd(text, keys)} is not what Asterisk writes there")
    return dict(zip(keys, found.groups(), strict=True))


@lru_cache(maxsize=128)
def _expected(lines: int, script: bool) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """The keys of a block with so many lines. AGI()'s own arguments come last and are counted from 1."""
    fixed = ("network", *(["network_script"] if script else []), *_CALL_KEYS)
    keys = fixed + tuple(f"arg_{number}" for number in range(1, lines - len(fixed) + 1))
    return keys, re.compile("\n".join(map(_header, keys)))


def _header(key: str) -> str:
    return rf"agi_{key}: ([^\x00-\x1f\x7f]*)"


def _first_odd(text: str, keys: tuple[str, ...]) -> int:
    """The number of the first line that is wrong, or missing."""
    for number, (line, key) in enumerate(zip(text.split("\n"), keys, strict=False), 1):
        if not re.fullmatch(_header(key), line):
            return number
    return text.count("\n") + 2


def read_result(line: bytes) -> Reply:
    """Return the reply of a command that was carried out: `200 result=...`.

    Raises Confused, also for a value whose parenthesis does not close: it contains a newline, and what comes
    after it would pass for replies.
    """
    found = _RESULT(line)
    if found is None:
        raise Confused("a 200 that is not a result")
    result, data = found.groups(b"")
    return Reply(200, _text(result), _text(data))


def _check_length(line: bytes) -> None:
    if len(line) > LONGEST_REPLY:
        raise Confused(f"a line of more than {LONGEST_REPLY} bytes")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


_CALL_KEYS: Final = (
    *("request", "channel", "language", "type", "uniqueid", "version"),
    *("callerid", "calleridname", "callingpres", "callingani2", "callington", "callingtns", "dnid", "rdnis"),
    *("context", "extension", "priority", "enhanced", "accountcode", "threadid"),
)
_LETTERS: Final = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*").fullmatch
_PLAIN: Final = re.compile(r"[\w./:+-]+", re.ASCII).fullmatch
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
_RESULT: Final = re.compile(rb"200 result=([-\w*#]*)(?: (\(.*\)(?: \w+=.*)?|[^(].*))?", re.DOTALL).fullmatch
_REFUSAL: Final = re.compile(rb"5\d\d .*", re.DOTALL).fullmatch
_ENDPOS: Final = re.compile(r"\bendpos=(\d{1,18})\b").search

_USUAL: Final = {
    b"200 result=%d\n" % result: (Replied(Reply(200, str(result), "")),) for result in (-1, 0, 1, *b"0123456789*#")
}
"""Nearly all replies are one of these (a key comes as its character code), and come whole and alone."""
