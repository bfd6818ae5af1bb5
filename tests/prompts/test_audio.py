"""Sound: read, measured, and brought to another rate without leaving traces."""

import math
import wave
from array import array
from pathlib import Path

import numpy as np
import pytest

from prompts.audio import Audio
from prompts.errors import BadSound


def tone(pitch: float, rate: int, *, seconds: float = 1.0, level: float = -6.0) -> Audio:
    size = 32767 * 10 ** (level / 20)
    samples = (round(size * math.sin(2 * math.pi * pitch * at / rate)) for at in range(round(rate * seconds)))
    return Audio(array("h", samples).tobytes(), rate)


def silence(seconds: float, rate: int = 16_000) -> bytes:
    return bytes(2 * round(rate * seconds))


@pytest.mark.parametrize(
    ("pitch", "rate", "to"), [(1000, 22_050, 16_000), (3000, 22_050, 16_000), (2800, 16_000, 8_000)]
)
def test_what_the_new_rate_can_hold_stays_as_loud(pitch: float, rate: int, to: int) -> None:
    changed = tone(pitch, rate).at(to)
    assert changed.rate == to
    assert changed.seconds == pytest.approx(1, abs=0.001)
    assert changed.loudness == pytest.approx(tone(pitch, rate).loudness, abs=1)


@pytest.mark.parametrize(
    ("pitch", "rate", "to"), [(10_000, 22_050, 16_000), (5_200, 16_000, 8_000), (7_000, 16_000, 8_000)]
)
def test_what_the_new_rate_cannot_hold_is_not_folded_into_it(pitch: float, rate: int, to: int) -> None:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(tone(pitch, rate).at(to).raw[2000:-2000], dtype="<i2") / 32768))
    assert 20 * np.log10(spectrum.max() / (to / 2) + 1e-9) < -40


def test_the_loudness_of_speech_does_not_depend_on_its_pauses() -> None:
    word = tone(500, 16_000, seconds=0.5)
    spaced = Audio(word.raw + silence(2) + word.raw, 16_000)
    assert spaced.loudness == pytest.approx(word.loudness, abs=0.1)
    assert word.loudness == pytest.approx(-9, abs=0.1)  # a sine's level lies 3 dB under its peak of -6
    assert word.peak == pytest.approx(-6, abs=0.1)


def test_trimming_leaves_the_pauses_inside_and_a_margin_at_the_ends() -> None:
    word = tone(500, 16_000, seconds=0.5).raw
    trimmed = Audio(silence(0.3) + word + silence(0.4) + word + silence(0.7), 16_000).trimmed(below=-50, margin=0.02)
    assert trimmed.seconds == pytest.approx(0.5 + 0.4 + 0.5 + 2 * 0.02, abs=0.01)
    assert trimmed.samples % 16 == 0


def test_a_sound_put_under_another_is_heard_where_it_was_put() -> None:
    both = Audio(silence(1), 16_000).under(tone(500, 16_000, seconds=0.25), at=0.5)
    loud = np.abs(np.frombuffer(both.raw, dtype="<i2")) > 100
    assert both.seconds == 1
    assert np.flatnonzero(loud)[[0, -1]] / 16_000 == pytest.approx([0.5, 0.75], abs=0.002)


def test_silence_has_no_level() -> None:
    assert Audio(silence(1), 16_000).loudness == -math.inf
    assert Audio(b"", 16_000).peak == -math.inf


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"\x00" * 4000])
def test_a_file_that_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(BadSound, match=r"a\.wav is no wav sound that can be used"):
        Audio.read(tmp_path / "a.wav")


def test_a_stereo_file_is_refused_with_what_was_found(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 1, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(100))
    with pytest.raises(BadSound, match="2 channels of 8 bits"):
        Audio.read(tmp_path / "a.wav")
