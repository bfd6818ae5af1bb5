"""Keys that we press on lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from routing.ami import ActionFailed
from routing.keypad import Keypad

CALL, COLLEAGUE, BRIDGE = "pbx-1763744923.12", "pbx-1763744930.17", "a-bridge"


class Asterisk:
    """Lines that remember what was done to them; `recorded` are those on which a recording runs."""

    def __init__(self, *, recorded: str = "", gone: bool = False) -> None:
        self.recorded, self.gone = recorded, gone
        self.done: list[tuple[str, ...]] = []

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        assert within > 0
        if self.gone:
            raise ActionFailed(action, "No such channel")
        if action == "Getvar":
            return {"Value": "/srv/recordings/live/x.raw" if fields["Channel"] == self.recorded else ""}
        self.done.append((action, *map(str, fields.values())))
        return {}

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        assert within > 0
        assert (action, fields) == ("BridgeInfo", {"BridgeUniqueid": BRIDGE})
        return [{"Event": "BridgeInfoChannel", "Uniqueid": line} for line in (CALL, COLLEAGUE)]


RECORDED = [("Setvar", COLLEAGUE, "HOTLINE_CALL", CALL), ("PlayDTMF", COLLEAGUE, "C", "true")]


async def test_a_greeting_is_cut_by_a_key_that_comes_in_on_the_callers_line() -> None:
    lines = Asterisk()
    keypad = Keypad(lines)
    keypad.cut_greeting(CALL)
    await keypad.settled()
    assert lines.done == [("PlayDTMF", CALL, "D", "true")]


async def test_a_colleagues_line_learns_whose_call_it_has_and_is_then_told_to_record_it() -> None:
    lines = Asterisk()
    keypad = Keypad(lines)
    keypad.record(CALL, line=COLLEAGUE, bridge="")
    await keypad.settled()
    assert lines.done == RECORDED


async def test_a_line_that_is_not_known_is_the_other_one_in_the_callers_bridge() -> None:
    lines = Asterisk()
    keypad = Keypad(lines)
    keypad.record(CALL, line=None, bridge=BRIDGE)
    await keypad.settled()
    assert lines.done == RECORDED


async def test_a_line_that_is_recorded_already_is_left_alone() -> None:
    lines = Asterisk(recorded=COLLEAGUE)
    keypad = Keypad(lines)
    keypad.record(CALL, line=COLLEAGUE, bridge="")
    await keypad.settled()
    assert lines.done == []


async def test_a_line_that_went_down_meanwhile_is_only_worth_a_line_in_the_log() -> None:
    keypad = Keypad(Asterisk(gone=True))
    with structlog.testing.capture_logs() as logs:
        keypad.record(CALL, line=COLLEAGUE, bridge="")
        keypad.cut_greeting(CALL)
        await keypad.settled()
    assert [entry["log_level"] for entry in logs] == ["error", "info"]
