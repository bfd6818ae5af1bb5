"""The manager interface's messages: what goes out is what was meant, what comes in is the same however it is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.ami_wire import (
    LONGEST_LINE,
    LONGEST_MESSAGE,
    MOST_LINES,
    Fields,
    Messages,
    Unreadable,
    Unsendable,
    assignment,
    encode,
)

keys = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60)
messages = st.lists(st.dictionaries(keys, texts, min_size=1, max_size=6), max_size=6)
cuts = st.lists(st.integers(0, 2000), max_size=12)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces, cut at these places."""
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def received(pieces: list[bytes]) -> list[Fields]:
    reader = Messages()
    return [fields for piece in pieces for fields in reader.receive(piece)]


@given(messages, cuts, st.integers(0, 3))
def test_a_stream_cut_anywhere_gives_the_same_messages(sent: list[Fields], places: list[int], blank_lines: int) -> None:
    stream = b"Asterisk Call Manager/11.0.0\r\n"
    for fields in sent:
        stream += "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode()
        stream += b"\r\n" * (1 + blank_lines)
    assert received(cut(stream, places)) == sent


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n\r\n", b"A: b", b": ", b"\xe4\xb8\xad", b"\xff"])), cuts)
def test_even_nonsense_cut_anywhere_gives_the_same_messages(parts: list[bytes], places: list[int]) -> None:
    stream = b"".join(parts)
    assert received(cut(stream, places)) == received([stream])


def test_a_character_cut_in_two_arrives_whole() -> None:
    whole = "Event: Newchannel\r\nCallerIDName: 王小明\r\n\r\n".encode()
    middle = whole.index("小".encode()) + 1
    assert received([whole[:middle], whole[middle:]]) == [{"Event": "Newchannel", "CallerIDName": "王小明"}]


def test_bytes_that_are_not_utf8_are_marked_and_lose_nothing_else() -> None:
    assert received([b"Event: Hangup\r\nCallerIDName: \xff\xfeLi\r\nCause: 16\r\n\r\n"]) == [
        {"Event": "Hangup", "CallerIDName": "\ufffd\ufffdLi", "Cause": "16"}
    ]


def test_a_key_that_comes_twice_keeps_both_values_in_order() -> None:
    [event] = received([b"Event: Dial\r\nChanVariable: A=1\r\nCause: 16\r\nChanVariable: B=2\r\n\r\n"])
    assert event["ChanVariable"].splitlines() == ["A=1", "B=2"]
    assert event["Cause"] == "16"


def test_a_forged_key_does_not_replace_the_real_one() -> None:
    [event] = received([b"Event: Newchannel\r\nLinkedid: forged\r\nLinkedid: pbx-1.1\r\n\r\n"])
    assert event["Linkedid"] not in {"forged", "pbx-1.1"}


@pytest.mark.parametrize("tail", [b"", b"\r\n\r\n"], ids=["never-ending", "whole"])
def test_a_message_too_long_to_be_true_is_refused_after_those_before_it(tail: bytes) -> None:
    stream = Messages().receive(b"Event: Hangup\r\n\r\n" + b"x" * (LONGEST_MESSAGE + 4) + tail)
    assert next(stream) == {"Event": "Hangup"}
    with pytest.raises(Unreadable):
        next(stream)


@given(st.dictionaries(keys, st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=3), max_size=5))
def test_what_goes_out_is_exactly_the_lines_that_were_meant_or_nothing(fields: dict[str, str | list[str]]) -> None:
    try:
        wire = encode(fields.items())
    except Unsendable:
        return
    *lines, blank, end = wire.split(b"\r\n")
    meant = [
        f"{key}: {value}"
        for key, values in fields.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    assert [line.decode() for line in lines] == meant
    assert (blank, end) == (b"", b"")
    assert not any(breaker in line for line in lines for breaker in b"\r\n\0")


@pytest.mark.parametrize("breaker", ["\r", "\n", "\0", "\r\nAction: Command\r\n\r\n"])
def test_a_line_break_or_nul_is_refused_naming_the_key_and_not_the_value(breaker: str) -> None:
    with pytest.raises(Unsendable, match="CallerID") as refused:
        encode([("Action", "Originate"), ("CallerID", f"13800138000{breaker}")])
    assert "138" not in str(refused.value)
    with pytest.raises(Unsendable):
        encode([("Action", "Originate"), (f"Caller{breaker}ID", "1")])


@pytest.mark.parametrize("key", ["", " Queue", "Queue:", "Queue: a", "队列"])
def test_a_key_that_asterisk_would_read_otherwise_is_refused(key: str) -> None:
    with pytest.raises(Unsendable):
        encode([(key, "repair")])


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Unsendable, match="Reason"):
        encode([("Reason", "\ud83d")])


def test_a_line_may_have_1024_bytes_and_not_one_more() -> None:
    room = LONGEST_LINE - len("Reason: \r\n")
    characters, odd = divmod(room, len("中".encode()))
    longest = "中" * characters + "x" * odd
    assert len(encode([("Reason", longest)])) == LONGEST_LINE + len(b"\r\n")
    with pytest.raises(Unsendable, match="Reason has 1025 bytes"):
        encode([("Reason", longest + "x")])


def test_an_action_may_have_128_lines_and_not_one_more() -> None:
    encode([("Variable", ["A=1"] * MOST_LINES)])
    with pytest.raises(Unsendable, match="129 lines"):
        encode([("Variable", ["A=1"] * (MOST_LINES + 1))])


def as_asterisk_reads(line: str) -> list[tuple[str, str]]:
    """The variables that Asterisk 22 takes from one `Variable:` line: commas part, quotes and backslashes go."""
    parts, quoted, characters = [""], False, iter(line)
    for character in characters:
        if character == "\\":
            parts[-1] += next(characters, "")
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [(name, value) for name, _, value in (part.partition("=") for part in parts)]


@given(st.text('ab,="\\ ()中', max_size=20))
def test_a_variable_reaches_its_channel_as_it_is_and_alone(value: str) -> None:
    assert as_asterisk_reads(assignment("TICKET", value)) == [("TICKET", value)]


@pytest.mark.parametrize("name", ["", "A=1,B", "A,B", "A B", "1A", "A\\"])
def test_a_name_that_would_set_another_variable_is_refused(name: str) -> None:
    with pytest.raises(Unsendable):
        assignment(name, "1")
