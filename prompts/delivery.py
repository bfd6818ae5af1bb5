"""What a studio delivered becomes recordings: matched by name, judged, brought to one form.

Wav files of any kind are read here; other formats only where ffmpeg is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prompts.audio import Audio
from prompts.errors import BadSound, PromptsError
from prompts.files import WIDE
from prompts.plan import Plan, Utterance
from prompts.render import finished
from prompts.studio import LONGEST, Fault, faults

WAV: Final = (".wav", ".wav16")
"""The second is what Asterisk calls a wav file of 16 kHz."""
OTHERS: Final = frozenset(
    (".mp3", ".m4a", ".aac", ".ogg", ".opus", ".flac", ".wma", ".aif", ".aiff", ".amr", ".gsm", ".au", ".webm")
)
"""Formats that ffmpeg reads for us."""
PATIENCE: Final = 60.0
"""Seconds for ffmpeg to read one file."""


class NothingDelivered(PromptsError):
    """There is nothing to import."""

    code = "nothing-delivered"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one delivered file: either `did` says what was done to it, or `refused` why it was not taken.

    `faults` are what was found where its sound was refused.
    """

    source: Path
    file: str = ""
    did: tuple[str, ...] = ()
    refused: str = ""
    faults: tuple[Fault, ...] = ()


def take_in(folder: Path, plan: Plan, recordings: Path, *, language: str = "") -> Iterator[Taken]:
    """Take every sound of a folder that is named like one of the plan's, and say what was done to it.

    Names may have dots or folders (`zh.no_key.wav`, `zh/no_key.wav`); with `language` they may go without it. The
    original stays as it is. Raises `NothingDelivered` if the folder has no sounds at all.
    """
    sounds = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".wav", *OTHERS} and path.is_file())
    if not sounds:
        kinds = ", ".join(sorted({".wav", *OTHERS}))
        raise NothingDelivered(f"{folder} has no sounds; expected files such as zh.no_key.wav (one of {kinds})")
    known = {_plain(piece.file): piece for piece in plan if isinstance(piece, Utterance)}
    for path in sounds:
        name = _plain(path.relative_to(folder).with_suffix("").as_posix())
        piece = known.get(name) or known.get(f"{language}.{name}")
        if piece is None:
            yield Taken(path, refused="is named like no prompt; the names are in: hotline prompts script")
            continue
        try:
            yield take(path, piece, recordings)
        except PromptsError as wrong:
            yield Taken(path, piece.file, refused=str(wrong))


def take(path: Path, piece: Utterance, recordings: Path) -> Taken:
    """Bring one sound to our form and keep it as the recording of this piece; raises BadSound."""
    sound = read(path)
    if found := list(faults(sound, at_most=piece.at_most or LONGEST)):
        return Taken(path, piece.file, refused="; ".join(map(str, found)), faults=tuple(found))
    done = finished(sound)
    target = recordings / f"{piece.file}.wav"
    target.parent.mkdir(parents=True, exist_ok=True)
    done.write(target)
    return Taken(path, piece.file, did=tuple(_told(path, sound, done)))


def read(path: Path) -> Audio:
    """Read a sound of any common format; raises BadSound, which says what is needed to read it."""
    if path.suffix.lower() in WAV:
        return Audio.of(path)
    if shutil.which("ffmpeg") is None:
        raise BadSound(path, f"{path.suffix} needs ffmpeg, which is not installed; install it, or deliver wav")
    with TemporaryDirectory(prefix="delivered-") as folder:
        wav = Path(folder) / "sound.wav"
        # -nostdin and a plain file name: nothing in a delivery is an instruction.
        command = ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-i", f"file:{path}", "-ac", "1"]
        try:
            done = subprocess.run([*command, str(wav)], capture_output=True, timeout=PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise BadSound(path, f"ffmpeg: {wrong}") from wrong
        if done.returncode:
            raise BadSound(path, f"ffmpeg: {done.stderr.decode(errors='replace').strip()[-200:]}")
        return Audio.of(wav)


def _plain(name: str) -> str:
    return re.sub(r"[/\\]", ".", name).lower()


def _told(path: Path, before: Audio, after: Audio) -> Iterator[str]:
    """What a person would want to know of what was done."""
    if path.suffix.lower() not in WAV:
        yield f"read from {path.suffix[1:]}"
    if before.rate != WIDE:
        yield f"resampled from {before.rate:,} to {WIDE:,} Hz"
    if (cut := before.seconds - after.seconds) >= 0.05:
        yield f"trimmed by {cut:.2f} s"
    if abs(gain := after.loudness - before.loudness) >= 0.5:
        yield f"levelled by {gain:+.1f} dB"
    yield f"{after.seconds:.1f} s long"
