"""The built-in voice: espeak-ng, one short process for each text."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prompts.errors import VoiceFailed, VoiceMissing
from prompts.pinyin import pinyin

_OTHER_LANGUAGE: Final = re.compile(r"\([a-z]{2,3}(-[a-z-]+)?\)")
"""How `--ipa` marks words spoken in another language than the voice's own, as in (en)."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How espeak-ng speaks one language."""

    voice: str
    speed: int
    """What it calls words a minute; 175 are about 4.3 Chinese syllables a second."""
    spelled: Callable[[str], str]
    """Turns a text into what espeak-ng reads rightly; raises ValueError if that cannot be done."""


class Espeak:
    """Speaks Chinese, English and Spanish."""

    def __init__(self, program: str = "espeak-ng", *, patience: float = 30.0) -> None:
        """Use this program; one text may take `patience` seconds, where some hundredths are usual."""
        self._program = program
        self._patience = patience

    def identity(self, language: str) -> str:
        """Say the version and the settings; raise `VoiceMissing` if the program cannot be run."""
        manner = self._manner(language)
        try:
            answer = self._run(["--version"])
        except OSError as wrong:
            raise VoiceMissing(
                f"the voice {self._program} cannot be run ({wrong.strerror}); "
                f"install it (Debian, Ubuntu: apt-get install espeak-ng) or set another voice"
            ) from wrong
        version = answer.stdout.partition("Data at")[0].strip()
        return f"{version}, {manner.voice}, {manner.speed}"

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        """Speak into a wav file of 22,050 Hz; raise `VoiceFailed` for a text with words of another language."""
        manner = self._manner(language)
        options = ["-v", manner.voice, "-s", str(round(manner.speed * pace)), "-a", "70", "-b", "1"]
        try:
            spelled = manner.spelled(text)
            answer = self._run([*options, "--ipa", "-w", str(to), "--stdin"], spelled)
        except (OSError, ValueError, subprocess.TimeoutExpired) as wrong:
            raise VoiceFailed(self._program, text, str(wrong)) from wrong
        if answer.returncode or not to.exists():
            raise VoiceFailed(self._program, text, answer.stderr.strip() or f"it ended with {answer.returncode}")
        if strange := _OTHER_LANGUAGE.search(answer.stdout):
            raise VoiceFailed(self._program, text, f"part of {spelled!r} would be spoken as {strange[0]}")

    def _manner(self, language: str) -> Manner:
        if language not in MANNERS:
            raise VoiceMissing(f"the voice {self._program} has not been taught {language!r}; set another voice for it")
        return MANNERS[language]

    def _run(self, options: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        command = [self._program, *options]
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=self._patience,
            check=False,
        )


def _chinese(text: str) -> str:
    """As pinyin, since version 1.51 reads characters wrongly. 1.52 takes jiong, qiong and xiong for English."""
    return re.sub(r"\b([jqx])iong", r"\1ong", pinyin(text))


def _latin(language: str) -> Callable[[str], str]:
    """Return what leaves a text as it is, without the signs espeak-ng takes for instructions."""

    def spelled(text: str) -> str:
        if strange := "".join(sign for sign in text if sign.isalpha() and ord(sign) > 0x24F):
            raise ValueError(f"{strange!r} cannot be read as {language}; write it in Latin letters")
        return re.sub(r"[\[\]<>]", " ", text)

    return spelled


MANNERS: Final[Mapping[str, Manner]] = {
    "zh": Manner("cmn-latn-pinyin", speed=175, spelled=_chinese),
    "en": Manner("en-gb", speed=170, spelled=_latin("English")),
    "es": Manner("es-419", speed=165, spelled=_latin("Spanish")),
}
