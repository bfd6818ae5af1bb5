"""A voice that says nothing twice: parts that many prompts share are spoken once in a build."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from prompts.voice import Voice

Words = tuple[str, str, float]


class RememberingVoice:
    """Another voice, asked once for each text, language and pace, from however many threads."""

    def __init__(self, voice: Voice, folder: Path) -> None:
        self._voice, self._folder = voice, folder
        self._spoken: dict[Words, Future[Path]] = {}
        self._lock = Lock()

    def identity(self, language: str) -> str:
        """See Voice."""
        return self._voice.identity(language)

    def speak(self, text: str, language: str, to: Path, *, pace: float = 1.0) -> None:
        """See Voice."""
        words = text, language, pace
        with self._lock:
            mine = words not in self._spoken
            take = self._spoken.setdefault(words, Future())
            file = self._folder / f"{len(self._spoken)}.wav"
        if mine:
            try:
                self._voice.speak(text, language, file, pace=pace)
            except BaseException as problem:
                take.set_exception(problem)
                raise
            take.set_result(file)
        shutil.copyfile(take.result(), to)


@contextmanager
def remembering(voice: Voice) -> Iterator[RememberingVoice]:
    """Give a voice that remembers until the block ends."""
    with TemporaryDirectory(prefix="takes-") as folder:
        yield RememberingVoice(voice, Path(folder))
