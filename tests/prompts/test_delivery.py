"""The sheet for the studio, and what comes back from it."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from prompts.audio import Audio
from prompts.delivery import NothingDelivered, take_in
from prompts.plan import Utterance
from prompts.script import FORMS, lines
from prompts.studio import Studio
from tests.prompts.conftest import Samples
from tests.prompts.test_studio import record, tone

PLAN = (
    Utterance(file="zh/no_key", prompt="no_key", language="zh", text="没有收到您的按键。"),
    Utterance(file="zh/brand/a/greeting", prompt="greeting", language="zh", text="=您好|阳光"),
    Utterance(file="zh/agents/a/1", prompt="agent_greeting", language="zh", text="一号为您服务", at_most=3.0),
    Utterance(file="zh/digits/1", prompt="digits/1", language="zh", text="一"),
    Utterance(file="zh/pieces/ab", prompt="piece", language="zh", text="二"),
    Utterance(file="en/no_key", prompt="no_key", language="en", text="No key."),
)


def padded(seconds: float = 1.0, level: float = 0.05) -> Samples:
    silence = np.zeros(44_100)
    return np.concatenate([silence, tone(seconds, level), silence])


def test_the_sheet_has_what_a_speaker_needs_and_nothing_else(tmp_path: Path) -> None:
    record(tmp_path, "zh/no_key", tone())
    script = lines(PLAN, Studio(tmp_path), "zh")
    assert [(line.file, line.recorded) for line in script] == [("zh/no_key", True), ("zh/brand/a/greeting", False)]
    assert [line.file for line in lines(PLAN, Studio(tmp_path), "zh", missing=True)] == ["zh/brand/a/greeting"]
    assert len(lines(PLAN, Studio(None), "zh", everything=True)) == 5
    assert [line.text for line in lines(PLAN, Studio(None), "en")] == ["No key."]


def test_the_sheet_comes_in_three_forms_and_none_holds_a_formula() -> None:
    script = lines(PLAN, Studio(None), "zh")
    assert "zh.brand.a.greeting.wav\n    =您好|阳光\n" in FORMS["text"](script)
    rows = list(csv.reader(io.StringIO(FORMS["csv"](script).removeprefix("\ufeff"))))
    assert rows[0] == ["file", "prompt", "text", "at most", "recorded"]
    assert rows[2] == ["zh.brand.a.greeting.wav", "greeting", "'=您好|阳光", "", ""]
    assert "| zh.brand.a.greeting.wav | greeting | =您好\\|阳光 |" in FORMS["markdown"](script)


def test_a_delivery_is_taken_in_and_told_what_was_done_to_each(tmp_path: Path) -> None:
    studio, recordings = tmp_path / "studio", tmp_path / "recordings"
    record(studio, "zh.no_key", padded())
    record(studio, "zh/Brand/A/greeting", padded(), rate=16_000)
    record(studio, "zh.agents.a.1", tone(seconds=4))
    record(studio, "zh.digits.1", tone(level=1.5))
    record(studio, "whatever", tone())
    taken = {each.source.name: each for each in take_in(studio, PLAN, recordings)}
    assert taken["zh.no_key.wav"].did[0] == "resampled from 44,100 to 16,000 Hz"
    assert taken["zh.no_key.wav"].did[1].startswith("trimmed by 1.9")
    assert taken["zh.no_key.wav"].did[2].startswith("levelled by +")
    assert not [step for step in taken["greeting.wav"].did if "resampled" in step]
    assert taken["zh.agents.a.1.wav"].refused == "is too long, 4.0 s, expected at most 3.0 s"
    assert "is clipped" in taken["zh.digits.1.wav"].refused
    assert "is named like no prompt" in taken["whatever.wav"].refused
    kept = sorted(path.relative_to(recordings).as_posix() for path in recordings.rglob("*.wav"))
    assert kept == ["zh/brand/a/greeting.wav", "zh/no_key.wav"]
    assert Audio.read(recordings / "zh/no_key.wav").loudness == pytest.approx(-22, abs=1.5)
    assert not list(Studio(recordings).problems(PLAN))


def test_names_may_go_without_the_language_when_it_is_told(tmp_path: Path) -> None:
    record(tmp_path / "studio", "no_key", tone())
    (taken,) = take_in(tmp_path / "studio", PLAN, tmp_path / "recordings", language="en")
    assert taken.file == "en/no_key"


def test_a_folder_without_sounds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("zh.no_key.wav")
    with pytest.raises(NothingDelivered, match=r"has no sounds; expected files such as zh\.no_key\.wav"):
        list(take_in(tmp_path, PLAN, tmp_path / "recordings"))


def test_another_format_without_ffmpeg_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zh.no_key.mp3").write_bytes(b"ID3")
    monkeypatch.setenv("PATH", str(tmp_path))
    (taken,) = take_in(tmp_path, PLAN, tmp_path / "recordings")
    assert ".mp3 needs ffmpeg, which is not installed; install it, or deliver wav" in taken.refused


def test_another_format_is_read_by_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no ffmpeg a program of its name stands in: it must be asked rightly and its file be read."""
    wav = record(tmp_path, "decoded", tone(), rate=48_000)
    stand_in = tmp_path / "bin" / "ffmpeg"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nfor last; do :; done\ncp {wav} "$last"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{Path(str(shutil.which('cp'))).parent}")
    delivered = tmp_path / "studio" / "zh.no_key.ogg"
    delivered.parent.mkdir()
    delivered.write_bytes(b"OggS")
    (taken,) = take_in(delivered.parent, PLAN, tmp_path / "recordings")
    assert taken.did[:2] == ("read from ogg", "resampled from 48,000 to 16,000 Hz")
    assert f"-i file:{delivered}" in (tmp_path / "asked").read_text()


def test_what_ffmpeg_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "bin" / "ffmpeg"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho 'Invalid data found' >&2\nexit 1\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent))
    (tmp_path / "studio").mkdir()
    (tmp_path / "studio" / "zh.no_key.mp3").write_bytes(b"no sound")
    (taken,) = take_in(tmp_path / "studio", PLAN, tmp_path / "recordings")
    assert "ffmpeg: Invalid data found" in taken.refused
