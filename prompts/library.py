"""The sounds that have been made, as a call asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prompts.errors import MissingPrompt
from prompts.files import whole
from prompts.manifest import Manifest

HEARD_AT: Final = "/srv/sounds"


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound to play.

    `path` is Asterisk's name for it, without extension; `text` is what the caller hears, and `version`
    names that content, so that a call's record says which wording was heard.
    """

    path: str
    seconds: float
    text: str
    version: str


class Library:
    """The sounds of one folder, as they were when it was last looked at."""

    def __init__(self, sounds: Path, *, heard_at: str = HEARD_AT) -> None:
        """Open a built folder, which Asterisk sees as `heard_at`; one that was never built has no sounds."""
        self._sounds = sounds
        self._heard_at = heard_at
        self.look_again()

    def look_again(self) -> None:
        """Take up what has been made meanwhile; calls go on."""
        entries = Manifest.read(self._sounds).entries
        self._saying = {(entry.text, entry.language): file for file, entry in entries.items()}
        takes: dict[str, set[str]] = {}
        for entry in entries.values():
            takes.setdefault(entry.prompt, set()).update(entry.parameters)
        self._takes = takes
        self._found = {
            (entry.prompt, entry.language, frozenset(entry.parameters.items())): (file, entry)
            for file, entry in entries.items()
        }

    @property
    def texts(self) -> Mapping[str, str]:
        """What is heard, by version: what a call's record needs to say it in words."""
        return {entry.version: entry.text for _, entry in self._found.values()}

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
        """Return the sound of a prompt, for these keys of the site (a dialled number's, an agent's).

        Parameters that are empty, or that this prompt does not speak, are ignored. Raises `MissingPrompt` if
        it was not made, or its file is gone.
        """
        takes = self._takes.get(prompt, ())
        key = frozenset((name, value) for name, value in parameters.items() if value and name in takes)
        file, entry = self._found.get((prompt, language, key), (None, None))
        if file is None or entry is None or not whole(self._sounds, file, entry.samples):
            raise MissingPrompt(prompt, language, parameters)
        return Sound(self.heard_at(file), entry.seconds, entry.text, entry.version)

    def heard_at(self, file: str) -> str:
        """Return Asterisk's name for a file of the sounds folder."""
        return f"{self._heard_at}/{file}"

    def file_saying(self, text: str, language: str) -> str | None:
        """Return the file of a sound with these very words, if one was made."""
        return self._saying.get((text, language))
