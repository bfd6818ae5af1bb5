"""What a call can say: sounds that were made ahead, and prompts with values, joined from pieces when they are needed.

Joining takes some milliseconds and no voice. Only words nobody knew in advance, or a piece that is not there, are
spoken while the caller waits, within a limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from prompts.audio import Audio
from prompts.catalogue import Catalogue
from prompts.errors import MissingPrompt, PromptsError
from prompts.files import NARROW, WIDE, read, remove, write_both
from prompts.library import Library, Sound
from prompts.pieces import spoken_pieces
from prompts.plan import Utterance
from prompts.render import spoken as rendered
from prompts.spoken import PAUSE, Value, written
from prompts.voice import Voice

FOLDER: Final = "joined"
"""Where joined sounds lie, below the sounds folder."""
PAUSE_SECONDS: Final = 0.25


class Speech:
    """The sounds of one folder, ready-made or joined for one call."""

    def __init__(
        self,
        library: Library,
        catalogue: Catalogue,
        voice: Voice,
        sounds: Path,
        *,
        brands: Mapping[str, Mapping[str, str]],
        zone: ZoneInfo,
        within: float = 4.0,
        keep: int = 500,
    ) -> None:
        """`within` seconds a caller waits for a voice; the last `keep` joined sounds stay on the disk.

        Joined sounds of an earlier run are removed: nobody knows any more what is in them.
        """
        self._library, self._catalogue, self._voice, self._sounds = library, catalogue, voice, sounds
        self._brands, self._zone, self._within, self._keep = brands, zone, within, keep
        self._key = secrets.token_bytes(16)
        self._kept: OrderedDict[str, Sound] = OrderedDict()
        for left in (sounds / FOLDER).glob("*.sln*"):
            left.unlink(missing_ok=True)

    @property
    def texts(self) -> Mapping[str, str]:
        """What is heard, by version. Values are not in it, only their names: they may be private."""
        valued = [prompt for prompt in self._catalogue.ids if self._catalogue.values(prompt)]
        return dict(self._library.texts) | {
            self._version(prompt, language): self._catalogue.prompts[language][prompt]
            for prompt in valued
            for language in self._catalogue.languages
        }

    def look_again(self, catalogue: Catalogue | None = None) -> None:
        """Take up what has been made meanwhile, and other texts if they are given; calls go on."""
        self._catalogue = catalogue or self._catalogue
        self._library.look_again()

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
        """Return a sound that was made ahead, as the library has it; raise `MissingPrompt`."""
        return self._library.sound(prompt, language, **parameters)

    async def saying(
        self, prompt: str, language: str, values: Mapping[str, Value], *, brand: str, at: datetime
    ) -> Sound:
        """Return a prompt with these values put in, for the line with this key.

        Raises `MissingPrompt` if there is no such prompt or it cannot be spoken in time, `CannotSay` for a wrong value.
        """
        if prompt not in self._catalogue.ids or language not in self._catalogue.languages:
            raise MissingPrompt(prompt, language, {})
        name = self._brands.get(brand, {}).get(language, "")
        local = at.astimezone(self._zone)
        pieces = spoken_pieces(self._catalogue, prompt, language, name, values, local)
        file = f"{FOLDER}/{self._secret_name(language, pieces)}"
        if file in self._kept:
            self._kept.move_to_end(file)
            return self._kept[file]
        try:
            async with asyncio.timeout(self._within):
                samples = await asyncio.to_thread(self._join, file, pieces, language)
        except (TimeoutError, PromptsError, OSError) as wrong:
            why = str(wrong) or f"the voice took longer than {self._within:g} s"
            raise MissingPrompt(prompt, language, {"why": why}) from wrong
        version = self._version(prompt, language)
        sound = Sound(self._library.heard_at(file), samples / NARROW, written(pieces, language), version)
        self._keep_only(file, sound)
        return sound

    def _join(self, file: str, pieces: Iterable[str], language: str) -> int:
        """Write the pieces as one sound; return its samples at 8 kHz."""
        both = [self._raw(piece, language) for piece in pieces]
        wide, narrow = (Audio(b"".join(each[rate] for each in both), rate) for rate in (WIDE, NARROW))
        return write_both(wide, narrow, self._sounds, file)

    def _raw(self, piece: str, language: str) -> Mapping[int, bytes]:
        """Return a piece's samples by rate: made ahead, or else spoken now."""
        if piece == PAUSE:
            return {rate: bytes(2 * round(rate * PAUSE_SECONDS)) for rate in (WIDE, NARROW)}
        if (made := self._library.file_saying(piece, language)) is not None:
            with suppress(FileNotFoundError):
                return read(self._sounds, made)
        spoken = rendered(Utterance(file="", prompt="", language=language, text=piece), self._voice)
        return {WIDE: spoken.raw, NARROW: spoken.at(NARROW).raw}

    def _keep_only(self, file: str, sound: Sound) -> None:
        self._kept[file] = sound
        while len(self._kept) > self._keep:
            oldest, _ = self._kept.popitem(last=False)
            remove(self._sounds, oldest)

    def _secret_name(self, language: str, pieces: Iterable[str]) -> str:
        """A name that tells nothing of what is said, not even to who tries all telephone numbers."""
        return hashlib.blake2b("\0".join([language, *pieces]).encode(), key=self._key, digest_size=12).hexdigest()

    def _version(self, prompt: str, language: str) -> str:
        """Name the wording, without the values."""
        return hashlib.sha256(f"{language} {self._catalogue.prompts[language][prompt]}".encode()).hexdigest()[:12]
