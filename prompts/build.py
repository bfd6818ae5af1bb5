"""Make the sounds of a plan: only what is missing or has changed, several at a time."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prompts.errors import BuildBusy, BuildFailed, PromptsError
from prompts.files import remove, write
from prompts.manifest import Entry, Manifest
from prompts.music import play
from prompts.plan import Composed, Plan, Played, Utterance
from prompts.remembered import remembering
from prompts.render import RENDERER, composed, spoken
from prompts.voice import Voice

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


def build(
    plan: Plan, sounds: Path, voice: Voice, *, progress: Progress = lambda *_: None, within: float = 300.0
) -> Built:
    """Bring the sounds folder to what the plan has, while calls may be playing from it.

    A sound is made again when its text, its voice or the renderer has changed, or when one of its
    files is missing or cut short; sounds that are planned no more are removed. A build may be killed
    at any moment and run again.

    Waits `within` seconds for another build of the folder, then raises `BuildBusy`. Raises
    `VoiceMissing` before anything is changed, `BuildFailed` after all that can be made is in place;
    what failed is then heard as it was before.
    """
    versions = _versions(plan, voice)
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
                failures = _make_all(waiting, versions, manifest, voice, progress)
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
    )


def _make_all(
    waiting: Collection[Utterance | Composed | Played],
    versions: Mapping[str, str],
    manifest: Manifest,
    voice: Voice,
    progress: Progress,
) -> Mapping[str, PromptsError]:
    """Make these pieces and enter them in the manifest; return what could not be made, and why."""
    failures = {}
    # A voice works in a process of its own or far away, so threads are enough to keep every core busy.
    with remembering(voice) as once, ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        jobs = {pool.submit(_make, piece, versions[piece.file], manifest.sounds, once): piece.file for piece in waiting}
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


def _make(piece: Utterance | Composed | Played, version: str, sounds: Path, voice: Voice) -> Entry:
    """Make one sound and put it in place."""
    match piece:
        case Utterance():
            text, audio = piece.text, spoken(piece, voice)
        case Composed():
            text, audio = piece.text, composed(piece, voice)
        case Played():
            text, audio = f"({piece.prompt})", play(piece.tune)
    samples = write(audio, sounds, piece.file)
    return Entry(piece.prompt, piece.language, piece.parameters, text, version, samples)


def _versions(plan: Plan, voice: Voice) -> Mapping[str, str]:
    """Name the content of each file by a hash of all that it depends on."""
    languages = {piece.language for piece in plan if isinstance(piece, Utterance | Composed)}
    speakers = {language: voice.identity(language) for language in languages}

    def version(piece: Utterance | Composed | Played) -> str:
        content: list[object]
        match piece:
            case Utterance():
                content = [RENDERER, speakers[piece.language], piece.text, piece.at_most]
            case Composed():
                content = [RENDERER, speakers[piece.language], [part.text for part in piece.parts], piece.at_most]
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
