"""Whose caller a transfer is about: Asterisk names either end first, and now and then a line of its own in between."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routing.events import CallRang, CallTransferred, Event, TalkEnded, TalkStarted
from routing.watch import Watch

CALL, COLLEAGUE, LINK = "pbx-1763744923.12", "pbx-1763744930.15", "pbx-1763744931.17"
NOW = datetime(2025, 11, 21, 9, 20, tzinfo=UTC)
TALKS = (
    CallRang(at=NOW, call=CALL, caller=None, dialled="95598"),
    TalkStarted(at=NOW, call=CALL, agent="1024"),
)
CALLER_END = ("PJSIP/carrier-pretend-0001", CALL, CALL)
LINKED_END = ("Local/_attended@transfer-0001;2", LINK, CALL)
COLLEAGUES_END = ("PJSIP/li-desk-0002", COLLEAGUE, COLLEAGUE)
A_STRANGERS_END = ("PJSIP/li-desk-0003", "pbx-1.1", "pbx-1.1")
ENDS = ("Transferee", "TransferTarget")
LINES = ("OrigTransferer", "SecondTransferer")


def told(transfer: dict[str, str]) -> list[Event]:
    events: list[Event] = []
    watch = Watch(events.append, ended=lambda _: None, now=lambda: NOW)
    for fact in TALKS:
        watch.note(fact)
    watch.hear(transfer)
    return events


def at(end: str, line: tuple[str, str, str]) -> dict[str, str]:
    channel, own, linked = line
    return {f"{end}Channel": channel, f"{end}Uniqueid": own, f"{end}Linkedid": linked, f"{end}CallerIDNum": "1025"}


def attended(caller: tuple[str, str, str], *, second: bool = False, result: str = "Success") -> dict[str, str]:
    """An agent hands a caller over to Li; `second` if the phone asked for it on its line to Li."""
    end, other = ENDS[::-1] if second else ENDS
    _, asking = LINES[::-1] if second else LINES
    agents = {f"{line}CallerIDNum": "1024" for line in LINES} | {f"{asking}Exten": "1025"}
    return {"Event": "AttendedTransfer", "Result": result, **at(end, caller), **at(other, COLLEAGUES_END), **agents}


@pytest.mark.parametrize("second", [False, True], ids=["on the caller's line", "on the colleague's line"])
@pytest.mark.parametrize("caller", [CALLER_END, LINKED_END], ids=["the caller", "a link"])
def test_a_caller_is_handed_over_by_whatever_line_asterisk_names(caller: tuple[str, str, str], second: bool) -> None:
    sent, ended, begun = told(attended(caller, second=second))
    assert isinstance(sent, CallTransferred)
    assert (sent.call, sent.kind, sent.to, sent.by) == (CALL, "attended", "1025", "1024")
    assert isinstance(ended, TalkEnded)
    assert ended.agent == "1024"
    assert isinstance(begun, TalkStarted)
    assert begun.agent == "1025"


@pytest.mark.parametrize(
    "transfer",
    [attended(CALLER_END, result="Fail"), attended(A_STRANGERS_END)],
    ids=["refused", "two agents who talk about something else"],
)
def test_what_is_no_transfer_of_a_caller_is_not_told(transfer: dict[str, str]) -> None:
    assert told(transfer) == []
