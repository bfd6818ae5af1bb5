"""Calls for people: numbers come one by one and are written down, so do recordings; the story and the waves."""

from __future__ import annotations

import array
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from desk.access import Role
from desk.stories import PIECES, loudest
from routing.events import NumberRevealed, RecordingKept, RecordingPlayed
from tests.desk.desks import NOON, OWN, TOKEN, Desk, a_desk

FILE = f"{OWN}.1.wav"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with one recorded call."""
    async with a_desk(tmp_path) as opened:
        a_recording(tmp_path / "recordings" / FILE, seconds=3)
        opened.events.record(RecordingKept(at=NOON, call=OWN, file=FILE, length=NOON - NOON))
        yield opened


def a_recording(file: Path, *, seconds: int) -> None:
    """The agent is loud in the first half, the caller in the second."""
    half = 8000 * seconds // 2
    samples = array.array("h", [16384, 0] * half + [0, 32767] * half)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())


async def written(desk: Desk, kind: type[Any]) -> list[Any]:
    return [each.event for each in await desk.events.after(0) if isinstance(each.event, kind)]


async def test_a_number_is_revealed_to_one_who_may_and_that_is_written_down(desk: Desk) -> None:
    headers = await desk.signed_in(Role.LEAD)
    told = await (await desk.http.post(f"/api/calls/{OWN}/reveal", headers=headers)).json()
    assert told == {"caller": "13800135678"}
    (event,) = await written(desk, NumberRevealed)
    assert (event.call, event.by) == (OWN, "lead-nobody")


@pytest.mark.parametrize("path", ["/api/calls", f"/api/calls/{OWN}", "/api/calls/recent", f"/api/calls/{OWN}/story"])
async def test_no_page_shows_a_whole_number(desk: Desk, path: str) -> None:
    answer = await desk.http.get(path, headers=await desk.signed_in(Role.ADMIN))
    told = await answer.text()
    assert answer.status == 200
    assert "138****5678" in told
    assert "13800135678" not in told


async def test_nobody_but_the_command_line_has_all_numbers_at_once(desk: Desk) -> None:
    asked = f"/api/calls/{OWN}?reveal=yes"
    assert (await desk.http.get(asked, headers=await desk.signed_in(Role.ADMIN))).status == 403
    by_token = await desk.http.get(asked, headers={"Authorization": f"Bearer {TOKEN}"})
    assert "13800135678" in await by_token.text()


async def test_a_recording_is_played_only_with_the_players_name_on_it(desk: Desk) -> None:
    headers = await desk.signed_in(Role.INSPECTOR)
    answer = await desk.http.get(f"/api/calls/{OWN}/recordings/{FILE}", headers=headers)
    assert (answer.status, answer.content_type) == (200, "audio/wav")
    (event,) = await written(desk, RecordingPlayed)
    assert (event.call, event.file, event.by) == (OWN, FILE, "inspector-nobody")


async def test_looking_at_its_waves_is_no_playback(desk: Desk) -> None:
    headers = await desk.signed_in(Role.INSPECTOR)
    told = await (await desk.http.get(f"/api/calls/{OWN}/recordings/{FILE}/peaks", headers=headers)).json()
    assert told["seconds"] == 3.0
    assert max(told["agent"]) == pytest.approx(0.707, abs=0.01)
    assert await written(desk, RecordingPlayed) == []


@pytest.mark.parametrize("seconds", [1, 2, 61])
def test_the_waves_show_who_speaks_when_however_long_it_is(tmp_path: Path, seconds: int) -> None:
    a_recording(tmp_path / "x.wav", seconds=seconds)
    drawn = loudest(tmp_path / "x.wav")
    assert 0.9 * PIECES <= len(drawn.agent) == len(drawn.caller) <= PIECES
    first, second = len(drawn.agent) // 4, 3 * len(drawn.agent) // 4
    assert (drawn.agent[first] > 0.5, drawn.agent[second]) == (True, 0)
    assert (drawn.caller[first], drawn.caller[second] > 0.9) == (0, True)


@pytest.mark.parametrize(
    "name", [f"..%2f{FILE}", "secret.wav", f"{OWN}.2.wav", f"live%2f{OWN}.1.raw", "%00", f"{FILE}%00"]
)
@pytest.mark.parametrize("what", ["", "/peaks"])
async def test_only_the_recordings_of_this_call_can_be_asked_for(desk: Desk, name: str, what: str) -> None:
    headers = await desk.signed_in(Role.ADMIN)
    answer = await desk.http.get(f"/api/calls/{OWN}/recordings/{name}{what}", headers=headers)
    assert answer.status == 404


@pytest.mark.parametrize(("language", "words"), [("en", "talks with the caller"), ("zh", "与用户通话")])
async def test_the_story_is_told_in_the_readers_language(desk: Desk, language: str, words: str) -> None:
    headers = await desk.signed_in(Role.LEAD)
    told = await (await desk.http.get(f"/api/calls/{OWN}/story?lang={language}", headers=headers)).json()
    assert words in [line["what"] for line in told["lines"]]
    assert told["recordings"] == [FILE]
    assert {line["by"] for line in told["lines"]} == {"caller", "agent", "hotline"}
