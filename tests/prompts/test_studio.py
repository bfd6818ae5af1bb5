"""Human recordings: found by their names, and refused where callers could not follow them."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
import pytest

from prompts.plan import Utterance
from prompts.studio import Studio
from tests.prompts.conftest import Samples

PLAN = (
    Utterance(file="zh/no_key", prompt="no_key", language="zh", text="没有收到您的按键。"),
    Utterance(file="zh/agents/a/1", prompt="agent_greeting", language="zh", text="一号为您服务", at_most=1.0),
)


def tone(seconds: float = 0.8, level: float = 0.3, rate: int = 44_100) -> Samples:
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def record(folder: Path, file: str, samples: Samples, *, rate: int = 44_100, channels: int = 1) -> Path:
    path = folder / f"{file}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setparams((channels, 2, rate, 0, "NONE", ""))
        whole = np.clip(samples * 32768, -32768, 32767).astype("<i2")
        out.writeframes(np.repeat(whole, channels).tobytes())
    return path


def test_a_recording_of_any_rate_and_channels_is_taken(tmp_path: Path) -> None:
    record(tmp_path, "zh/no_key", tone(), channels=2)
    studio = Studio(tmp_path)
    assert list(studio.problems(PLAN)) == []
    take = studio.take("zh/no_key")
    assert take is not None
    assert (take.rate, round(take.seconds, 2)) == (44_100, 0.8)
    assert studio.take("zh/agents/a/1") is None


@pytest.mark.parametrize(
    ("file", "samples", "found", "expected"),
    [
        ("zh/no_key", tone(level=0.002), r"is too quiet, -57 dB", "expected -45 dB or more"),
        ("zh/no_key", tone(seconds=61), r"is too long, 61.0 s", "expected at most 60.0 s"),
        ("zh/agents/a/1", tone(seconds=1.5), r"is too long, 1.5 s", "expected at most 1.0 s"),
        ("zh/no_key", tone(level=1.4), r"is clipped, \d+ times", "expected no flat tops"),
        ("zh/no_key", tone(seconds=0.05), r"lasts 0.05 s", "expected at least"),
    ],
)
def test_a_recording_nobody_could_follow_is_refused_with_what_to_do(
    tmp_path: Path, file: str, samples: Samples, found: str, expected: str
) -> None:
    path = record(tmp_path, file, samples)
    (problem,) = Studio(tmp_path).problems(PLAN)
    assert problem.startswith(f"{path}: ")
    assert re.search(found, problem)
    assert expected in problem
    assert "record it again" in problem


@pytest.mark.parametrize("content", [b"", b"ID3 mp3", b"RIFF\x24\x00\x00\x00WAVEfmt "])
def test_a_recording_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    path = record(tmp_path, "zh/no_key", tone())
    path.write_bytes(content)
    (problem,) = Studio(tmp_path).problems(PLAN)
    assert problem.startswith(str(path))
    assert "save it as wav" in problem


def test_a_recording_that_is_named_like_nothing_is_a_stray(tmp_path: Path) -> None:
    record(tmp_path, "zh/no_key", tone())
    stray = record(tmp_path, "zh/no-key", tone())
    assert Studio(tmp_path).strays(PLAN) == [stray]


def test_a_folder_that_is_not_there_has_no_recordings(tmp_path: Path) -> None:
    for studio in (Studio(None), Studio(tmp_path / "none")):
        assert studio.take("zh/no_key") is None
        assert list(studio.problems(PLAN)) == []
