"""Human recordings: a wav file that is named like a prompt's sound is heard in the voice's place.

words/recordings/zh/no_key.wav    words/recordings/zh/agents/heating/1024.wav
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from prompts.audio import Audio
from prompts.errors import BadSound
from prompts.plan import Plan, Played

QUIETEST: Final = -45.0
"""Decibels below full scale: speech under this is mostly the room's noise once it is made louder."""
LONGEST: Final = 60.0
"""Seconds; no caller listens to more in one go."""
SHORTEST: Final = 0.08
CLIPPED: Final = 3
"""So many flat tops make a recording distorted."""


class Studio:
    """The recordings of one folder, which need not be there."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def take(self, file: str) -> Audio | None:
        """Return the recording for this file of the sounds folder, if there is one; raises BadSound."""
        return Audio.of(self._path(file)) if file in self._names else None

    def content(self, file: str) -> str | None:
        """Name the content of the recording for this file, if there is one."""
        return hashlib.sha256(self._path(file).read_bytes()).hexdigest()[:16] if file in self._names else None

    def problems(self, plan: Plan) -> Iterator[str]:
        """Say which recordings cannot be used: which file, what was found, what was expected, what to do."""
        for piece in plan:
            if isinstance(piece, Played) or piece.file not in self._names:
                continue
            path = self._path(piece.file)
            try:
                for fault in faults(Audio.of(path), at_most=piece.at_most or LONGEST):
                    yield f"{path}: {fault}; record it again, or remove it and the voice speaks"
            except BadSound as bad:
                yield f"{bad}; save it as wav (hotline prompts import does), or remove it"

    def strays(self, plan: Plan) -> list[Path]:
        """Recordings that are named like no sound of the site, and so are never heard."""
        return sorted(map(self._path, self._names - {piece.file for piece in plan}))

    @cached_property
    def _names(self) -> frozenset[str]:
        if self.folder is None or not self.folder.is_dir():
            return frozenset()
        found = self.folder.rglob("*.wav")
        return frozenset(path.relative_to(self.folder).with_suffix("").as_posix() for path in found)

    def _path(self, file: str) -> Path:
        assert self.folder is not None, "names are only found in a folder"
        return self.folder / f"{file}.wav"


NOBODY: Final = Studio(None)
"""No recordings at all: a voice speaks everything."""


def faults(audio: Audio, *, at_most: float) -> Iterator[str]:
    """Say what keeps a recording from being heard well: found, and expected."""
    if audio.seconds < SHORTEST:
        yield f"lasts {audio.seconds:.2f} s, expected at least {SHORTEST} s"
    elif audio.loudness < QUIETEST:
        yield f"is too quiet, {audio.loudness:.0f} dB, expected {QUIETEST:.0f} dB or more"
    else:
        spoken = audio.trimmed(below=audio.loudness - 35, margin=0.02).seconds
        if spoken > at_most:
            yield f"is too long, {spoken:.1f} s, expected at most {at_most:.1f} s"
    if (tops := audio.flat_tops()) >= CLIPPED:
        yield f"is clipped, {tops} times, expected no flat tops (recorded too loud)"
