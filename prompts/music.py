"""What is played and not spoken. It is calculated here, so nobody else has rights in it.

The music for waiting is a music box over soft chords: sixteen slow bars that begin and end in
silence, so that it can be played over and over without a click.
"""

import math
from array import array
from enum import StrEnum
from typing import Final

from prompts.audio import Audio

_RATE: Final = 16_000
_BEAT: Final = 0.8
"""Seconds: 75 beats a minute, a heart at rest."""
_NOTE: Final = 2.4
"""Seconds until a note has died away."""

_CHORDS: Final = """
    C4+E4+G4  A3+E4+C5  F4+A4+C5  G4+B4+D5  E4+G4+B4  A3+E4+C5  D4+F4+A4  G4+B4+D5
    C4+E4+G4  A3+E4+C5  F4+A4+C5  G4+B4+D5  E4+G4+B4  F4+A4+C5  G4+B4+D5  C4+E4+G4
"""
_MELODY: Final = """
    G5 E5 -- C5   A5 -- E5 --   C6 A5 -- F5   G5 -- -- D5   B5 G5 -- E5   C6 -- A5 --   F5 A5 -- D5   G5 -- -- --
    E5 G5 -- C6   A5 -- C6 --   F5 -- A5 C6   B5 -- -- G5   G5 B5 -- E5   A5 -- F5 --   D5 G5 -- B5   C6 -- -- --
"""


class Tune(StrEnum):
    """What can be played. The number is raised when a tune changes, so that it is made again."""

    BEEP = "beep 1"
    HOLD = "hold 1"


def play(tune: Tune) -> Audio:
    """Return the tune, at 16 kHz and at the level it is meant to be heard at."""
    match tune:
        case Tune.BEEP:
            return _beep()
        case Tune.HOLD:
            return _music_box()


def _beep() -> Audio:
    """After this the caller speaks: short and clear, and no louder than the voice before it."""
    wave = (5000 * math.sin(2 * math.pi * 1000 * at / _RATE) for at in range(_RATE // 1000 * 333))
    return Audio(array("h", map(round, wave)).tobytes(), _RATE).faded(rise=0.01, fall=0.03)


def _music_box() -> Audio:
    """Melody above, each chord broken into its notes below, all of them left to ring."""
    melody = _MELODY.split()
    score = [(beat, name, -16.0) for beat, name in enumerate(melody) if name != "--"]
    for bar, chord in enumerate(_CHORDS.split()):
        score += [(4 * bar + beat, name, -22.0) for beat, name in enumerate(chord.split("+"))]

    tines = {name: _tine(name) for name in {name for _, name, _ in score}}
    music = Audio(bytes(2 * round(_RATE * (len(melody) * _BEAT + 1))), _RATE)
    for beat, name, level in score:
        music = music.under(tines[name].louder(level), at=beat * _BEAT)
    return music.faded(rise=0.01, fall=1.0)


def _tine(name: str) -> Audio:
    """One struck tine, at full scale: a tone and its fainter, faster fading overtones.

    Each is a ringing resonator, where a sample follows from the two before it.
    """
    semitones = 12 * int(name[1]) + "C D EF G A B".index(name[0]) - 57  # from A4, which is 440 Hz
    samples = [0.0] * round(_RATE * _NOTE)
    for multiple, strength, fading in ((1, 0.7, 2.0), (2, 0.2, 3.5), (3, 0.08, 6.0)):
        angle = 2 * math.pi * 440 * 2 ** (semitones / 12) * multiple / _RATE
        decay = math.exp(-fading / _RATE)
        swing, damping = 2 * decay * math.cos(angle), decay * decay
        now, before = 0.0, -strength * math.sin(angle)
        for at in range(len(samples)):
            samples[at] += now
            now, before = swing * now - damping * before, now
    return Audio(array("h", (round(32767 * sample) for sample in samples)).tobytes(), _RATE)
