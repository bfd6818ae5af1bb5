"""Sound as the prompts room handles it: pydub, with types, for mono 16-bit sound only."""

import audioop
import math
import warnings
import wave
from array import array
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final

with warnings.catch_warnings():
    # pydub says at import that there is no ffmpeg; raw and wav sound do not need it.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

from prompts.errors import BadSound

SILENCE: Final = -math.inf
FULL: Final = 32768
TAPS: Final = 31


class Audio:
    """A stretch of sound. It never changes: each method returns a new one.

    Levels are in dB below full scale (0 is the loudest there is), times in seconds.
    """

    __slots__ = ("_segment",)

    def __init__(self, samples: bytes, rate: int) -> None:
        self._segment = AudioSegment(data=samples, sample_width=2, frame_rate=rate, channels=1)

    @classmethod
    def read(cls, path: Path) -> "Audio":
        """Read a 16-bit wav file, stereo as mono; raise `BadSound` if it is none."""
        try:
            with wave.open(str(path), "rb") as file:
                shape = (file.getsampwidth(), file.getnchannels())
                samples, rate = file.readframes(file.getnframes()), file.getframerate()
        except (OSError, EOFError, wave.Error) as wrong:
            raise BadSound(path, str(wrong) or type(wrong).__name__) from wrong
        ...
