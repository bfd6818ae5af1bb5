"""A try-out call and its story, line by line as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotline import tryout
from hotline.cli.common import console
from hotline.client import Client, ServerError, find
from hotline.stack import Stack
from routing.events import (
    CallEnded,
    CallRang,
    Event,
    KeyPressed,
    NoKey,
    PromptHeard,
    RecordingKept,
    TalkStarted,
    WrongKey,
)
from routing.story import tell
from routing.story_words import Language

CALL_WITHIN = 90.0
THINKS_FOR = 2.0
"""Seconds into a question at which the pretend caller presses a key: while it is still asked."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the pretend caller does."""

    dialled: str
    keys: str = ""
    talk_for: float = 6.0
    number: str | None = None


async def converse(where: Stack, wishes: Wishes, language: Language) -> str:
    """Place the call, print its story as it happens, and return the call's id.

    Raises ServerError when the hotline cannot be reached, AmiError when the pretend carrier cannot.
    """
    async with Client(find(where)) as server, tryout.carrier(where) as carrier:
        texts = (await server.get("/api/prompts"))["texts"]
        after = await server.newest()
        caller = await carrier.call(wishes.dialled, number=wishes.number)
        conversation = _Conversation(carrier, caller, wishes, language, texts)
        try:
            async with asyncio.timeout(CALL_WITHIN):
                async for event in server.events(after=after):
                    if await conversation.take(event):
                        break
        except TimeoutError:
            await carrier.hang_up(caller)
            if not conversation.events:
                raise ServerError(f"nobody answers at {wishes.dialled}; see: hotline doctor") from None
        finally:
            conversation.forget()
        for file in conversation.recordings:
            to = where.folder / "recordings" / file
            await server.fetch(f"/api/calls/{conversation.call}/recordings/{file}", to)
            console.print(f"\n  recording (left: agent, right: caller)  {_short(to)}", soft_wrap=True)
        return conversation.call


class _Conversation:
    """The caller's side of the call: presses the keys when asked, hangs up after the talk."""

    def __init__(
        self,
        carrier: tryout.Carrier,
        caller: tryout.Caller,
        wishes: Wishes,
        language: Language,
        texts: Mapping[str, str],
    ) -> None:
        self._carrier, self._caller, self._wishes = carrier, caller, wishes
        self._language, self._texts = language, texts
        self._keys = list(wishes.keys)
        self._told = 0
        self._soon: set[asyncio.Task[None]] = set()
        self.call = ""
        self.events: list[Event] = []
        self.recordings: list[str] = []

    async def take(self, event: Event) -> bool:
        """Print what this event adds to the story and do the caller's part; return whether all is over."""
        if isinstance(event, CallRang) and event.caller is not None and event.caller.digits == self._caller.number:
            self.call = event.call
        if not self.call or event.call != self.call:
            return False
        self.events.append(event)
        self._tell()
        match event:
            case PromptHeard(prompt="greeting") | KeyPressed() | WrongKey() | NoKey() if self._keys:
                key = self._keys.pop(0)
                self._do_in(THINKS_FOR, lambda: self._carrier.press(self._caller, key))
            case TalkStarted():
                await self._carrier.speak(self._caller)
                self._do_in(self._wishes.talk_for, lambda: self._carrier.hang_up(self._caller))
            case CallEnded():
                return not any(isinstance(step, TalkStarted) for step in self.events)
            case RecordingKept():
                self.recordings.append(event.file)
                return any(isinstance(step, CallEnded) for step in self.events)
        return False

    def forget(self) -> None:
        """Nothing more is to be done."""
        for task in self._soon:
            task.cancel()

    def _tell(self) -> None:
        lines = tell(self.events, self._language, reveal=True, texts=self._texts)
        for line in lines[self._told :]:
            console.print(f"  {line}", soft_wrap=True, markup=False)
        self._told = len(lines)

    def _do_in(self, seconds: float, what: Callable[[], Awaitable[None]]) -> None:
        """Do the caller's next step after a while; the story goes on meanwhile."""

        async def wait_and_do() -> None:
            await asyncio.sleep(seconds)
            await what()

        task = asyncio.get_running_loop().create_task(wait_and_do())
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)


def _short(file: Path) -> Path:
    try:
        return file.relative_to(Path.cwd())
    except ValueError:
        return file
