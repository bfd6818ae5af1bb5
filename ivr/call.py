"""What a flow may do with a caller: answer, say, ask, record, and remember things on the channel.

Every step is a fact in the event log, and every step has a limit: before each one the call's dead-man timer is moved
ahead of it, so that a server that stops working in the middle loses the call to the dialplan, not to silence.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

import structlog

from ivr.errors import CallerHungUp, CommandRefused
from ivr.lines import Line
from ivr.wire import Reply
from prompts.errors import CannotSay, MissingPrompt
from prompts.library import Sound
from prompts.spoken import Value
from routing.events import (
    CallAnswered,
    Event,
    KeyPressed,
    Keys,
    LanguageChosen,
    NoKey,
    PhoneNumber,
    PromptHeard,
    WrongKey,
)
from routing.keypad import AGENT_GONE

ANY_KEY: Final = "0123456789*#"
ARMED_BY_DIALPLAN: Final = 15.0
"""Seconds on the dead-man timer when a flow begins (`TIMEOUT(absolute)` in the dialplan)."""
MARGIN: Final = 5.0
"""Seconds that the timer leaves us beyond what a step needs."""
TO_JOIN: Final = 5.0
"""Seconds that the words may take to join a prompt with values, or to have it spoken."""
SAMPLES_A_SECOND: Final = 8000
PLAIN: Final = re.compile(r"[A-Za-z0-9_-]*")
"""What no part of Asterisk takes for anything but a value."""


class Words(Protocol):
    """Where the sounds of the prompts are found."""

    def sound(self, prompt: str, language: str, **parameters: str) -> Sound:
        """Return the sound of a prompt; raises MissingPrompt."""

    async def saying(
        self, prompt: str, language: str, values: Mapping[str, Value], *, brand: str, at: datetime
    ) -> Sound:
        """Return the sound of a prompt with values of this call; raises MissingPrompt, CannotSay."""


class Connection(Protocol):
    """The caller's channel: commands in, replies out (`ivr/server.py`: Session)."""

    @property
    def call(self) -> str:
        """The call's id."""

    async def send(self, command: str, *arguments: str, within: float | None = None) -> Reply:
        """Have one command carried out; raises CallerHungUp and others."""


class Call:
    """One caller on the line, for as long as a flow has him."""

    def __init__(
        self,
        connection: Connection,
        line: Line,
        *,
        words: Words,
        record: Callable[[Event], None],
        caller: PhoneNumber | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection, self._words, self._record = connection, words, record
        self._clock = clock
        self._armed_until = clock() + ARMED_BY_DIALPLAN
        self.line = line
        self.caller = caller
        """The caller's number, where a flow may need it; None too if it is withheld."""
        self.language: str = line.language
        self.now = now
        self._ahead: str | None = None
        self.hung_up = False
        """Whether the caller left while we recorded him, which is an ordinary way to end a message."""

    @property
    def id(self) -> str:
        """The call's id, the same in the log, in file names and in Asterisk."""
        return self._connection.call

    async def answer(self) -> None:
        """Pick up. From here on the caller hears us."""
        await self._connection.send("ANSWER")
        self._record(CallAnswered(at=self.now(), call=self.id))

    async def say(self, prompt: str, *, type_ahead: bool = False, language: str | None = None, **values: Value) -> None:
        """Play a prompt to its end. With `type_ahead` a key ends it, and counts as the answer to the next question.

        `values` fill the `{name:kind}` in its text; `language` is the caller's unless you say another. Where a key
        has come already, what it could have ended is not begun. A prompt whose sound is missing, or that has no such
        value, is reported and passed over: a caller is better off without it than without us.
        """
        if not (type_ahead and self._ahead):
            self._ahead = await self._say(prompt, ANY_KEY if type_ahead else "", values, language or self.language)

    async def _say(self, prompt: str, keys: str, values: Mapping[str, Value], language: str) -> str | None:
        try:
            sound = await self._sound(prompt, language, values)
        except (MissingPrompt, CannotSay) as missing:
            structlog.get_logger().error("a prompt is missing", call=self.id, problem=str(missing))
            return None
        return await self.play(prompt, sound, keys, language=language)

    async def _sound(self, prompt: str, language: str, values: Mapping[str, Value]) -> Sound:
        if not values:
            return self._words.sound(prompt, language, brand=self.line.key)
        await self._arm(TO_JOIN)
        return await self._words.saying(prompt, language, values, brand=self.line.key, at=self.now())

    async def ask(
        self, prompt: str, keys: str, *, wait: timedelta = timedelta(seconds=5), **values: Value
    ) -> str | None:
        """Play a prompt and return the one key pressed during it or up to `wait` after it, or already before it.

        Returns None when nothing was pressed. A key that is not in `keys` is returned too: the flow says what it means.
        """
        key, self._ahead = self._ahead, None
        if key is None:
            key = await self._say(prompt, ANY_KEY, values, self.language)
        if key is None:
            key = await self._wait_for_key(wait)
        return self._note_key(prompt, key, keys)

    async def more(self, prompt: str, keys: str, *, wait: timedelta) -> str | None:
        """Return one more key of an answer that has several, pressed within `wait`; None when it had ended."""
        key = await self._wait_for_key(wait)
        return None if key is None else self._note_key(prompt, key, keys)

    def _note_key(self, prompt: str, key: str | None, keys: str) -> str | None:
        if key is None:
            self._record(NoKey(at=self.now(), call=self.id, prompt=prompt))
        elif key in keys:
            self._record(KeyPressed(at=self.now(), call=self.id, key=Keys(key), at_prompt=prompt))
        else:
            self._record(WrongKey(at=self.now(), call=self.id, key=Keys(key), at_prompt=prompt))
        return key

    def speak(self, language: str) -> None:
        """Go on in this language, which the caller has chosen; it is remembered for the next call."""
        self.language = language
        self._record(LanguageChosen(at=self.now(), call=self.id, language=language))

    async def record(
        self,
        file: str,
        *,
        limit: timedelta,
        silence: timedelta = timedelta(seconds=5),
        kind: Literal["wav", "wav16"] = "wav",
    ) -> timedelta:
        """Record the caller until #, silence, the limit or the hang-up (`hung_up` tells); return how long it was.

        `file` is a path without extension as Asterisk sees it; the recording is kept however it ends. Of a silence that
        ends it, one second stays. `kind` is its extension: `wav` of 8 kHz, `wav16` of 16 kHz.
        """
        await self._arm(limit.total_seconds())
        try:
            reply = await self._connection.send(
                "RECORD FILE", file, kind, "#", str(_ms(limit)), "0", "BEEP", f"s={silence.seconds}",
                within=limit.total_seconds() + MARGIN,
            )  # fmt: skip
        except CallerHungUp as gone:
            self.hung_up = True
            return _as_time(gone.endpos)
        return _as_time(reply.endpos)

    async def set(self, name: str, value: str) -> None:
        """Keep a value on the channel, where the dialplan and a later flow find it."""
        await self._connection.send("SET VARIABLE", name, value)

    async def set_all(self, values: Mapping[str, str]) -> None:
        """Keep several values, in their order and in one round trip.

        Only for values of our own making: raises ValueError for one that is not letters, digits, `-` and `_`.
        """
        if odd := [name for name, value in values.items() if not PLAIN.fullmatch(value)]:
            raise ValueError(f"only letters, digits, - and _ can be set together with others; look at {', '.join(odd)}")
        await self._connection.send("EXEC MSet", ",".join(f"{name}={value}" for name, value in values.items()))

    async def get(self, *names: str) -> list[str]:
        """Return the values of channel variables, empty where unset, in one round trip.

        Only for values of our own making: `|` stands between them on the wire.
        """
        wanted = "|".join(f"${{{name}}}" for name in names)
        reply = await self._connection.send("GET FULL VARIABLE", wanted)
        values = (reply.value or "").split("|")
        return values if len(values) == len(names) else [""] * len(names)

    async def play(self, prompt: str, sound: Sound, keys: str = "", *, language: str | None = None) -> str | None:
        """Play a sound that is already at hand, as `say` does, and write down how far it was heard."""
        length = timedelta(seconds=sound.seconds)
        began, began_at = self._clock(), self.now()
        heard, key = timedelta(0), None
        cut_by: Literal["key", "hang-up"] | None = None
        try:
            await self._arm(sound.seconds)
            reply = await self._connection.send("STREAM FILE", sound.path, keys, within=sound.seconds + MARGIN)
            key = _key(reply)
            heard, cut_by = min(_as_time(reply.endpos), length), "key" if key else None
            cut_by = "hang-up" if key == AGENT_GONE else cut_by
            if not heard and not key:
                self._not_played(prompt, f"Asterisk has no sound at {sound.path}")
        except CallerHungUp as gone:
            seen = timedelta(seconds=self._clock() - began)
            heard, cut_by = min(seen if gone.endpos is None else _as_time(gone.endpos), length), "hang-up"
            raise
        except CommandRefused as refused:
            self._not_played(prompt, str(refused))
        finally:
            self._record(
                PromptHeard(
                    at=began_at, call=self.id, prompt=prompt, language=language or self.language, version=sound.version,
                    heard=heard, length=length, cut_by=cut_by,
                )
            )  # fmt: skip
        return key

    def _not_played(self, prompt: str, problem: str) -> None:
        structlog.get_logger().error("a prompt could not be played", call=self.id, prompt=prompt, problem=problem)

    async def _wait_for_key(self, wait: timedelta) -> str | None:
        await self._arm(wait.total_seconds())
        reply = await self._connection.send("WAIT FOR DIGIT", str(_ms(wait)), within=wait.total_seconds() + MARGIN)
        return _key(reply)

    async def _arm(self, needed: float) -> None:
        """Have the call leave us by the dialplan's T extension if we are silent for longer than this step needs."""
        now = self._clock()
        # Most steps find the timer of the step before still good; that of a long one is moved back, too.
        if not needed + MARGIN <= self._armed_until - now <= needed + 4 * MARGIN:
            seconds = round(needed + 2 * MARGIN)
            await self._connection.send("SET VARIABLE", "TIMEOUT(absolute)", str(seconds))
            self._armed_until = now + seconds


def _key(reply: Reply) -> str | None:
    """Return the key that ended a prompt or a wait: Asterisk gives its character code, 0 for none."""
    return chr(int(reply.result)) if reply.result.isdigit() and reply.result != "0" else None


def _as_time(samples: int | None) -> timedelta:
    """Return how long so many samples last; 0 when Asterisk did not say."""
    return timedelta(seconds=(samples or 0) / SAMPLES_A_SECOND)


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
