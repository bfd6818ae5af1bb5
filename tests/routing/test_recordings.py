"""Recordings and messages: what Asterisk left on disk is finished, told once, and never mistaken."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest

from routing import recordings
from routing.events import Event, MessageLeft, RecordingKept
from routing.recordings import Recordings

TALK, OTHER = "pbx-1763744923.12", "pbx-1763744924.7"


class Disk:
    """Asterisk's folders, and what was written down of them; `told` are the calls whose message is in the log."""

    def __init__(self, folder: Path) -> None:
        self.talks, self.messages = folder / "talks", folder / "messages"
        (self.talks / "live").mkdir(parents=True)
        self.messages.mkdir()
        self.told: set[str] = set()
        self.events: list[Event] = []
        self.recordings = Recordings(
            self.talks, self.messages, self.events.append, is_told=self.is_told, flushed=self.flushed
        )

    async def flushed(self) -> None:
        await asyncio.sleep(0)

    async def is_told(self, call: str) -> bool:
        await asyncio.sleep(0)
        return call in self.told or any(isinstance(event, MessageLeft) and event.call == call for event in self.events)

    def message(self, call: str, seconds: float, *, header: bool = True) -> None:
        with wave.open(str(self.messages / f"{call}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\1\2" * round(seconds * 8000))
        if not header:
            with (self.messages / f"{call}.wav").open("r+b") as raw:
                raw.seek(40)
                raw.write(b"\0\0\0\0")

    def talk(self, name: str, seconds: float) -> None:
        (self.talks / "live" / f"{name}.raw").write_bytes(b"\1\2\3\4" * round(seconds * 8000))

    def found(self) -> list[tuple[str, str, float]]:
        kept = [event for event in self.events if isinstance(event, MessageLeft | RecordingKept)]
        return [(type(event).__name__, event.file, event.length.total_seconds()) for event in kept]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(recordings, "QUIET", 0.01)
    return Disk(tmp_path)


async def test_a_talk_becomes_a_wav_file_with_the_agent_left_and_the_caller_right(disk: Disk) -> None:
    disk.talk(f"{TALK}.1", 2.5)
    disk.recordings.keep(TALK)
    await disk.recordings.settled()
    assert disk.found() == [("RecordingKept", f"{TALK}.1.wav", 2.5)]
    with wave.open(str(disk.talks / f"{TALK}.1.wav"), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 20_000)
        assert file.readframes(1) == b"\1\2\3\4"
    assert list(disk.talks.glob("**/*.raw")) == []


async def test_each_part_of_a_call_is_kept_and_an_empty_one_dropped(disk: Disk) -> None:
    for part, seconds in (("1", 0.0), ("2", 1.0), ("3", 2.0)):
        disk.talk(f"{TALK}.{part}", seconds)
    disk.recordings.keep(TALK)
    await disk.recordings.settled()
    assert disk.found() == [("RecordingKept", f"{TALK}.2.wav", 1.0), ("RecordingKept", f"{TALK}.3.wav", 2.0)]


async def test_what_ended_while_we_were_down_is_finished_and_a_live_call_left_alone(disk: Disk) -> None:
    disk.talk(f"{TALK}.1", 1.0)
    disk.talk(f"{OTHER}.1", 1.0)
    disk.message(TALK, 4)
    disk.message(OTHER, 5)
    disk.recordings.sweep(disk.recordings.left() - {OTHER})
    await disk.recordings.settled()
    assert sorted(disk.found()) == [("MessageLeft", f"{TALK}.wav", 4.0), ("RecordingKept", f"{TALK}.1.wav", 1.0)]


async def test_a_message_that_the_dialplan_took_is_found_when_the_call_is_over(disk: Disk) -> None:
    disk.message(TALK, 4)
    disk.recordings.keep(TALK)
    await disk.recordings.settled()
    assert disk.found() == [("MessageLeft", f"{TALK}.wav", 4.0)]
    assert disk.events[0].call == TALK


async def test_a_message_is_found_though_nobody_has_talked_yet(disk: Disk) -> None:
    (disk.talks / "live").rmdir()
    disk.message(TALK, 4)
    disk.recordings.keep(TALK)
    await disk.recordings.settled()
    assert disk.found() == [("MessageLeft", f"{TALK}.wav", 4.0)]


async def test_a_message_that_a_flow_wrote_down_is_not_told_again(disk: Disk) -> None:
    disk.message(TALK, 4)
    disk.told.add(TALK)
    disk.recordings.keep(TALK)
    disk.recordings.sweep(disk.recordings.left())
    await disk.recordings.settled()
    assert disk.found() == []


async def test_a_caller_who_said_nothing_left_no_message(disk: Disk) -> None:
    disk.message(TALK, 1.1)
    disk.recordings.keep(TALK)
    disk.recordings.sweep(disk.recordings.left())
    await disk.recordings.settled()
    assert disk.found() == []


async def test_a_message_whose_header_a_crash_cut_off_is_as_long_as_it_is(disk: Disk) -> None:
    disk.message(TALK, 6, header=False)
    disk.recordings.keep(TALK)
    await disk.recordings.settled()
    assert disk.found() == [("MessageLeft", f"{TALK}.wav", 6.0)]


async def test_a_call_without_sound_leaves_nothing(disk: Disk) -> None:
    disk.recordings.keep(TALK)
    await disk.recordings.settled()
    assert disk.events == []
