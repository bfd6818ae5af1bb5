"""From what a voice spoke to what a caller hears: trimmed, of one loudness, without clicks."""

import math
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from prompts.audio import Audio
from prompts.errors import VoiceFailed
from prompts.files import NARROW, WIDE
from prompts.plan import Composed, Utterance
from prompts.studio import NOBODY, Studio
from prompts.voice import Voice

Both = tuple[Audio, Audio]
"""A sound at 16 kHz, and the same at 8 kHz."""
RENDERER: Final = "3"
"""To be raised with every change here that alters the sound, so that all is made again."""

LOUDNESS: Final = -22.0
"""Decibels below full scale, for every prompt alike."""
CEILING: Final = -1.0
"""No sample is louder; a prompt with such peaks is a little softer than the others instead of distorted."""
GAP: Final = 0.12
"""Seconds between the parts of a composed prompt, over the little that is left at their ends."""
FASTEST: Final = 1.5
"""The pace beyond which a voice is no longer understood on the telephone."""


def spoken(utterance: Utterance, voice: Voice, studio: Studio = NOBODY) -> Audio:
    """Have it spoken, and finish it. What would last too long is spoken faster, as far as that goes.

    Where the studio has a recording, that is heard as it is. Raises VoiceFailed, BadSound.
    """
    if (recorded := studio.take(utterance.file)) is not None:
        return finished(recorded)
    take, pace = _take(utterance, voice, pace=1.0), 1.0
    limit = (utterance.at_most or math.inf) - 0.01  # finishing may add some milliseconds
    while take.seconds > limit and pace < FASTEST:
        pace = min(FASTEST, 1.02 * pace * take.seconds / limit)
        take = _take(utterance, voice, pace=pace)
    return finished(take)


class Parts:
    """The parts of composed prompts: each is finished once for each pace, however many prompts share it."""

    def __init__(self, voice: Voice, studio: Studio = NOBODY) -> None:
        self._voice, self._studio = voice, studio
        self._takes: dict[tuple[str, float, bool], Audio] = {}
        self._done: dict[tuple[str, float, bool], Both] = {}

    def composed(self, piece: Composed) -> Both:
        """Have the parts spoken, all faster if they would last too long together, and join them without a click.

        What somebody has recorded is heard as it is, the other parts are spoken faster for it; if even that leaves no
        room, the voice says all of it. Raises VoiceFailed, BadSound.
        """
        for own in (True, False):
            pace = self._pace(piece, own)
            if self._seconds(piece, pace, own) <= piece.at_most:
                break
        first, *others = (self._part(part, pace, own) for part in piece.parts)
        wide, narrow = first
        for other in others:
            wide, narrow = wide.followed_by(other[0], after=GAP), narrow.followed_by(other[1], after=GAP)
        return wide, narrow

    def _pace(self, piece: Composed, own: bool) -> float:
        """At which pace it fits, or the fastest; in steps, so that parts which several share are spoken once."""
        pace = 1.0
        while (seconds := self._seconds(piece, pace, own)) > piece.at_most and pace < FASTEST:
            needed = math.ceil(10 * pace * seconds / piece.at_most) / 10
            pace = min(FASTEST, max(needed, round(pace + 0.1, 1)))
        return pace

    def _seconds(self, piece: Composed, pace: float, own: bool) -> float:
        """How long all of it would last; finishing a take may add some milliseconds."""
        takes = [self._spoken(part, pace, own) for part in piece.parts]
        return sum(take.seconds + 0.01 for take in takes) + GAP * (len(takes) - 1)

    def _spoken(self, part: Utterance, pace: float, own: bool) -> Audio:
        """One part, as it was recorded if `own` allows."""
        key = part.file, pace, own
        if key not in self._takes:
            recorded = self._studio.take(part.file) if own else None
            self._takes[key] = _take(part, self._voice, pace=pace) if recorded is None else _trimmed(recorded)
        return self._takes[key]

    def _part(self, part: Utterance, pace: float, own: bool) -> Both:
        key = part.file, pace, own
        if key not in self._done:
            wide = finished(self._spoken(part, pace, own))
            self._done[key] = wide, wide.at(NARROW)
        return self._done[key]


def _take(utterance: Utterance, voice: Voice, *, pace: float) -> Audio:
    """Return what the voice says, without the silence around it."""
    with NamedTemporaryFile(prefix="prompt-", suffix=".wav") as file:
        path = Path(file.name)
        voice.speak(utterance.text, utterance.language, path, pace=pace)
        take = Audio.read(path)
    if take.peak == -math.inf:
        raise VoiceFailed(voice.identity(utterance.language), utterance.text, "nothing is heard of it")
    return _trimmed(take)


def finished(take: Audio) -> Audio:
    """Bring it to the common rate and loudness, and take the clicks from its edges."""
    take = _trimmed(take.at(WIDE))
    gain = min(LOUDNESS - take.loudness, CEILING - take.peak)
    return take.louder(gain).faded(rise=0.008, fall=0.015)


def _trimmed(take: Audio) -> Audio:
    return take.trimmed(below=take.loudness - 35, margin=0.02)
