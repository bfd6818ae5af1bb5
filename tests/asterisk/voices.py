"""Who speaks in a recording: the pretend people say the same again and again, and a recording begins anywhere in it."""

from __future__ import annotations

import numpy as np

from routing.events import RecordingKept
from tests.asterisk import sound
from tests.asterisk.sound import RATE, Sound
from tests.asterisk.world import Caller, World

AUDIBLE = 300.0


def speaks(voice: Sound, recording: Sound) -> bool:
    """Whether what is loud in the recording is this voice, on and on."""
    turn = np.concatenate([voice, np.zeros(RATE)])
    on_and_on = np.tile(turn, len(recording) // len(turn) + 2)
    return sound.level(recording) > AUDIBLE and sound.fraction_heard(recording, on_and_on) > 0.7


def kept(world: World, recording: RecordingKept) -> tuple[Sound, Sound]:
    """A recording's two sides: left the agent, right the caller."""
    left, right = sound.from_wav(world.inside_bytes("asterisk", "cat", f"/srv/recordings/{recording.file}"))
    return left, right


def are_recorded(world: World, caller: Caller, *agents: str) -> None:
    """The call's recordings, in their order, have these voices on the left and the caller's on the right."""
    recordings = world.of(caller, RecordingKept)
    assert len(recordings) == len(agents), recordings
    assert [each.file.removeprefix(f"{caller.call}.").removesuffix(".wav").isdecimal() for each in recordings]
    for recording, agent in zip(recordings, agents, strict=True):
        left, right = kept(world, recording)
        assert speaks(world.prompt(f"tryout/{agent}"), left), f"{recording.file}: {agent}"
        assert speaks(world.prompt("tryout/caller"), right), f"{recording.file}: the caller"
