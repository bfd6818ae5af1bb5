"""A rehearsal: a flow talks with a caller who follows a script. No Asterisk, no sound, no waiting.

    assert await rehearse(hotline, caller=[SILENCE, "2", During("repair_menu", "1")]) == [
        "hotline: greeting",
        "hotline: main_menu",
        "caller:  (silence)",
        "hotline: no_key",
        "hotline: main_menu",
        "caller:  2",
        "hotline: repair_menu (cut)",
        "caller:  1",
        "hotline: connecting",
        "handed to: repair, priority 100",
    ]

The flow, the Call and the texts are the real ones, and the lines are what the Call writes down, as in the event log.
Pretended are the caller's channel, how long a prompt lasts, and the clock: it turns as far as each step takes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Self
from zoneinfo import ZoneInfo

from ivr.call import ARMED_BY_DIALPLAN, SAMPLES_A_SECOND, Call, Words
from ivr.errors import CallerHungUp, CommandRefused, NoReply
from ivr.hand import Hand
from ivr.rooms import Rooms
from ivr.server import Limits
from ivr.small_house import small_house
from ivr.wire import Reply
from prompts.catalogue import Catalogue
from prompts.errors import MissingPrompt
from prompts.library import Sound
from prompts.pieces import spoken_pieces
from prompts.spoken import Value, written
from routing.events import Event, KeyPressed, MessageLeft, NoKey, PhoneNumber, PromptHeard, WrongKey

Flow = Callable[[Call, Rooms], Awaitable[Hand | None]]

SILENCE: Final = "(silence)"
"""The caller does nothing for as long as the hotline waits."""
HANG_UP: Final = "(hangs up)"
"""The caller hangs up when the hotline waits: for a key, or for the end of a message."""


@dataclass(frozen=True, slots=True)
class During:
    """The caller presses a key, or hangs up, in the middle of a prompt."""

    prompt: str
    act: str


@dataclass(frozen=True, slots=True)
class Speaks:
    """The caller leaves a message of so many seconds; `#`, HANG_UP or silence then ends it."""

    seconds: float


Act = str | During | Speaks
"""What a caller does: a key, SILENCE or HANG_UP when the hotline waits; During and Speaks when their moment comes."""

ZONE: Final = ZoneInfo("Asia/Shanghai")
USUAL_LIMIT: Final = Limits().reply_seconds
"""Seconds that a command may take whose sender names no limit."""
MORNING: Final = datetime(2025, 11, 21, 1, 30, tzinfo=UTC)
"""A Friday, 9:30 in Shanghai."""


async def rehearse(
    flow: Flow,
    caller: Sequence[Act],
    *,
    rooms: Rooms | None = None,
    line: str | None = None,
    at: datetime = MORNING,
    variables: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    number: str | None = None,
) -> list[str]:
    """Let the flow talk with a caller who does this, and return the conversation.

    `line` is the number that was dialled (the house's first one if None), `at` the moment, `variables` what the channel
    has from before, `missing` the prompts whose sound is not there, `number` the caller's own. A caller whose script
    is over stays silent. Raises NotOver when the script was longer than the call, and DeadMan when the dialplan would
    have taken the call away.
    """
    stage = Stage(caller, variables or {}, missing)
    known = None if number is None else PhoneNumber(number)
    await perform(flow, stage, rooms=rooms, line=line, at=at, caller=known)
    if stage.script:
        raise NotOver(list(stage.script), stage.lines)
    return stage.lines


async def perform(
    flow: Flow,
    stage: Stage,
    *,
    rooms: Rooms | None = None,
    line: str | None = None,
    at: datetime = MORNING,
    caller: PhoneNumber | None = None,
) -> None:
    """Let the flow talk with whoever is on this stage; `stage.lines` has the conversation. Raises DeadMan."""
    house = rooms or small_house()
    house = replace(house, words=stage, record=stage.record, now=lambda: at + timedelta(seconds=stage.clock))
    which = house.lines[line] if line else next(iter(house.lines.values()))
    call = Call(stage, which, words=stage, record=stage.record, caller=caller, now=house.now, clock=lambda: stage.clock)
    try:
        hand = await flow(call, house)
    except CallerHungUp:
        stage.lines.append(f"caller:  {HANG_UP}")
    else:
        stage.lines += _decided(hand)


def _decided(hand: Hand | None) -> list[str]:
    if hand is None:
        return []
    if hand.decision == "hangup":
        return ["hotline: hangs up"]
    priority = f", priority {hand.priority}" if hand.priority else ""
    return [f"handed to: {hand}{priority}" + (f" ({hand.reason})" if hand.reason else "")]


def _line(event: Event) -> str | None:
    """Tell an event, if it is part of the conversation."""
    match event:
        case PromptHeard():
            return f"hotline: {event.prompt}" + (" (cut)" if event.cut_by else "")
        case KeyPressed() | WrongKey():
            return f"caller:  {event.key.pressed}"
        case NoKey():
            return f"caller:  {SILENCE}"
        case MessageLeft():
            return f"caller:  leaves a message of {event.length.total_seconds():g} s"
    return None


class NotOver(AssertionError):
    """The call was over before the caller had done all of the script."""

    def __init__(self, left: Sequence[Act], lines: Sequence[str]) -> None:
        self.left = left
        super().__init__(f"the caller did not come to {left}; the call was\n" + "\n".join(lines))


class DeadMan(AssertionError):
    """A step took longer than the flow had told the dialplan, which would have taken the call away."""


class Stage:
    """The caller's channel and the sounds, as the Call sees them (`ivr/call.py`: Connection, Words)."""

    call = "rehearsal-1.1"

    def __init__(
        self,
        script: Sequence[Act],
        variables: Mapping[str, str],
        missing: Collection[str] = (),
        *,
        words: Words | None = None,
    ) -> None:
        """Without real `words` a prompt lasts about as long as its text would."""
        self.script = deque(script)
        self.clock = 0.0
        """Seconds since the call came."""
        self.lines: list[str] = []
        """The conversation so far."""
        self.leaves_at = ARMED_BY_DIALPLAN
        """When the dialplan takes the call away if the flow is silent, on the same clock."""
        self.words: list[str] = []
        """The words of each prompt that was asked for, values and all."""
        self.played: list[tuple[Sound, float]] = []
        """Each sound that was played, and for how many seconds."""
        self._variables, self._missing, self._words = dict(variables), missing, words
        self._sounds: dict[str, Sound] = {}
        self._command, self._within = "", USUAL_LIMIT

    def record(self, event: Event) -> None:
        """Take what the Call or the flow writes down."""
        if line := _line(event):
            self.lines.append(line)

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
        """Return a sound as long as its text; raises MissingPrompt if it has none, or needs other parameters."""
        if self._words is not None:
            return self._taken(self._words.sound(prompt, language, **parameters))
        texts = _catalogue()
        if prompt not in texts.ids or prompt in self._missing or texts.parameters(prompt) - parameters.keys():
            self.lines.append(f"hotline: ({prompt} is missing)")
            raise MissingPrompt(prompt, language, parameters)
        text = texts.prompts[language][prompt]
        return self._as_long_as(text, prompt, language)

    async def saying(
        self, prompt: str, language: str, values: Mapping[str, Value], *, brand: str, at: datetime
    ) -> Sound:
        """Return a prompt with its values, said as they would be; raises MissingPrompt, CannotSay."""
        if self._words is not None:
            return self._taken(await self._words.saying(prompt, language, values, brand=brand, at=at))
        texts = _catalogue()
        if prompt not in texts.ids or prompt in self._missing:
            self.lines.append(f"hotline: ({prompt} is missing)")
            raise MissingPrompt(prompt, language, {})
        pieces = spoken_pieces(texts, prompt, language, brand, values, at.astimezone(ZONE))
        return self._as_long_as(written(pieces, language), prompt, language)

    def _as_long_as(self, text: str, prompt: str, language: str) -> Sound:
        return self._taken(Sound(prompt, len(text) / (4 if language == "zh" else 14), text, "rehearsal"))

    def _taken(self, sound: Sound) -> Sound:
        self.words.append(sound.text)
        self._sounds[sound.path] = sound
        return sound

    def with_variables(self, **more: str) -> Self:
        """The same stage when another flow begins on it: time goes on, and the channel has these variables too."""
        self._variables |= more
        self.leaves_at = self.clock + ARMED_BY_DIALPLAN
        return self

    async def send(self, command: str, *arguments: str, within: float | None = None) -> Reply:
        """Carry out one command as Asterisk would; raises CallerHungUp, CommandRefused, NoReply."""
        self._command, self._within = command, USUAL_LIMIT if within is None else within
        match command, *arguments:
            case "ANSWER", *_:
                return Reply(200, "0", "")
            case "STREAM FILE", prompt, keys:
                return self._play(prompt, keys)
            case "WAIT FOR DIGIT", milliseconds:
                return self._wait(int(milliseconds) / 1000)
            case "RECORD FILE", _, _, _, milliseconds, _, _, silence:
                return self._record_message(int(milliseconds) / 1000, float(silence.removeprefix("s=")))
            case "SET VARIABLE", "TIMEOUT(absolute)", seconds:
                self.leaves_at = self.clock + float(seconds)
            case "SET VARIABLE", name, value:
                self._variables[name] = value
            case "EXEC MSet", values:
                self._variables |= dict(value.split("=") for value in values.split(","))
            case "GET FULL VARIABLE", text:
                value = re.sub(r"\$\{(\w+)\}", lambda found: self._variables.get(found[1], ""), text)
                return Reply(200, "1", f"({value})") if value else Reply(200, "0", "")
            case _:
                raise CommandRefused(command, Reply(510, "", "not in a rehearsal"))
        return Reply(200, "1", "")

    def _play(self, prompt: str, keys: str) -> Reply:
        sound = self._sounds[prompt]
        seconds, act = sound.seconds, self.act_during(prompt)
        if act == HANG_UP or act in keys:
            seconds /= 2
        else:
            act = SILENCE
        self.played.append((sound, seconds))
        self._pass(seconds)
        return _reply(act, seconds)

    def _wait(self, seconds: float) -> Reply:
        act = self.act()
        self._pass(seconds if act == SILENCE else seconds / 2)
        return _reply(act)

    def _record_message(self, limit: float, silence: float) -> Reply:
        spoken = min(self.speech(), limit)
        act = self.act() if spoken < limit else SILENCE
        if act == SILENCE and spoken < limit:
            self._pass(spoken + silence)
            return _reply(SILENCE, spoken + 1)
        self._pass(spoken)
        return _reply(act, spoken)

    def act_during(self, prompt: str) -> str:
        """What the caller does in the middle of this prompt."""
        if self.script and isinstance(now := self.script[0], During) and now.prompt == prompt:
            self.script.popleft()
            return now.act
        return SILENCE

    def act(self) -> str:
        """What the caller does now; an act whose moment is still to come is silence."""
        if not self.script or not isinstance(act := self.script[0], str):
            return SILENCE
        self.script.popleft()
        return act

    def speech(self) -> float:
        """For how many seconds the caller speaks into a recording."""
        if not self.script or not isinstance(now := self.script[0], Speaks):
            return 0.0
        self.script.popleft()
        return now.seconds

    def _pass(self, seconds: float) -> None:
        """Let the step take so long, if nobody's patience ends before."""
        self.clock += seconds
        if seconds > self._within:
            raise NoReply(self._command, self._within)
        if self.clock > self.leaves_at:
            late = self.clock - self.leaves_at
            raise DeadMan(f"the call left {late:.1f} s before the end of a step\n" + "\n".join(self.lines))


def _reply(act: str, seconds: float = 0) -> Reply:
    """How Asterisk reports what the caller did, and how long a sound then was."""
    samples = round(seconds * SAMPLES_A_SECOND)
    if act == HANG_UP:
        raise CallerHungUp(samples)
    return Reply(200, "0" if act == SILENCE else str(ord(act)), f"endpos={samples}")


@cache
def _catalogue() -> Catalogue:
    return Catalogue.read()
