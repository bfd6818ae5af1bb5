"""How a sound lies in the sounds folder: twice, for ordinary and for wideband calls, as raw samples.

Raw, because a prompt in a call's own codec can silence one side of that call's recording, and 16 kHz
in a `.wav` file is not played at all.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prompts.audio import Audio

WIDE: Final = 16_000
NARROW: Final = 8_000
_SUFFIXES: Final = {WIDE: ".sln16", NARROW: ".sln"}


def write(audio: Audio, sounds: Path, file: str) -> int:
    """Write a 16 kHz sound at both rates; return the number of samples at 8 kHz.

    Whoever opens one of the files meanwhile finds the old sound or the new one, whole.
    """
    return write_both(audio, audio.at(NARROW), sounds, file)


def write_both(wide: Audio, narrow: Audio, sounds: Path, file: str) -> int:
    """Write a sound that is there at both rates, as `write` does."""
    for one in (wide, narrow):
        path = _path(sounds, file, one.rate)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{threading.get_ident()}.part")
        part.write_bytes(one.raw)
        part.replace(path)
    return narrow.samples


def read(sounds: Path, file: str) -> Mapping[int, bytes]:
    """Return the samples of a sound by rate; raise FileNotFoundError if it is gone."""
    return {rate: _path(sounds, file, rate).read_bytes() for rate in _SUFFIXES}


def whole(sounds: Path, file: str, samples: int) -> bool:
    """Say whether both files are there in full length, `samples` at 8 kHz. Asked for each prompt of each call."""
    try:
        return all(
            os.stat(f"{sounds}/{file}{suffix}").st_size == 2 * samples * rate // NARROW  # noqa: PTH116 - a Path costs ten times as much
            for rate, suffix in _SUFFIXES.items()
        )
    except FileNotFoundError:
        return False


def remove(sounds: Path, file: str) -> None:
    """Remove both files, if they are there."""
    for rate in _SUFFIXES:
        _path(sounds, file, rate).unlink(missing_ok=True)


def _path(sounds: Path, file: str, rate: int) -> Path:
    return sounds / f"{file}{_SUFFIXES[rate]}"
