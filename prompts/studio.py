"""Human recordings: a wav file that is named like a prompt's sound is heard in the voice's place.

words/recordings/zh/no_key.wav    words/recordings/zh/agents/heating/1024.wav

They lie in two folders, what a studio delivered and what was spoken into a phone; of two for one sound the newer is
heard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

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


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a recording from being heard well; as a text, what was found and what was expected."""

    kind: Literal["short", "quiet", "long", "clipped"]
    text: str

    def __str__(self) -> str:
        return self.text


class Studio:
    """The recordings of some folders, which need not be there."""

    def __init__(self, *folders: Path | None) -> None:
        self.folders = [folder for folder in folders if folder is not None]

    def take(self, file: str) -> Audio | None:
        """Return the recording for this file of the sounds folder, if there is one; raises BadSound."""
        return Audio.of(self._paths[file]) if file in self._paths else None

    def content(self, file: str) -> str | None:
        """Name the content of the recording for this file, if there is one."""
        return hashlib.sha256(self._paths[file].read_bytes()).hexdigest()[:16] if file in self._paths else None

    def problems(self, plan: Plan) -> Iterator[str]:
        """Say which recordings cannot be used: which file, what was found, what was expected, what to do."""
        for piece in plan:
            if isinstance(piece, Played) or piece.file not in self._paths:
                continue
            path = self._paths[piece.file]
            try:
                for fault in faults(Audio.of(path), at_most=piece.at_most or LONGEST):
                    yield f"{path}: {fault}; record it again, or remove it and the voice speaks"
            except BadSound as bad:
                yield f"{bad}; save it as wav (hotline prompts import does), or remove it"

    def strays(self, plan: Plan) -> list[Path]:
        """Recordings that are named like no sound of the site, and so are never heard."""
        planned = {piece.file for piece in plan}
        return sorted(path for file, path in self._paths.items() if file not in planned)

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        """The newest recording of each sound."""
        found = [(path, folder) for folder in self.folders if folder.is_dir() for path in folder.rglob("*.wav")]
        found.sort(key=lambda each: each[0].stat().st_mtime)
        return {path.relative_to(folder).with_suffix("").as_posix(): path for path, folder in found}


NOBODY: Final = Studio()
"""No recordings at all: a voice speaks everything."""


def faults(audio: Audio, *, at_most: float) -> Iterator[Fault]:
    """Say what keeps a recording from being heard well."""
    if audio.seconds < SHORTEST:
        yield Fault("short", f"lasts {audio.seconds:.2f} s, expected at least {SHORTEST} s")
    elif audio.loudness < QUIETEST:
        yield Fault("quiet", f"is too quiet, {audio.loudness:.0f} dB, expected {QUIETEST:.0f} dB or more")
    else:
        spoken = audio.trimmed(below=audio.loudness - 35, margin=0.02).seconds
        if spoken > at_most:
            yield Fault("long", f"is too long, {spoken:.1f} s, expected at most {at_most:.1f} s")
    if (tops := audio.flat_tops()) >= CLIPPED:
        yield Fault("clipped", f"is clipped, {tops} times, expected no flat tops (recorded too loud)")
