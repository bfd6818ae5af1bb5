"""Sound as this room handles it: pydub with types, and only what mono 16-bit sound needs."""

import audioop
import math
import re
import struct
import warnings
import wave
from array import array
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # At import pydub misses ffmpeg, which wav and raw sound never need.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.audio_segment import read_wav_audio
    from pydub.exceptions import PydubException

from prompts.errors import BadSound

_FULL: Final = 32768
_FRAME: Final = 0.02
"""Seconds over which loudness is measured, about one sound of speech."""
_EDGE: Final = 5
"""Milliseconds in which a sound's edges are looked for."""


class Audio:
    """A stretch of sound that never changes: what alters it returns another.

    Levels are in decibels below full scale (0 is the loudest there can be), times in seconds.
    """

    __slots__ = ("_segment",)

    def __init__(self, raw: bytes, rate: int) -> None:
        """Take 16-bit little-endian mono samples, `rate` of them a second."""
        self._segment = AudioSegment(data=raw, sample_width=2, frame_rate=rate, channels=1)

    @classmethod
    def read(cls, path: Path) -> "Audio":
        """Read a mono 16-bit wav file; raise `BadSound` if it is anything else."""
        try:
            with wave.open(str(path), "rb") as file:
                if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                    raise BadSound(path, f"{file.getnchannels()} channels of {file.getsampwidth() * 8} bits")
                return cls(file.readframes(file.getnframes()), file.getframerate())
        except (OSError, EOFError, wave.Error) as wrong:
            raise BadSound(path, str(wrong) or "it ends early") from wrong

    @classmethod
    def of(cls, path: Path) -> "Audio":
        """Read any wav file, of any rate, width and number of channels, as mono; raise `BadSound` if it is none."""
        try:
            found = read_wav_audio(path.read_bytes())
            width, raw = found.bits_per_sample // 8, found.raw_data
            raw = raw[: len(raw) // (width * found.channels) * (width * found.channels)]
            signed = audioop.bias(raw, 1, -128) if width == 1 else raw
            mono = audioop.tomono(signed, width, 0.5, 0.5) if found.channels == 2 else signed
            if found.channels > 2 or not found.sample_rate:
                raise BadSound(path, f"{found.channels} channels at {found.sample_rate} Hz")
            return cls(audioop.lin2lin(mono, width, 2), found.sample_rate)
        except (OSError, EOFError, struct.error, IndexError, ZeroDivisionError, PydubException, audioop.error) as wrong:
            raise BadSound(path, str(wrong).partition("\n")[0] or "it ends early") from wrong

    def write(self, path: Path) -> None:
        """Write a mono 16-bit wav file; a reader finds the old one or the new one, whole."""
        part = path.with_name(f".{path.name}.part")
        with wave.open(str(part), "wb") as file:
            file.setparams((1, 2, self.rate, 0, "NONE", ""))
            file.writeframes(self.raw)
        part.replace(path)

    def flat_tops(self, *, length: int = 4) -> int:
        """Count the places where `length` samples or more in a row are as loud as can be: what was louder is lost."""
        full = bytes(abs(sample) >= _FULL - 16 for sample in array("h", self.raw))
        return len(re.findall(rb"\x01{%d,}" % length, full))

    @property
    def raw(self) -> bytes:
        """The samples, as they are written to a `.sln` file."""
        return bytes(self._segment.raw_data)

    @property
    def rate(self) -> int:
        """Samples a second."""
        return int(self._segment.frame_rate)

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return int(self._segment.frame_count())

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / self.rate

    @property
    def peak(self) -> float:
        """The level of the loudest sample; minus infinity for digital silence."""
        return float(self._segment.max_dBFS)

    @property
    def loudness(self) -> float:
        """The level of the speech in it, pauses left out: of all that is within 30 dB of the loudest."""
        size = int(self.rate * _FRAME) * 2
        raw = self.raw
        levels = [audioop.rms(raw[at : at + size], 2) for at in range(0, len(raw), size)]
        loudest = max(levels, default=0)
        heard = [level**2 for level in levels if level * 10**1.5 >= loudest]
        return _decibels(math.sqrt(sum(heard) / len(heard)) if heard else 0)

    def louder(self, decibels: float) -> "Audio":
        """Return it louder, or softer if negative."""
        return _wrap(self._segment.apply_gain(decibels))

    def trimmed(self, *, below: float, margin: float) -> "Audio":
        """Return it without what is softer than `below` at either end, but for a margin.

        It then lasts a whole number of milliseconds.
        """
        raw, size = self.raw, 2 * (self.rate * _EDGE // 1000)
        softest = _FULL * 10 ** (below / 20)
        chunks = [audioop.rms(raw[at : at + size], 2) >= softest for at in range(0, len(raw), size)]
        if True not in chunks:
            return Audio(b"", self.rate)
        before, after = chunks.index(True), chunks[::-1].index(True)
        keep = round(margin * 1000)
        begin, end = max(0, before * _EDGE - keep), min(len(self._segment), (len(chunks) - after) * _EDGE + keep)
        return _wrap(self._segment[begin:end])

    def faded(self, *, rise: float, fall: float) -> "Audio":
        """Return it rising from silence at its start and falling to silence at its end."""
        samples = np.frombuffer(self.raw, dtype="<i2").astype(np.float32)
        up, down = (min(round(length * self.rate), len(samples)) for length in (rise, fall))
        samples[:up] *= np.linspace(0, 1, up, dtype=np.float32)
        samples[len(samples) - down :] *= np.linspace(1, 0, down, dtype=np.float32)
        return Audio(_whole(samples), self.rate)

    def under(self, other: "Audio", *, at: float) -> "Audio":
        """Return it with another sound added from a moment on; what reaches beyond its end is cut."""
        return _wrap(self._segment.overlay(other._segment, position=round(at * 1000)))

    def followed_by(self, other: "Audio", *, after: float) -> "Audio":
        """Return it with another sound of the same rate behind it, after so much silence."""
        return Audio(self.raw + bytes(2 * round(after * self.rate)) + other.raw, self.rate)

    def at(self, rate: int) -> "Audio":
        """Return it at another rate, freed first of what that rate cannot hold (it would be heard as hiss)."""
        if rate == self.rate:
            return self
        raw = _low_passed(self.raw, 0.5 * rate / self.rate) if rate < self.rate else self.raw
        if self.rate == 2 * rate:
            return Audio(array("h", raw)[::2].tobytes(), rate)
        return Audio(audioop.ratecv(raw, 2, 1, self.rate, rate, None)[0], rate)


def _wrap(segment: AudioSegment) -> Audio:
    return Audio(segment.raw_data, segment.frame_rate)


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude / _FULL) if amplitude else -math.inf


def _low_passed(raw: bytes, cutoff: float, *, reach: int = 15) -> bytes:
    """Take away what is above `cutoff` (a fraction of the rate): a windowed-sinc filter."""
    weights = [_sinc(cutoff, away) * _hamming(away, reach) for away in range(reach + 1)]
    unity = 2 * sum(weights) - weights[0]
    samples = np.frombuffer(raw, dtype="<i2").astype(np.float32)
    wide, length = np.pad(samples, reach), len(samples)
    # Tap by tap over the whole sound: in single precision three times as fast as a general convolution.
    total = samples * np.float32(weights[0] / unity)
    for away, weight in enumerate(weights[1:], start=1):
        pair = wide[reach - away :][:length] + wide[reach + away :][:length]
        total += pair * np.float32(weight / unity)
    return _whole(total)


def _whole(samples: NDArray[np.float32]) -> bytes:
    """As 16-bit samples; what is louder than can be becomes as loud as can be."""
    return samples.round().clip(-_FULL, _FULL - 1).astype("<i2").tobytes()


def _sinc(cutoff: float, away: int) -> float:
    return math.sin(2 * math.pi * cutoff * away) / (math.pi * away) if away else 2 * cutoff


def _hamming(away: int, reach: int) -> float:
    return 0.54 + 0.46 * math.cos(math.pi * away / reach)
