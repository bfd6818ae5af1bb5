"""The duty officer's call, rehearsed."""

from __future__ import annotations

from dataclasses import replace

from ivr.call import Call
from ivr.flows.duty import duty
from ivr.hand import Hand
from ivr.rehearsal import HANG_UP, SILENCE, Act, rehearse
from ivr.rooms import Emergency, Rooms
from ivr.small_house import small_house


class PretendDuty:
    """One emergency, which somebody may have in hand already."""

    def __init__(self, *, in_hand: bool = False) -> None:
        self._in_hand = in_hand
        self.accepted: list[str] = []

    async def about(self, _: str) -> Emergency | None:
        return None

    async def accept(self, call: str) -> bool:
        self.accepted.append(call)
        return not self._in_hand


async def ring(*caller: Act, about: str = "burst pipe", in_hand: bool = False) -> tuple[list[str], int]:
    """Ring somebody who does this; return the conversation, and how often it was accepted."""
    pretend = PretendDuty(in_hand=in_hand)

    async def flow(call: Call, rooms: Rooms) -> Hand:
        return await duty(call, rooms, Emergency("271828188", about, "zh"))

    lines = await rehearse(flow, caller=caller, rooms=replace(small_house(), duty=pretend))
    return lines, len(pretend.accepted)


async def test_who_presses_1_has_accepted_it() -> None:
    lines, accepted = await ring("1")
    assert [line.partition(" ")[2] for line in lines][:1] == ["duty_call"]
    assert "hotline: duty_accepted" in lines
    assert accepted == 1


async def test_it_is_read_out_three_times_and_then_the_next_person_is_rung() -> None:
    lines, accepted = await ring(SILENCE, "7", SILENCE)
    assert sum(line == "hotline: duty_call" for line in lines) == 3
    assert "hotline: duty_next" in lines
    assert accepted == 0


async def test_who_hangs_up_has_accepted_nothing() -> None:
    _, accepted = await ring(HANG_UP)
    assert accepted == 0


async def test_what_cannot_be_said_in_this_language_is_left_out() -> None:
    lines, _ = await ring("1", about="")
    assert lines[0] == "hotline: duty_call_short"


async def test_who_is_late_hears_that_somebody_has_it_in_hand() -> None:
    lines, _ = await ring("1", in_hand=True)
    assert "hotline: duty_not_needed" in lines
