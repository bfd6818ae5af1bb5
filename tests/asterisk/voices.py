"""Who speaks in a recording: the pretend people say the same again and again, and a recording begins anywhere in it."""

from __future__ import annotations

from routing.events import RecordingKept
from tests.asterisk import sound
from tests.asterisk.sound import WINDOW, Sound
from tests.asterisk.world import Caller, World

AUDIBLE = 300.0


def speaks(voice: Sound, recording: Sound) -> bool:
    """Whether what is audible in the recording, cut in half seconds, is this voice and nothing else.

    Where a turn ends and the next begins a piece fits neither; under load a few more do not.
    """
    pieces = [recording[at : at + WINDOW] for at in range(0, len(recording) - WINDOW, WINDOW)]
    loud = [piece for piece in pieces if sound.level(piece) > AUDIBLE]
    return len(loud) >= 2 and sum(sound.heard_whole(piece, voice) for piece in loud) >= 0.7 * len(loud)


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
