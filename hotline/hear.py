"""What a caller would hear at a moment: the flows themselves, rehearsed with this house's sounds and calendar."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from ivr.flows.greeting import greeting
from ivr.flows.hotline import hotline
from ivr.flows.message import message
from ivr.lines import Language
from ivr.rehearsal import Stage, perform
from ivr.rooms import Rooms
from prompts.files import NARROW, read
from prompts.library import HEARD_AT
from routing.events import PhoneNumber

YEARS: Final = range(1950, 2100)
"""Years for which there are rules of holidays."""
PAUSE: Final = 0.5
"""Seconds between two prompts in the sound."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The conversation, the words of each prompt, and all of it as sound."""

    lines: Sequence[str]
    texts: Sequence[str]
    sound: bytes
    """8 kHz mono wav."""


class NotHeard(ValueError):
    """There is no such line, or nothing that can be heard in this language there."""

    code = "not-heard"


async def hear(
    rooms: Rooms,
    sounds: Path,
    at: datetime,
    *,
    dialled: str | None = None,
    keys: str = "0",
    agent: str | None = None,
    language: Language | None = None,
    caller: PhoneNumber | None = None,
) -> Heard:
    """Call this number (the site's first one if None), press these keys, and reach this agent.

    A moment without a zone is in the site's own time. Raises NotHeard.
    """
    at = at if at.tzinfo else at.replace(tzinfo=rooms.zone)
    if at.year not in YEARS:
        raise NotHeard(f"{at:%Y-%m-%d} is out of reach: the calendar knows {YEARS[0]} to {YEARS[-1]}")
    line = rooms.lines.get(dialled) if dialled else next(iter(rooms.lines.values()))
    if line is None:
        raise NotHeard(f"no line has the number {dialled}; there are {', '.join(rooms.lines)}")
    if language and language not in line.brand:
        raise NotHeard(f"the line of this number does not speak {language!r}, but {', '.join(line.brand)}")
    if language:
        line = line.model_copy(update={"languages": [language]})
    stage = Stage([*keys], {}, words=rooms.words)
    house = replace(rooms, lines={"": line}, agent_answered=lambda _call, _agent: None)
    await perform(hotline, stage, rooms=house, line="", at=at, caller=caller)
    if "(closed)" in stage.lines[-1]:
        await perform(message, stage.with_variables(HOTLINE_REASON="closed"), rooms=house, line="", at=at)
    elif agent and stage.lines[-1].startswith("handed to"):
        reached = stage.with_variables(MEMBERNAME=agent, HOTLINE_LANGUAGE=line.language, HOTLINE_CALL=stage.call)
        await perform(greeting, reached, rooms=house, line="", at=at)
    gap = bytes(2 * round(PAUSE * NARROW))
    samples = gap.join(
        read(sounds, each.path.removeprefix(f"{HEARD_AT}/"))[NARROW][: 2 * round(heard * NARROW)]
        for each, heard in stage.played
    )
    return Heard(stage.lines, [each.text for each, _ in stage.played], _wav(samples))


def _wav(samples: bytes) -> bytes:
    with io.BytesIO() as buffer:
        with wave.open(buffer, "wb") as file:
            file.setparams((1, 2, NARROW, 0, "NONE", ""))
            file.writeframes(samples)
        return buffer.getvalue()
