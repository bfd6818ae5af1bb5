"""A busy hour: pretend callers and agents with a day's habits keep the real Asterisk at work (`hotline tryout`).

Callers come one by one, at random, faster and slower over some minutes as they do; each presses keys (now and then a
wrong one), waits as long as patience lasts, talks, hangs up. Agents sign in, rest, eat, meet, and come back.
What happens is real: SIP, sound, DTMF, queues, recordings.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hotline.client import ServerError
from hotline.tryout import Caller, Carrier
from routing.ami import AmiError
from routing.events import CallEnded, CallRang, Event, TalkStarted

KEYS: Final = {"1": 46, "22": 30, "3": 12, "21": 4, "0": 8}
"""What callers want, in parts of a hundred: consult, repair, complaint, emergency, a person."""
WRONG_KEY: Final = 0.06
GIVES_UP_IN_MENU: Final = 0.05
PATIENCE: Final = 90.0
"""Seconds until half of those who wait have had enough."""
TALK: Final = 35.0
"""Seconds that half of the talks are shorter than; the longest are many times that."""
SWING: Final = 0.35
"""How far the flow of callers rises and falls, and over how many seconds."""
TIDE: Final = 420.0
PAUSES: Final = (("rest", 60.0, 8), ("meal", 240.0, 3), ("training", 180.0, 1), ("meeting", 150.0, 1))
"""An agent's pauses: the reason, how long on average (s), and how often compared with the others."""
SHIFT: Final = 500.0
"""Seconds that an agent works on average before a pause."""


class Server(Protocol):
    """The hotline's interface (`hotline/client.py`)."""

    async def post(self, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """Have something done; raises ServerError."""

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask; raises ServerError."""

    async def newest(self) -> int:
        """Return the number of the newest event."""

    def events(self, *, after: int, call: str | None = None) -> AsyncIterator[Event]:
        """Yield events, for ever; raises ServerError."""


@dataclass
class Busy:
    """The hour, with what came of it so far."""

    carrier: Carrier
    server: Server
    dialled: Sequence[str]
    calls_per_hour: float
    agents: int
    chance: random.Random = field(default_factory=random.Random)
    counts: Counter[str] = field(default_factory=Counter)
    on_line: int = 0
    _talks: dict[str, asyncio.Event] = field(default_factory=dict)
    """By the caller's number: set when the talk has begun."""

    async def go_on(self, seconds: float, *, most_at_once: int, told: Callable[[], None]) -> None:
        """Keep the centre busy for so long; `told` is called about once a second. Leaves nobody signed in for ever."""
        ends = time.monotonic() + seconds
        async with asyncio.TaskGroup() as people:
            ear = people.create_task(self._listen())
            hired = [people.create_task(self._work(number, ends)) for number in await self._staff()]
            callers = people.create_task(self._callers(people, ends, most_at_once))
            while not callers.done() or self.on_line:
                told()
                await asyncio.sleep(1)
            for task in (ear, *hired):
                task.cancel()

    # Callers

    async def _callers(self, people: asyncio.TaskGroup, ends: float, most_at_once: int) -> None:
        while time.monotonic() < ends:
            await asyncio.sleep(self.chance.expovariate(self._rate()))
            if self.on_line >= most_at_once:
                self.counts["held back"] += 1  # our own lines are full, not the centre's
            elif time.monotonic() < ends:
                people.create_task(self._caller(ends))

    def _rate(self) -> float:
        """Callers a second, just now: the tide of the day in some minutes."""
        tide = 1 + SWING * math.sin(time.monotonic() / TIDE * 2 * math.pi)
        return max(self.calls_per_hour / 3600 * tide, 1e-6)

    async def _caller(self, ends: float) -> None:
        self.on_line += 1
        self.counts["calls"] += 1
        caller: Caller | None = None
        try:
            caller = await self.carrier.call(self.chance.choice(self.dialled))
            await self._one_call(caller, ends)
        except AmiError:
            self.counts["gone"] += 1  # the other side was quicker
        finally:
            if caller is not None:
                with suppress(AmiError):
                    await self.carrier.hang_up(caller)
            self.on_line -= 1

    async def _one_call(self, caller: Caller, ends: float) -> None:
        """Listen, choose, wait for an agent, talk; each step may be the last."""
        await asyncio.sleep(self.chance.uniform(2.5, 6))
        if self.chance.random() < GIVES_UP_IN_MENU:
            return
        if self.chance.random() < WRONG_KEY:
            await self.carrier.press(caller, "7")
            await asyncio.sleep(self.chance.uniform(4, 7))
        for key in self.chance.choices(list(KEYS), list(KEYS.values()))[0]:
            await self.carrier.press(caller, key)
            await asyncio.sleep(self.chance.uniform(1.2, 3))
        await self.carrier.speak(caller)
        talking = self._talks.setdefault(caller.number, asyncio.Event())
        try:
            async with asyncio.timeout(self.chance.expovariate(math.log(2) / PATIENCE)):
                await talking.wait()
        except TimeoutError:
            self.counts["gave up"] += 1
            return
        finally:
            del self._talks[caller.number]
        self.counts["talks"] += 1
        await asyncio.sleep(min(self.chance.lognormvariate(math.log(TALK), 0.7), max(1.0, ends - time.monotonic())))

    async def _listen(self) -> None:
        """Learn from the event log whose talk has begun, as a caller would by ear; over a restart of the server too."""
        numbers: dict[str, str] = {}
        while True:
            with suppress(ServerError):
                async for event in self.server.events(after=await self.server.newest()):
                    if isinstance(event, CallRang) and event.caller is not None:
                        numbers[event.call] = event.caller.digits
                    elif isinstance(event, TalkStarted) and (talk := self._talks.get(numbers.get(event.call, ""))):
                        talk.set()
                    elif isinstance(event, CallEnded):
                        numbers.pop(event.call, None)
            await asyncio.sleep(0.5)

    # Agents

    async def _staff(self) -> list[str]:
        """As many agents as were asked for, the first ones of the site."""
        found = (await self.server.get("/api/agents"))["agents"]
        return [each["agent"] for each in found][: self.agents]

    async def _work(self, number: str, ends: float) -> None:
        """Sign in, work, pause, work; one who is asked to stop signs out."""
        await asyncio.sleep(self.chance.uniform(0, 4))
        try:
            await self._step(number, "sign-in")
            while time.monotonic() < ends:
                await asyncio.sleep(self.chance.expovariate(1 / SHIFT))
                reason, length, _ = self.chance.choices(PAUSES, [often for *_, often in PAUSES])[0]
                await self._step(number, "pause", {"reason": reason})
                self.counts["pauses"] += 1
                await asyncio.sleep(self.chance.uniform(0.5, 1.5) * length)
                await self._step(number, "unpause")
        finally:
            await self._step(number, "sign-out")

    async def _step(self, number: str, step: str, body: Any = None) -> None:
        """Take a step, if it can be taken: a supervisor may have been quicker."""
        with suppress(ServerError):
            await self.server.post(f"/api/agents/{number}/{step}", body)
