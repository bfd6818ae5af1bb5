"""What has been made in a sounds folder: kept beside the sounds, in `manifest.json`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from prompts.files import NARROW, whole

FILE: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One sound, and what a call asks for to hear it.

    `version` names the content: equal for equal words by an equal voice. `samples` counts the 8 kHz file's.
    """

    prompt: str
    language: str
    parameters: Mapping[str, str]
    text: str
    version: str
    samples: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / NARROW


class Manifest:
    """The entries of one sounds folder, by file (below the folder, without extension)."""

    def __init__(self, sounds: Path, entries: Mapping[str, Entry] | None = None) -> None:
        self.sounds = sounds
        self.entries = dict(entries or {})

    @classmethod
    def read(cls, sounds: Path) -> "Manifest":
        """Read a folder's manifest; one that is missing or damaged counts as empty."""
        try:
            files = json.loads((sounds / FILE).read_text("utf-8"))["files"]
            return cls(sounds, {file: Entry(**entry) for file, entry in files.items()})
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return cls(sounds)

    def write(self) -> None:
        """Put it on disk; a reader gets the old one or the new one, whole."""
        files = {file: asdict(entry) for file, entry in sorted(self.entries.items())}
        part = self.sounds / f".{FILE}.part"
        part.write_text(json.dumps({"files": files}, ensure_ascii=False, indent=1), "utf-8")
        part.replace(self.sounds / FILE)

    def holds(self, file: str, version: str) -> bool:
        """Say whether this version of a sound is there, both its files at their full length."""
        entry = self.entries.get(file)
        return entry is not None and entry.version == version and whole(self.sounds, file, entry.samples)

    def forget(self, files: Iterable[str]) -> Mapping[str, Entry]:
        """Take out the entries of these files; return those there were."""
        return {file: self.entries.pop(file) for file in files if file in self.entries}
