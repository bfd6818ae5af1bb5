"""Keys that we press on lines, as if their phones had: they reach what nothing else of ours can reach.

    D on a caller's line      ends the greeting: its agent has hung up
    C on a colleague's line   starts the recording there: the caller was just handed over (`features.conf`)

Phones have no such keys, and nobody hears them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Final, Protocol

import structlog

from routing.ami import AmiError

AGENT_GONE: Final = "D"
RECORD: Final = "C"

log = structlog.get_logger()


class Lines(Protocol):
    """Asterisk's lines, by the manager interface (`routing/ami.py`: Link)."""

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        """Ask for one action; raises AmiError."""

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        """Ask for a list; raises AmiError."""


class Keypad:
    """Presses them, each soon and beside everything else."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._under_way: set[asyncio.Task[None]] = set()

    def cut_greeting(self, call: str) -> None:
        """The agent is gone: the caller need not hear the rest of the work number."""
        self._begin(self._cut_greeting(call))

    def record(self, call: str, *, line: str | None, bridge: str) -> None:
        """Record this call on the line of the colleague who has the caller now, unless it is recorded already.

        `line` is None where the colleague's line is only known as the other one in this bridge.
        """
        self._begin(self._record(call, line, bridge))

    async def settled(self) -> None:
        """Wait until what was begun is done."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _cut_greeting(self, call: str) -> None:
        try:
            await self._press(call, AGENT_GONE)
        except AmiError as problem:
            log.info("a greeting plays on without an agent", call=call, problem=str(problem))

    async def _record(self, call: str, line: str | None, bridge: str) -> None:
        try:
            for other in [line] if line is not None else await self._others(bridge, call):
                recorded = await self._lines.act("Getvar", Channel=other, Variable="MIXMONITOR_FILENAME")
                if not recorded.get("Value"):
                    await self._lines.act("Setvar", Channel=other, Variable="HOTLINE_CALL", Value=call)
                    await self._press(other, RECORD)
        except AmiError as problem:
            log.error("what follows a transfer is not recorded", call=call, problem=str(problem))

    async def _others(self, bridge: str, call: str) -> list[str]:
        rows = await self._lines.rows("BridgeInfo", BridgeUniqueid=bridge)
        return [row["Uniqueid"] for row in rows if row.get("Uniqueid", call) != call]

    async def _press(self, line: str, key: str) -> None:
        await self._lines.act("PlayDTMF", Channel=line, Digit=key, Receive="true")
