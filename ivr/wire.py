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
from itertools import zip_longest
from typing import Final

LONGEST_LINE: Final = 8_191
"""Bytes of one command with its newline: Asterisk reads into 8,192 and takes the rest for a second command."""

MOST_WORDS: Final = 127
"""Asterisk's parser has room for this many words and does not check quoted ones."""


class Unsayable(ValueError):
    """These words cannot go out as one AGI line. The message gives the word's place, never the word."""

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

    __slots__ = (
        *("_header_bytes", "_header_lines", "_headers", "_hung_up", "_lost", "_reply_bytes", "_rest"),
        *("_size", "_usage", "awaiting"),
    )

    def __init__(self, *, header_lines: int = 64, header_bytes: int = 16_384, reply_bytes: int = 16_384) -> None:
        self._header_lines = header_lines
        self._header_bytes = header_bytes
        self._reply_bytes = reply_bytes
        self._headers: list[bytes] | None = []  # None once they are complete
        self._usage: list[bytes] | None = None  # the lines of a 520 block while it comes in
        self._rest = b""  # a line whose end has not come
        self._size = 0  # bytes of the header block, or of the reply, so far
        self._hung_up = False
        self._lost = False
        self.awaiting = False
        """Whether a command is out whose reply has not come."""

    def ask(self, *words: str) -> bytes:
        """Return the command to put on the wire; its reply is awaited from now on.

        Raises OutOfTurn or Unsayable, and then nothing has changed.
        """
        if self._headers is not None or self.awaiting:
            raise OutOfTurn("one AGI command at a time, and only after the headers")
        line = encode(*words)
        self.awaiting = True
        return line

    def receive(self, data: bytes) -> list[Heard]:
        """Take bytes as they come, cut anywhere, and return what they mean.

        Raises BadHeaders or Confused: then nothing of these bytes is to be believed, and the conversation is
        over for good.
        """
        if self._lost:
            raise Confused("this conversation was given up")
        self._lost = True  # unless all of the following goes well
        *lines, self._rest = (self._rest + data).split(b"\n")
        heard = [meaning for line in lines if (meaning := self._understand(line)) is not None]
        self._check_size(len(self._rest))
        self._lost = False
        return heard

    def _understand(self, line: bytes) -> Heard | None:
        self._size += len(line) + 1
        self._check_size(0)
        if self._headers is not None:
            return self._header(self._headers, line)
        if self._usage is not None:
            return self._usage_line(self._usage, line)
        if line == b"HANGUP":
            return self._hangup()
        if not self.awaiting:
            raise Confused("a line that no command asked for")
        return self._reply(line)

    def _header(self, headers: list[bytes], line: bytes) -> Greeted | None:
        if not line:
            self._headers = None
            self._size = 0
            return Greeted(read_headers(headers))
        if len(headers) == self._header_lines:
            raise BadHeaders(f"more than {self._header_lines} header lines")
        headers.append(line)
        return None

    def _hangup(self) -> HungUp | None:
        self._size = 0
        told, self._hung_up = self._hung_up, True
        return None if told else HungUp()

    def _reply(self, line: bytes) -> Replied | None:
        if line.startswith(b"200 "):
            return self._replied(read_result(line))
        if line.startswith(b"520-"):
            self._usage = [line]
            return None
        if line.startswith(b"100 "):  # "Trying": the real reply is still to come
            return None
        if _REFUSAL(line):
            return self._replied(Reply(int(line[:3]), "", _text(line[4:])))
        raise Confused("a line that is not a reply")

    def _usage_line(self, usage: list[bytes], line: bytes) -> Replied | None:
        """Collect a 520 block: its first line, the command's usage, and `520 End of proper usage.`"""
        if not line.startswith(b"520 "):
            usage.append(line)
            return None
        self._usage = None
        return self._replied(Reply(520, "", _text(b"\n".join(usage)[4:])))

    def _replied(self, reply: Reply) -> Replied:
        self.awaiting = False
        self._size = 0
        return Replied(reply)

    def _check_size(self, rest: int) -> None:
        if self._headers is not None:
            if self._size + rest > self._header_bytes:
                raise BadHeaders(f"more than {self._header_bytes} bytes of headers")
        elif self._size + rest > self._reply_bytes:
            raise Confused(f"a reply of more than {self._reply_bytes} bytes")


def encode(*words: str) -> bytes:
    r"""Return one AGI command line which Asterisk's own parser reads back as exactly these words.

    Give a command's words apart, `encode("GET", "VARIABLE", name)`: a space inside one word is quoted and
    would make one word of them. An empty word is sent as `""`; quotes and backslashes are escaped. Commas are not:
    they part the arguments of EXEC's applications, and only the caller knows which are meant.

    Raises Unsayable for control characters (a newline would be a second command), half characters (lone
    surrogates), no words, more than 127 words, and lines over 8,191 bytes.
    """
    if not 0 < len(words) <= MOST_WORDS:
        raise Unsayable(f"an AGI command has 1 to {MOST_WORDS} words, not {len(words)}")
    parts = [word if _PLAIN(word) else _quoted(word, place) for place, word in enumerate(words, 1)]
    try:
        line = (" ".join(parts) + "\n").encode()
    except UnicodeEncodeError:
        raise Unsayable("an AGI command with half a character (a lone surrogate)") from None
    if len(line) > LONGEST_LINE:
        raise Unsayable(f"an AGI command of {len(line)} bytes; {LONGEST_LINE} is the most")
    return line


def _quoted(word: str, place: int) -> str:
    if _CONTROL(word):
        raise Unsayable(f"word {place} of an AGI command contains a control character")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_headers(lines: Sequence[bytes]) -> dict[str, str]:
    """Return the call's description from the lines before the blank one, keys without `agi_`.

    Asterisk 22 writes a fixed list of keys in a fixed order (res_agi.c, setup_env), so a line that is
    repeated, unknown, missing or out of place was smuggled in through a value, and a blank line came early if
    the list is not complete. Raises BadHeaders, which names the place and never the text.
    """
    text = _text(b"\n".join(lines)).split("\n")
    script = len(text) > 1 and text[1].startswith("agi_network_script: ")
    headers = {}
    for place, (line, key) in enumerate(zip_longest(text, _keys(len(text), script)), 1):
        if line is None or key is None:
            raise BadHeaders(f"the headers end early, at line {place}")
        if not line.startswith(f"agi_{key}: "):
            raise BadHeaders(f"header line {place} is not agi_{key}")
        value = line[len(key) + 6 :]
        if _CONTROL(value):
            raise BadHeaders(f"header agi_{key} contains a control character")
        headers[key] = value
    return headers


@lru_cache(maxsize=256)
def _keys(lines: int, script: bool) -> tuple[str, ...]:
    """The keys of a block with so many lines; AGI()'s own arguments come last and are counted from 1."""
    fixed = ("network", "network_script", *_CALL_KEYS) if script else ("network", *_CALL_KEYS)
    return (*fixed, *(f"arg_{number}" for number in range(1, lines - len(fixed) + 1)))


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


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


_CALL_KEYS: Final = (
    *("request", "channel", "language", "type", "uniqueid", "version"),
    *("callerid", "calleridname", "callingpres", "callingani2", "callington", "callingtns", "dnid", "rdnis"),
    *("context", "extension", "priority", "enhanced", "accountcode", "threadid"),
)
_PLAIN: Final = re.compile(r"[\w./:+-]+", re.ASCII).fullmatch
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
_RESULT: Final = re.compile(rb"200 result=([-\w*#]*)(?: (\(.*\)(?: \w+=.*)?|[^(].*))?", re.DOTALL).fullmatch
_REFUSAL: Final = re.compile(rb"5\d\d .*", re.DOTALL).fullmatch
_ENDPOS: Final = re.compile(r" ?endpos=(\d{1,18})(?!\d)").search
