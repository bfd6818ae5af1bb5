"""People whom the hotline calls, played by the pretend carrier: what they do, and what they heard."""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import dataclass
from typing import Any

from tests.asterisk.sound import Sound
from tests.asterisk.world import World

LISTENS, BUSY, IGNORES, REFUSES, UNKNOWN, CONGESTED, LEAVES, ANSWERS_ALL, NOT_SOLVED, SILENT = "0123456789"
"""What somebody does, by the fourth digit of the number (`asterisk-config/telco/extensions.conf`)."""
_NUMBERS = itertools.count(1)


def somebody(manner: str = LISTENS) -> str:
    """A number that nobody has had yet, of somebody who does this."""
    return f"170{manner}{os.getpid() % 1000:03}{next(_NUMBERS):04}"


@dataclass
class Callee:
    """Somebody who is visited; `id` is the visit."""

    world: World
    number: str
    id: int

    async def shown(self) -> dict[str, Any]:
        """The visit as it stands, with its calls."""
        return await self.world.server.get(f"/api/visits/{self.id}")

    async def comes_to(self, *states: str, within: float = 60) -> dict[str, Any]:
        """Wait until the visit is in one of these states."""
        try:
            async with asyncio.timeout(within):
                while (found := await self.shown())["state"] not in states:
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"not {states} within {within} s: {await self.shown()}") from None
        return found

    async def picked_up(self) -> str:
        """Wait until the callee has picked up and is being recorded; return the channel at the carrier."""
        found = ""

        def there() -> bool:
            nonlocal found
            rows = [row for row in self.world.channels("telco") if row["where"].startswith("callee-does,0")]
            found = next((row["id"] for row in rows if self.has(row["channel"], row["id"])), "")
            return bool(found)

        await self.world.until(there, f"somebody picks up at {self.number}")
        return found

    def has(self, channel: str, _: str) -> bool:
        """Whether this line of the carrier's is the callee's."""
        return f"WHO={self.number}" in self.world.cli(f"core show channel {channel}", "telco")

    async def press(self, keys: str) -> None:
        """Press keys, about one a second."""
        channel = await self.picked_up()
        for key in keys:
            await asyncio.sleep(1.2)
            await self.world.telco.do("PlayDTMF", Channel=channel, Digit=key)

    def heard(self) -> Sound:
        """What the callee has heard so far."""
        return self.world.recording("telco", f"/srv/tryout/callee-{self.number}.wav")


def picked_up(world: World) -> dict[str, int]:
    """How often each number has been picked up, as the carrier counted it."""
    return _counted(world, "PICKED_UP_")


def called(world: World) -> dict[str, int]:
    """How often each number has been called, as the carrier counted it; whoever was called, picked up or not."""
    return _counted(world, "CALLED_")


def _counted(world: World, what: str) -> dict[str, int]:
    lines = world.cli("dialplan show globals", "telco").splitlines()
    found = (line.strip().removeprefix(what).partition("=") for line in lines if line.strip().startswith(what))
    return {number: int(count) for number, _, count in found}


async def visit(
    world: World,
    manner: str = LISTENS,
    presses: str = "",
    leaves_after: float | None = None,
    *,
    number: str = "",
    **about: Any,
) -> Callee:
    """Have somebody visited who does this.

    Whoever picks up may press keys instead (`presses`; a `w` is half a second), and may hang up so many seconds later.
    """
    number = number or somebody(manner)
    if presses:
        await world.telco.do("Setvar", Variable=f"PRESSES_{number}", Value=presses)
    if leaves_after is not None:
        await world.telco.do("Setvar", Variable=f"LEAVES_AFTER_{number}", Value=f"{leaves_after:.2f}")
    added = await world.server.post("/api/visits", {"number": number, **about})
    return Callee(world, number, added["id"])
