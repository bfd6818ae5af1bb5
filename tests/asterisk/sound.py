"""What was heard, proven by correlation: is this prompt in that recording, and where?

The whole prompt is laid over the recording where it fits best (normalised cross-correlation); then it is cut into
windows of half a second, each of which must be found at its place, give or take a quarter second. On a loaded machine
20 ms are lost or doubled here and there, so a window may be torn once. The right prompt gives 1.0, a wrong one about 0.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

RATE = 8000
WINDOW = RATE // 2
ALIKE = 0.85
SLIP = RATE // 4
FRAME = RATE // 50
HALF_ALIKE = 0.4
"""What a torn window still has in common with the whole one, at least."""

Sound = NDArray[np.float64]
SILENCE: Sound = np.zeros(0)


def from_sln(data: bytes) -> Sound:
    """Read raw 16-bit sound of 8 kHz."""
    return np.frombuffer(data, dtype="<i2").astype(np.float64)


def from_growing_wav(data: bytes) -> Sound:
    """Read a one-channel wav that is still being written: its header does not know its length yet."""
    return from_sln(data[44 : 44 + (len(data) - 44) // 2 * 2])


def from_wav(data: bytes) -> list[Sound]:
    """Read a wav file, one array a channel."""
    with wave.open(io.BytesIO(data)) as file:
        assert file.getframerate() == RATE
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
        return [samples[channel :: file.getnchannels()] for channel in range(file.getnchannels())]


def fraction_heard(prompt: Sound, recording: Sound, *, alike: float = ALIKE) -> float:
    """Return how much of the prompt is in the recording, 0.0 to 1.0: windows found where the whole prompt fits best."""
    begin = _begin(prompt, recording)
    cuts = _cuts(prompt)
    return sum(_likeness(cut, recording, begin + at) >= alike for at, cut in cuts) / len(cuts)


def heard_whole(prompt: Sound, recording: Sound) -> bool:
    """Whether the prompt was heard from beginning to end; a loaded machine may blur a window in between."""
    begin, cuts = _begin(prompt, recording), _cuts(prompt)
    found = [_likeness(cut, recording, begin + at) >= ALIKE for at, cut in cuts]
    return sum(found) >= 0.8 * len(found) and any(found[:2]) and any(found[-2:])


def closest(prompts: Mapping[str, Sound], recording: Sound) -> str:
    """Return the name of the prompt that fits best, for those that differ in a syllable only."""

    def likeness(name: str) -> float:
        begin, cuts = _begin(prompts[name], recording), _cuts(prompts[name])
        return sum(_likeness(cut, recording, begin + at) for at, cut in cuts) / len(cuts)

    return max(prompts, key=likeness)


def where_heard(prompt: Sound, recording: Sound) -> float:
    """Return the second of the recording at which the prompt begins; the prompt must be in it."""
    assert fraction_heard(prompt, recording) > 0.8, "the prompt is not in the recording"
    return _begin(prompt, recording) / RATE


def level(sound: Sound) -> float:
    """Return the loudness as root mean square, 0 to 32767."""
    return float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0


def _cuts(prompt: Sound) -> list[tuple[int, Sound]]:
    """Windows that hold sound, the last one up to the end: a pause correlates with every other pause."""
    loud, last = level(prompt) / 4, max(len(prompt) - WINDOW, 0)
    cuts = [(at, prompt[at : at + WINDOW]) for at in (*range(0, last, WINDOW), last)]
    return [(at, cut) for at, cut in cuts if level(cut) > loud]


def _begin(prompt: Sound, recording: Sound) -> int:
    """The sample of the recording at which the whole prompt fits best; negative when its beginning is missing."""
    return _best(prompt, _padded(recording, len(prompt)))[0] - len(prompt)


def _likeness(cut: Sound, recording: Sound, expected: int) -> float:
    """How well this window fits, at most SLIP away from where it is expected; it may be torn once."""
    padded = _padded(recording, len(cut) + SLIP)
    at = max(expected + len(cut), 0)
    near = padded[at : at + len(cut) + 2 * SLIP]
    whole = _best(cut, near)[1]
    if not HALF_ALIKE < whole < ALIKE:
        return whole
    return max(whole, *(_torn(cut, tear, near) for tear in range(WINDOW // 10, len(cut), WINDOW // 10)))


def _torn(cut: Sound, tear: int, sound: Sound) -> float:
    """How well the window fits when up to a frame was lost or doubled at this sample of it."""
    left, right = cut[:tear], cut[tear:]
    begin, left_likeness = _best(left, sound)
    _, right_likeness = _best(right, sound[max(begin + tear - FRAME, 0) : begin + len(cut) + FRAME])
    share = float(np.sum(left**2) / np.sum(cut**2))
    return share * left_likeness + (1 - share) * right_likeness


def _padded(recording: Sound, margin: int) -> Sound:
    return np.concatenate([np.zeros(margin), recording, np.zeros(margin)])


def _best(cut: Sound, sound: Sound) -> tuple[int, float]:
    """Where in the sound this cut fits best (in samples), and how well: 1.0 is the same sound."""
    if len(sound) < len(cut) or not np.any(cut):
        return 0, 0.0
    found = fftconvolve(sound, cut[::-1], mode="valid")
    energy = np.concatenate([[0.0], np.cumsum(sound**2)])
    local = energy[len(cut) :] - energy[: -len(cut)]
    # Near-silence fits everything a little; it is not what was asked for.
    quiet = 0.05 * np.sum(cut**2)
    likeness = np.where(local > quiet, found / np.sqrt(np.maximum(local, 1.0) * np.sum(cut**2)), 0.0)
    best = int(np.argmax(likeness))
    return best, float(likeness[best])
