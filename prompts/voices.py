"""Voices other than the built-in one, and what happens when they fail.

A voice is a plug-in: any package may offer one under the entry point group `hotline.voices`, as a callable that takes
the options of the settings and returns a `Voice`. Ours are `espeak`, `command` and `http`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import structlog

from prompts.errors import VoiceFailed, VoiceMissing
from prompts.espeak import Espeak
from prompts.voice import Voice
from prompts.voice_command import CommandVoice
from prompts.voice_http import HttpVoice

GROUP: Final = "hotline.voices"
OURS: Final[Mapping[str, Callable[..., Voice]]] = {"espeak": Espeak, "command": CommandVoice, "http": HttpVoice}
ENOUGH: Final = 5
"""After so many failures in a row a voice is not asked again until the next build."""


def voice_named(name: str, options: Mapping[str, Any]) -> Voice:
    """Return a voice of ours or of another package; raise `VoiceMissing` if there is none that takes such options."""
    make = OURS.get(name)
    if make is None:
        found = entry_points(group=GROUP, name=name)
        if not found:
            known = ", ".join([*OURS, *sorted(point.name for point in entry_points(group=GROUP))])
            raise VoiceMissing(f"there is no voice {name!r}, only {known}; set HOTLINE_VOICE__ENGINE to one of them")
        try:
            make = next(iter(found)).load()
        except Exception as wrong:  # the package is not ours
            raise VoiceMissing(f"the voice {name!r} is installed but cannot be loaded: {wrong}") from wrong
    try:
        return make(**options)
    except (TypeError, ValueError) as wrong:
        raise VoiceMissing(f"the voice {name!r} cannot be used with these settings: {wrong}") from wrong


class Spared:
    """A voice with another behind it: what the first cannot speak the spare one does, and it is reported.

    `failures` has what the first could not speak and why, by language and text.
    """

    def __init__(self, voice: Voice, spare: Voice) -> None:
        self._voice, self._spare = voice, spare
        self._in_a_row = 0
        self.failures: dict[tuple[str, str], str] = {}

    def identity(self, language: str) -> str:
        """That of the first voice, or of the spare one where the first cannot speak at all."""
        try:
            return self._voice.identity(language)
        except VoiceMissing as missing:
            self._report(language, "", missing)
            return self._spare.identity(language)

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        """Speak with the first voice that can; raises VoiceFailed when none can."""
        if self._in_a_row < ENOUGH:
            try:
                self._voice.speak(text, language, to, pace=pace)
            except (VoiceFailed, VoiceMissing) as failed:
                self._in_a_row += 1
                self._report(language, text, failed)
            else:
                self._in_a_row = 0
                return
        else:
            self.failures[language, text] = f"not asked again after {ENOUGH} failures in a row"
        self._spare.speak(text, language, to, pace=pace)

    def _report(self, language: str, text: str, failed: Exception) -> None:
        self.failures[language, text] = str(failed)
        structlog.get_logger().error("a voice failed, espeak-ng speaks instead", language=language, problem=str(failed))
