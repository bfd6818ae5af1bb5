"""The FastAGI wire: what goes out is one line and nothing else, what comes in is understood or refused."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.wire import (
    LONGEST_REPLY,
    MOST_USAGE_LINES,
    BadHeaders,
    Confused,
    Conversation,
    Greeted,
    Heard,
    HungUp,
    OutOfTurn,
    Replied,
    Reply,
    Unsayable,
    encode,
)

DESCRIPTION = {
    "network": "yes",
    "request": "agi://172.30.0.3:4573",
    "channel": "PJSIP/carrier-00000001",
    "language": "zh",
    "type": "PJSIP",
    "uniqueid": "pbx-1763744923.12",
    "version": "22.10.1",
    "callerid": "unknown",
    "calleridname": "王 小明",
    "callingpres": "0",
    "callingani2": "0",
    "callington": "0",
    "callingtns": "0",
    "dnid": "100",
    "rdnis": "unknown",
    "context": "from-carrier",
    "extension": "100",
    "priority": "7",
    "enhanced": "0.0",
    "accountcode": "",
    "threadid": "140203302377152",
}
CHOSEN_BY_THE_CALLER = ["callerid", "calleridname", "dnid", "rdnis", "extension"]


def block(**values: str) -> bytes:
    """The headers of a call, with some values changed."""
    lines = (DESCRIPTION | values).items()
    return "".join(f"agi_{key}: {value}\n" for key, value in lines).encode() + b"\n"


def greeted() -> Conversation:
    conversation = Conversation()
    conversation.receive(block())
    return conversation


def asked() -> Conversation:
    conversation = greeted()
    conversation.ask("GET VARIABLE", "X")
    return conversation


# What goes out


def as_asterisk_reads(buffer: bytes) -> list[bytes]:
    """res_agi.c, parse_args: the same cases in the same order, and its array of 128 words."""
    words: list[bytearray] = []
    quoted = escaped = False
    whitespace = True
    for byte in buffer:
        character = bytes([byte])
        if character == b'"' and not escaped:
            quoted = not quoted
            if quoted and whitespace:
                words.append(bytearray())
                whitespace = False
        elif character in b" \t" and not quoted and not escaped:
            whitespace = True
        elif character == b"\\" and not escaped:
            escaped = True
            continue
        else:
            if whitespace:
                assert len(words) < 127, "too many arguments, truncating"
                words.append(bytearray())
                whitespace = False
            words[-1] += character
        escaped = False
    assert len(words) < 128, "written past the end of Asterisk's array"
    return [bytes(word) for word in words]


sayable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)
awkward = st.text(st.sampled_from(" \"\\,'a暖"), max_size=12)


@given(st.lists(sayable | awkward, max_size=20))
def test_asterisk_reads_back_exactly_the_words_that_were_meant(arguments: list[str]) -> None:
    line = encode("SET VARIABLE", *arguments)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert b"\0" not in line
    assert as_asterisk_reads(line[:-1]) == [b"SET", b"VARIABLE", *(word.encode() for word in arguments)]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["ANSWER"], b"ANSWER\n"),
        (["STREAM FILE", "hotline/zh/greeting", ""], b'STREAM FILE hotline/zh/greeting ""\n'),
        (["SET VARIABLE", "A", 'say "hi"'], b'SET VARIABLE A "say \\"hi\\""\n'),
        (["SET VARIABLE", "A", "ends in \\"], b'SET VARIABLE A "ends in \\\\"\n'),
        (["EXEC", "Playback", "a,b"], b'EXEC Playback "a,b"\n'),
    ],
)
def test_a_command_looks_like_this_on_the_wire(words: list[str], line: bytes) -> None:
    assert encode(*words) == line


@given(before=sayable, control=st.characters(categories=["Cc"]), after=sayable)
def test_a_control_character_is_refused_wherever_it_stands(before: str, control: str, after: str) -> None:
    with pytest.raises(Unsayable):
        encode("SET VARIABLE", "A", before + control + after)


@pytest.mark.parametrize("command", ["", "ANSWER\n", " ANSWER", "GET  VARIABLE", 'SET "X"', "SET,X", "СЕТ"])
def test_only_letters_make_a_command(command: str) -> None:
    with pytest.raises(Unsayable):
        encode(command)


def test_saying_nothing_is_refused() -> None:
    with pytest.raises(Unsayable):
        encode()


def test_a_refusal_does_not_repeat_what_was_to_be_said() -> None:
    with pytest.raises(Unsayable) as refused:
        encode("SET VARIABLE", "CALLER", "13800005678\n")
    assert "13800005678" not in str(refused.value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Unsayable):
        encode("SET VARIABLE", "A", "\ud83d")


def test_the_longest_line_fits_into_asterisks_buffer_and_one_byte_more_is_refused() -> None:
    room = 8_191 - len("VERBOSE \n")
    assert len(encode("VERBOSE", "x" * room)) == 8_191
    with pytest.raises(Unsayable):
        encode("VERBOSE", "x" * (room + 1))


def test_bytes_are_counted_not_characters() -> None:
    with pytest.raises(Unsayable):
        encode("VERBOSE", "暖" * 2_800)


def test_more_words_than_asterisk_has_room_for_are_refused() -> None:
    assert len(as_asterisk_reads(encode("SET VARIABLE", *[""] * 125)[:-1])) == 127
    with pytest.raises(Unsayable):
        encode("SET VARIABLE", *[""] * 126)


def test_a_second_command_before_the_reply_is_out_of_turn() -> None:
    conversation = asked()
    with pytest.raises(OutOfTurn):
        conversation.ask("ANSWER")


def test_a_command_before_the_headers_is_out_of_turn() -> None:
    with pytest.raises(OutOfTurn):
        Conversation().ask("ANSWER")


def test_an_unsayable_command_leaves_the_turn_with_us() -> None:
    conversation = greeted()
    with pytest.raises(Unsayable):
        conversation.ask("SET VARIABLE", "A", "\n")
    assert conversation.ask("ANSWER") == b"ANSWER\n"


# The headers


def test_asterisk_describes_the_call() -> None:
    assert list(Conversation().receive(block())) == [Greeted(DESCRIPTION)]


def test_a_script_and_arguments_have_their_place() -> None:
    script = b"agi_network: yes\nagi_network_script: hotline\n"
    data = block().replace(b"agi_network: yes\n", script).replace(b"\n\n", b"\nagi_arg_1: a: b\nagi_arg_2: \n\n")
    (greeting,) = Conversation().receive(data)
    assert isinstance(greeting, Greeted)
    assert greeting.headers == DESCRIPTION | {"network_script": "hotline", "arg_1": "a: b", "arg_2": ""}


def test_a_name_that_is_not_utf8_is_still_a_name() -> None:
    (greeting,) = Conversation().receive(block().replace("王".encode(), b"\xcd\xf5"))
    assert isinstance(greeting, Greeted)
    assert greeting.headers["calleridname"] == "\ufffd\ufffd 小明"


POISON = [
    "x\nagi_network_script: evil",
    "x\nagi_callerid: 110",
    "x\nagi_extension: 999",
    "x\nagi_uniqueid: pbx-1.1",
    "x\nagi_accountcode: evil",
    "x\nagi_arg_1: evil",
    "x\nagi_evil: 1",
    "x\nevil",
    "x\n",
    "\nx",
    "x\n\n",
    "x\n\nHANGUP",
    "x\n\n200 result=1 (evil)",
    "x\r\nagi_arg_1: evil",
    "x\ragi_arg_1: evil",
    "x\x00y",
    "x\x7fy",
]


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("key", CHOSEN_BY_THE_CALLER)
def test_a_forged_caller_never_becomes_a_call(key: str, poison: str) -> None:
    with pytest.raises((BadHeaders, Confused)):
        Conversation().receive(block(**{key: poison}))


@given(key=st.sampled_from(CHOSEN_BY_THE_CALLER), pieces=st.lists(st.sampled_from([*POISON, *DESCRIPTION, "\n", ": "])))
def test_no_newline_in_a_value_goes_unnoticed(key: str, pieces: list[str]) -> None:
    with pytest.raises((BadHeaders, Confused)):
        Conversation().receive(block(**{key: "\n" + "".join(pieces)}))


@pytest.mark.parametrize("key", CHOSEN_BY_THE_CALLER)
def test_a_caller_who_forges_all_that_follows_is_found_out_by_the_real_lines(key: str) -> None:
    whole = block()
    forged = whole[whole.index(f"agi_{key}: ".encode()) + len(f"agi_{key}: ") :].decode()
    with pytest.raises(Confused):
        Conversation().receive(block(**{key: forged}))


@pytest.mark.parametrize("missing", DESCRIPTION)
def test_a_missing_header_is_refused(missing: str) -> None:
    lines = block().splitlines(keepends=True)
    with pytest.raises(BadHeaders):
        Conversation().receive(b"".join(line for line in lines if not line.startswith(f"agi_{missing}:".encode())))


def test_a_refusal_says_which_line_but_not_what_it_says() -> None:
    with pytest.raises(BadHeaders, match="header line 9 ") as refused:
        Conversation().receive(block(callerid="x\nevil 13800005678"))
    assert "13800005678" not in str(refused.value)


def test_too_many_header_lines_are_refused() -> None:
    arguments = b"".join(b"agi_arg_%d: x\n" % number for number in range(1, 11))
    data = block()[:-1] + arguments + b"\n"
    lines = data.count(b"\n") - 1
    assert Conversation(header_lines=lines).receive(data)
    with pytest.raises(BadHeaders):
        Conversation(header_lines=lines - 1).receive(data)


def test_headers_that_never_end_are_refused() -> None:
    conversation = Conversation(header_bytes=1_000)
    for _ in range(1_001):
        conversation.receive(b"x")
    with pytest.raises(BadHeaders):
        conversation.receive(b"x")


# Replies


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"200 result=0", Reply(200, "0", "")),
        (b"200 result=-1", Reply(200, "-1", "")),
        (b"200 result=49 endpos=8000", Reply(200, "49", "endpos=8000")),
        (b"200 result=", Reply(200, "", "")),
        (b"200 result= (timeout)", Reply(200, "", "(timeout)")),
        (b"200 result=13*# (timeout)", Reply(200, "13*#", "(timeout)")),
        (b"200 result=1 (a (b) c)", Reply(200, "1", "(a (b) c)")),
        (b"200 result=1 ()", Reply(200, "1", "()")),
        (b"200 result=1 (\xe6\x9a\x96\xff)", Reply(200, "1", "(暖\ufffd)")),
        (b"200 result=0 (dtmf) endpos=16000", Reply(200, "0", "(dtmf) endpos=16000")),
        (b"510 Invalid or unknown command", Reply(510, "", "Invalid or unknown command")),
        (b"511 Command Not Permitted on a dead channel", Reply(511, "", "Command Not Permitted on a dead channel")),
        (b"520 Invalid command syntax.", Reply(520, "", "Invalid command syntax.")),
        (
            b"520-Wrong.\nUsage: HANGUP\nHANGUP\n520 End of proper usage.",
            Reply(520, "", "Wrong.\nUsage: HANGUP\nHANGUP"),
        ),
        (b"100 result=0 Trying...\n200 result=0 Gosub complete", Reply(200, "0", "Gosub complete")),
    ],
)
def test_a_reply_is_understood(line: bytes, reply: Reply) -> None:
    assert list(asked().receive(line + b"\n")) == [Replied(reply)]


@pytest.mark.parametrize(
    ("data", "value", "endpos"),
    [
        ("", None, None),
        ("endpos=8000", None, 8000),
        ("(timeout) endpos=8000", "timeout", 8000),
        ("()", "", None),
        ("(a) endpos=5)", "a) endpos=5", None),
        ("(digit) digit=5 endpos=12", "digit", 12),
    ],
)
def test_a_reply_yields_its_value_and_position(data: str, value: str | None, endpos: int | None) -> None:
    reply = Reply(200, "1", data)
    assert (reply.value, reply.endpos) == (value, endpos)


def test_a_hang_up_may_come_at_any_time_and_is_told_once() -> None:
    conversation = greeted()
    assert list(conversation.receive(b"HANGUP\nHANGUP\n")) == [HungUp()]
    conversation.ask("GET VARIABLE", "X")
    assert list(conversation.receive(b"HANGUP\n200 result=0\n")) == [Replied(Reply(200, "0", ""))]


def test_a_hang_up_before_the_reply_does_not_take_its_place() -> None:
    conversation = asked()
    assert list(conversation.receive(b"HANGUP\n200 result=1 (x)\n")) == [HungUp(), Replied(Reply(200, "1", "(x)"))]
    assert not conversation.awaiting


@pytest.mark.parametrize(
    "data",
    [
        b"200 result=0\n200 result=0\n",
        b"200 result=1 (line one\nline two)\n",
        b"200 result=1 (a) b\n",
        b"200 OK\n",
        b"200 result=1(x)\n",
        b"HANGUP \n",
        b"hello\n",
        b"\n",
        b"404 Not found\n",
    ],
)
def test_anything_else_ends_the_conversation(data: bytes) -> None:
    conversation = asked()
    with pytest.raises(Confused):
        conversation.receive(data)
    with pytest.raises(Confused):
        conversation.receive(b"200 result=0\n")


@pytest.mark.parametrize("begun", [b"200 result=1 (", b"HANG", b"x"])
def test_an_ordinary_reply_is_not_ordinary_behind_half_a_line(begun: bytes) -> None:
    conversation = asked()
    conversation.receive(begun)
    with pytest.raises(Confused):
        conversation.receive(b"200 result=0\n")


def test_an_ordinary_reply_inside_a_usage_text_is_text() -> None:
    conversation = asked()
    conversation.receive(b"520-Usage:\n")
    assert list(conversation.receive(b"200 result=0\n")) == []
    assert list(conversation.receive(b"520 End\n")) == [Replied(Reply(520, "", "Usage:\n200 result=0"))]


def test_a_reply_nobody_asked_for_ends_the_conversation() -> None:
    with pytest.raises(Confused):
        greeted().receive(b"200 result=0\n")


def test_a_line_that_never_ends_is_refused() -> None:
    conversation = asked()
    conversation.receive(b"x" * LONGEST_REPLY)
    with pytest.raises(Confused):
        conversation.receive(b"x")


def test_a_usage_text_that_never_ends_is_refused() -> None:
    conversation = asked()
    with pytest.raises(Confused):
        conversation.receive(b"520-Invalid\n" + b"usage\n" * MOST_USAGE_LINES)


# Cut anywhere


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    edges = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return (data[start:end] for start, end in pairwise(edges))


def outcome(conversation: Conversation, pieces: Iterator[bytes]) -> tuple[list[Heard], type[Exception] | None]:
    """All that was understood, and the error that ended it."""
    heard: list[Heard] = []
    try:
        for piece in pieces:
            heard += conversation.receive(piece)
    except (BadHeaders, Confused) as odd:
        return heard, type(odd)
    return heard, None


fragments = st.sampled_from(
    [b"200 result=", b"0", b"1", b" (x)", b" (", b")", b"HANGUP\n", b"\n", b"520-", b"520 ", b"510 no\n", b"100 wait\n"]
)
lines_or_noise = st.lists(fragments | st.binary(max_size=8), max_size=12).map(b"".join)
headers_or_noise = st.tuples(
    st.sampled_from([block(), block()[:-1], block(callerid="x\nagi_arg_1: y"), block(dnid="\n\n"), b""]), lines_or_noise
).map(b"".join)
places = st.lists(st.integers(0, 2_000), max_size=8)


@given(data=headers_or_noise, where=places)
def test_headers_mean_the_same_however_they_are_cut(data: bytes, where: list[int]) -> None:
    whole, error = outcome(Conversation(), iter([data]))
    heard, error_in_pieces = outcome(Conversation(), cut(data, where))
    assert (error_in_pieces is None) == (error is None)
    assert heard == whole or error is not None


@given(data=lines_or_noise, where=places)
def test_a_reply_means_the_same_however_it_is_cut(data: bytes, where: list[int]) -> None:
    whole, error = outcome(asked(), iter([data]))
    heard, error_in_pieces = outcome(asked(), cut(data, where))
    assert error_in_pieces == error
    assert heard == whole or error is not None
    assert sum(isinstance(meaning, Replied) for meaning in heard) <= 1


@given(values=st.lists(sayable, min_size=1, max_size=6), hangup=st.integers(0, 6), where=places)
def test_every_command_gets_its_own_reply(values: list[str], hangup: int, where: list[int]) -> None:
    conversation = greeted()
    answers = []
    for number, value in enumerate(values):
        conversation.ask("GET VARIABLE", "X")
        line = f"200 result=1 ({value})\n".encode()
        data = b"HANGUP\n" + line if number == hangup else line
        heard, error = outcome(conversation, cut(data, where))
        assert error is None
        answers += [meaning.reply.value for meaning in heard if isinstance(meaning, Replied)]
    assert answers == values
