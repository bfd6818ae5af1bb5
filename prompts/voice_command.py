"""A voice that is a program: the text goes in on its standard input, a wav file comes out.

    piper --model /srv/voices/zh.onnx --output_file {wav}

The command is a list of words, never a line for a shell; a text is never part of it. Without `{wav}` the sound is
expected on standard output.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from prompts.audio import Audio
from prompts.errors import BadSound, VoiceFailed, VoiceMissing

PLACES: Final = ("{wav}", "{language}", "{pace}", "{length}")
"""What is put in: the file to write, the language (zh), how many times as fast as usual, and one divided by that."""


class CommandVoice:
    """Speaks by running a program once for each text."""

    def __init__(self, command: Mapping[str, Sequence[str]], *, patience: float = 30.0) -> None:
        """`command` has the words of the command for each language; one text may take `patience` seconds."""
        if not command or not all(command.values()):
            raise ValueError('no command is set; for example {"zh": ["piper", "--model", "zh.onnx", "-f", "{wav}"]}')
        self._commands, self._patience = command, patience

    def identity(self, language: str) -> str:
        """The command itself: another model or another option speaks everything again."""
        command = self._command(language)
        if shutil.which(command[0]) is None:
            raise VoiceMissing(f"the voice {command[0]} cannot be run; install it, or set another command")
        return " ".join(command)

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        """See Voice."""
        places = dict(zip(PLACES, (str(to), language, f"{pace:.3f}", f"{1 / pace:.3f}"), strict=True))
        words = [_put_in(word, places) for word in self._command(language)]
        try:
            done = subprocess.run(words, input=text.encode(), capture_output=True, timeout=self._patience, check=False)
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise VoiceFailed(words[0], text, str(wrong)) from wrong
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-300:]
            raise VoiceFailed(words[0], text, said or f"it ended with {done.returncode}")
        if done.stdout and not to.exists():
            to.write_bytes(done.stdout)
        try:
            Audio.of(to).write(to)
        except BadSound as bad:
            raise VoiceFailed(words[0], text, str(bad)) from bad

    def _command(self, language: str) -> Sequence[str]:
        if language not in self._commands:
            raise VoiceMissing(f"no command is set for the language {language!r}")
        return self._commands[language]


def _put_in(word: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        word = word.replace(place, value)
    return word
