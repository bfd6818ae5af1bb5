"""What a voice is: anything that can speak a text into a file."""

from pathlib import Path
from typing import Protocol


class Voice(Protocol):
    """A speaking engine. It is asked from several threads at once."""

    def identity(self, language: str) -> str:
        """Say which engine, version and settings speak this language.

        Sounds are made again when it changes. Raises `VoiceMissing` if the voice cannot speak at all.
        """

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        """Speak a text into a mono 16-bit wav file, `pace` times as fast as it usually does.

        Returns within a minute. Raises `VoiceFailed` if this text cannot be spoken, rather than
        leave silence or another language's sounds.
        """
