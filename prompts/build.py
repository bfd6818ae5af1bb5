"""Make the sounds of a plan: only what is missing or has changed, several at a time."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prompts.errors import BuildBusy, BuildFailed, PromptsError
from prompts.files import remove, write, write_both
from prompts.manifest import Entry, Manifest
from prompts.music import play
from prompts.plan import Composed, Plan, Played, Utterance
from prompts.remembered import remembering
from prompts.render import RENDERER, Parts, spoken
from prompts.studio import NOBODY, Studio
from prompts.voice import Voice
from prompts.voices import Spared

Sounding = Utterance | Composed | Played
Progress = Callable[[int, int, str], None]
"""Told after each sound, in the builder's own thread: how many are done, of how many, and the file."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did. Files are below the sounds folder, without extension."""

    made: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int
    too_long: Mapping[str, float]
    """Sounds that last longer than they should although spoken fast, with their seconds."""
    fell_back: Mapping[str, str]
    """Sounds that the spare voice spoke, and why. They are tried again by the next build."""


def build(
    plan: Plan,
    sounds: Path,
    voice: Voice,
    *,
    spare: Voice | None = None,
    studio: Studio = NOBODY,
    progress: Progress = lambda *_: None,
    within: float = 300.0,
) -> Built:
    """Bring the sounds folder to what the plan has, while calls may be playing from it.

    A sound is made again when its text, its recording, its voice or the renderer has changed, or when
    one of its files is missing or cut short; sounds that are planned no more are removed. A build may be
    killed at any moment and run again. What the voice cannot speak the spare one does.

    Waits `within` seconds for another build of the folder, then raises `BuildBusy`. Raises
    `VoiceMissing` before anything is changed, `BuildFailed` after all that can be made is in place;
    what failed is then heard as it was before.
    """
    workshop = _Workshop(plan, sounds, voice, spare or voice, studio)
    versions = workshop.versions
    sounds.mkdir(parents=True, exist_ok=True)
    with _alone_in(sounds, within):
        manifest = Manifest.read(sounds)
        waiting = [piece for piece in plan if not manifest.holds(piece.file, versions[piece.file])]
        unplanned = sorted(manifest.entries.keys() - versions.keys())
        for file in unplanned:
            remove(sounds, file)
        if waiting or unplanned:
            # Forgotten first and entered when made: the manifest never speaks for what a killed build left.
            old = manifest.forget([*unplanned, *(piece.file for piece in waiting)])
            manifest.write()
            try:
                failures = _make_all(waiting, workshop, manifest, progress)
                manifest.entries |= {file: old[file] for file in failures if file in old}
            finally:
                manifest.write()
            if failures:
                raise BuildFailed(failures)
    return Built(
        made=tuple(piece.file for piece in waiting),
        removed=tuple(unplanned),
        kept=len(plan) - len(waiting),
        too_long=_too_long(plan, manifest),
        fell_back=workshop.fell_back,
    )


def _make_all(
    waiting: Collection[Sounding], workshop: "_Workshop", manifest: Manifest, progress: Progress
) -> Mapping[str, PromptsError]:
    """Make these pieces and enter them in the manifest; return what could not be made, and why."""
    failures = {}
    # A voice works in a process of its own or far away, so threads are enough to keep every core busy.
    with workshop.open(), ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        jobs = {pool.submit(workshop.make, piece): piece.file for piece in waiting}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                file = jobs[job]
                if isinstance(failure := job.exception(), PromptsError):
                    failures[file] = failure
                else:
                    manifest.entries[file] = job.result()
                progress(done, len(jobs), file)
        finally:
            pool.shutdown(cancel_futures=True)
    return failures


class _Workshop:
    """Where the sounds of one build are made."""

    def __init__(self, plan: Plan, sounds: Path, voice: Voice, spare: Voice, studio: Studio) -> None:
        """Raises VoiceMissing when neither voice can speak one of the plan's languages."""
        self._sounds, self._studio = sounds, studio
        self._voice = self._once = Spared(voice, spare) if spare is not voice else voice
        self._spare_versions = _versions(plan, spare, studio) if spare is not voice else {}
        self.versions = _versions(plan, self._voice, studio)
        self.fell_back: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """Until the block ends nothing is spoken twice."""
        with remembering(self._voice) as self._once:
            self._parts = Parts(self._once, self._studio)
            yield

    def make(self, piece: Sounding) -> Entry:
        """Make one sound and put it in place."""
        parts: Sequence[Utterance] = ()
        match piece:
            case Utterance():
                text, parts = piece.text, [piece]
                samples = write(spoken(piece, self._once, self._studio), self._sounds, piece.file)
            case Composed():
                text, parts = piece.text, piece.parts
                samples = write_both(*self._parts.composed(piece), self._sounds, piece.file)
            case Played():
                text = f"({piece.prompt})"
                samples = write(play(piece.tune), self._sounds, piece.file)
        version = self.versions[piece.file]
        if why := next(filter(None, (self._failure(part) for part in parts)), ""):
            self.fell_back[piece.file] = why
            # Another content than was wanted: the next build sees it, and asks the voice again.
            version = self._spare_versions[piece.file]
        return Entry(piece.prompt, piece.language, piece.parameters, text, version, samples)

    def _failure(self, part: Utterance) -> str:
        """Why the spare voice spoke this."""
        return self._voice.failures.get((part.language, part.text), "") if isinstance(self._voice, Spared) else ""


def _versions(plan: Plan, voice: Voice, studio: Studio) -> Mapping[str, str]:
    """Name the content of each file by a hash of all that it depends on."""
    languages = {piece.language for piece in plan if isinstance(piece, Utterance | Composed)}
    speakers = {language: voice.identity(language) for language in languages}

    def words(piece: Utterance) -> list[str]:
        recorded = studio.content(piece.file)
        return ["recorded", recorded] if recorded else [speakers[piece.language], piece.text]

    def version(piece: Sounding) -> str:
        content: list[object]
        match piece:
            case Utterance():
                content = [RENDERER, *words(piece), piece.at_most]
            case Composed():
                content = [RENDERER, *map(words, piece.parts), piece.at_most]
            case Played():
                content = [RENDERER, piece.tune]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]

    return {piece.file: version(piece) for piece in plan}


def _too_long(plan: Plan, manifest: Manifest) -> Mapping[str, float]:
    limits = {piece.file: piece.at_most for piece in plan if not isinstance(piece, Played) and piece.at_most}
    return {file: seconds for file, limit in limits.items() if (seconds := manifest.entries[file].seconds) > limit}


@contextmanager
def _alone_in(sounds: Path, within: float) -> Iterator[None]:
    """Keep other builds out of the folder; the lock ends with the process that holds it."""
    give_up = time.monotonic() + within
    with (sounds / ".building").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise BuildBusy(sounds, within) from None
                time.sleep(0.1)
        yield
