"""A prompt is recorded by phone: the conversation, rehearsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ivr.call import Call, Words
from ivr.flows.booth import record_prompt
from ivr.flows.phone import phone_code
from ivr.hand import Hand
from ivr.rehearsal import HANG_UP, SILENCE, Act, Speaks, rehearse
from ivr.rooms import Rooms, Take, Wanted
from ivr.small_house import PretendDesk, small_house

AT_MOST = timedelta(seconds=3.5)


class PretendBooth:
    """What is wrong with the takes, one after the other; the others are good."""

    def __init__(self, *faults: Sequence[str]) -> None:
        self._faults = [*faults]
        self.words: Words
        self.did: list[str] = []
        self.own: list[tuple[str, int]] = []

    def wanted(self, _: str) -> Wanted | None:
        return Wanted(None, AT_MOST)

    def own_greeting(self, _: str, agent: str, which: int) -> Wanted | None:
        self.own.append((agent, which))
        return self.wanted("") if which < 3 else None

    async def judge(self, _: str) -> Take:
        faults = self._faults.pop(0) if self._faults else ()
        return Take(None, faults) if faults else Take(self.words.sound("goodbye", "zh"))

    async def keep(self, _: str) -> None:
        self.did.append("kept")

    def over(self, _: str) -> None:
        self.did.append("over")


async def records(booth: PretendBooth, *speaker: Act, now: str | None = None) -> list[str]:
    """Let somebody record who does this; return the conversation."""

    async def flow(call: Call, rooms: Rooms) -> Hand:
        booth.words = rooms.words
        sound = rooms.words.sound(now, "zh", brand="heating") if now else None
        return await record_prompt(call, rooms, Wanted(sound, AT_MOST))

    return await rehearse(flow, speaker, rooms=replace(small_house(), booth=booth))


async def test_who_presses_1_keeps_what_was_heard_back() -> None:
    booth = PretendBooth()
    assert await records(booth, Speaks(2), "#", "1", now="greeting") == [
        "hotline: booth_words",
        "hotline: booth_now",
        "hotline: booth_speak",
        "hotline: booth_take",
        "hotline: booth_keep",
        "caller:  1",
        "hotline: booth_kept",
        "hotline: hangs up",
    ]
    assert booth.did == ["kept", "over"]


async def test_who_presses_2_speaks_again() -> None:
    booth = PretendBooth()
    lines = await records(booth, Speaks(2), "#", "2", Speaks(3), "#", "1")
    assert lines.count("hotline: booth_speak") == lines.count("hotline: booth_take") == 2
    assert booth.did == ["kept", "over"]


async def test_a_take_that_callers_could_not_follow_is_refused_in_words_and_made_again() -> None:
    booth = PretendBooth(["quiet"], ["long", "clipped"])
    lines = await records(booth, Speaks(2), "#", Speaks(13), "#", Speaks(2), "#", "1")
    assert [line for line in lines if line.startswith("hotline: booth_")] == [
        "hotline: booth_speak",
        "hotline: booth_quiet",
        "hotline: booth_speak",
        "hotline: booth_long",
        "hotline: booth_clipped",
        "hotline: booth_speak",
        "hotline: booth_take",
        "hotline: booth_keep",
        "hotline: booth_kept",
    ]


async def test_every_fault_a_recording_can_have_has_its_words() -> None:
    for fault in ("short", "quiet", "long", "clipped", "unreadable"):
        lines = await records(PretendBooth([fault]), Speaks(2), "#", Speaks(2), "#", "1")
        assert f"hotline: booth_{fault}" in lines


async def test_who_says_neither_keeps_nothing() -> None:
    booth = PretendBooth()
    lines = await records(booth, Speaks(2), "#", SILENCE, "5", SILENCE)
    assert lines.count("hotline: booth_take") == 3
    assert lines[-2:] == ["hotline: booth_not_kept", "hotline: hangs up"]
    assert booth.did == ["over"]


async def test_who_hangs_up_keeps_nothing() -> None:
    speakers: list[list[Act]] = [[Speaks(2), HANG_UP], [Speaks(2), "#", HANG_UP]]
    for speaker in speakers:
        booth = PretendBooth()
        await records(booth, *speaker)
        assert booth.did == ["over"]


async def test_star_16_records_the_own_greeting_and_a_digit_says_which() -> None:
    async def dial(code: str) -> list[str]:
        async def flow(call: Call, rooms: Rooms) -> Hand:
            booth.words = rooms.words
            return await phone_code(call, rooms, "chen-desk", code)

        desk = PretendDesk({"chen-desk": "1024"})
        speaker: list[Act] = [] if code == "*169" else [Speaks(2), "#", "1"]
        return await rehearse(flow, speaker, rooms=replace(small_house(desk), booth=booth))

    booth = PretendBooth()
    assert "hotline: booth_kept" in await dial("*16")
    assert "hotline: booth_kept" in await dial("*162")
    assert await dial("*169") == ["hotline: not_done", "hotline: hangs up"]
    assert booth.own == [("1024", 1), ("1024", 2), ("1024", 9)]
