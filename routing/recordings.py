"""Recordings: Asterisk writes each talk as raw stereo, we keep it as a wav file named by the call's id.

Left is what the agent's phone sent (the agent), right what it received (the caller). While a call lasts, the files of
its talks lie in the folder `live`; then they are finished into the folder above, by renaming: what lies there is whole.

    live/pbx-1763744923.12.15.raw     the talk of call pbx-1763744923.12 with line 15
         pbx-1763744923.12.15.wav

A call that was handed over has several, numbered in the order in which the lines came up.

What a crash left unfinished is found by `sweep`. Messages are wav files already. The flow that asks for one writes it
down; one that the dialplan took without us is found when the call is over, or when we are back.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
import wave
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import structlog

from routing.events import Event, MessageLeft, RecordingKept
from routing.log import NotWritten

RATE: Final = 8000
BYTES_A_SECOND: Final = RATE * 2 * 2
QUIET: Final = 1.2
"""Seconds without growth after which Asterisk has finished writing: it writes to disk about once a second."""
PATIENCE: Final = 10.0
SHORTEST_TALK: Final = timedelta(seconds=0.5)
"""Less is a line on which one of the two was gone already."""
SHORTEST_MESSAGE: Final = timedelta(seconds=1.5)
"""Less is a caller who said nothing: of the silence that ends a message, Asterisk leaves one second."""
MESSAGE_HEADER: Final = 44
LONGEST_ABSENCE: Final = timedelta(days=7)
"""Messages older than this are not looked at again."""
RAW: Final = re.compile(r"(?P<call>.+[.-]\d+)\.(?P<line>\d+)\.raw")

log = structlog.get_logger()


class Recordings:
    """The recordings of one Asterisk, in the folders both of us can reach."""

    def __init__(
        self,
        talks: Path,
        messages: Path,
        record: Callable[[Event], None],
        *,
        is_told: Callable[[str], Awaitable[bool]],
        flushed: Callable[[], Awaitable[object]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`is_told` says of a call whether its message is in the log; `flushed` returns when what was recorded is."""
        self._talks, self._live, self._messages = talks, talks / "live", messages
        self._record, self._is_told, self._flushed, self._now = record, is_told, flushed, now
        self._telling = asyncio.Lock()
        self._one_at_a_time: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[asyncio.Task[None]] = set()

    def keep(self, call: str) -> None:
        """A call has ended: finish its recordings, soon and beside everything else."""
        self._begin(self._keep(call))

    async def settled(self) -> None:
        """Wait until what was begun is finished."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def left(self) -> frozenset[str]:
        """The calls that left something here. Ask this first, then who is live, then sweep the others."""
        raws = (RAW.fullmatch(raw.name) for raw in self._live.glob("*.raw"))
        messages = (file for file in self._messages.glob("*.wav") if _age(file) < LONGEST_ABSENCE)
        return frozenset(raw["call"] for raw in raws if raw) | {file.stem for file in messages}

    def sweep(self, ended: Iterable[str]) -> None:
        """Finish what these calls left: our server was down when they ended."""
        for call in sorted(ended):
            self.keep(call)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    # Talks

    async def _keep(self, call: str) -> None:
        async with self._one_at_a_time.setdefault(call, asyncio.Lock()):
            for raw in sorted(self._raws_of(call), key=_line):
                try:
                    await self._finish(call, raw)
                except (OSError, NotWritten) as problem:
                    log.error("a recording could not be finished", call=call, file=raw.name, problem=str(problem))
            await self._tell(call)

    def _raws_of(self, call: str) -> Iterator[Path]:
        for name in _names(self._live):
            if name.startswith(call) and (parts := RAW.fullmatch(name)) and parts["call"] == call:
                yield self._live / name

    async def _finish(self, call: str, raw: Path) -> None:
        """Make a raw file a wav file, write that down, and only then delete the raw one."""
        kept = self._talks / f"{call}.{_line(raw)}.wav"
        size = await _written(raw)
        length = await asyncio.to_thread(_convert, raw, size, kept)
        while _size(raw) != size:  # Asterisk was slow
            size = await _written(raw)
            length = await asyncio.to_thread(_convert, raw, size, kept)
        if length >= SHORTEST_TALK:
            self._record(RecordingKept(at=self._now(), call=call, file=kept.name, length=length))
            await self._flushed()
        raw.unlink()  # noqa: ASYNC240 - one call to the kernel costs less than a thread

    # Messages

    async def _tell(self, call: str) -> None:
        """Write down the message of this call, if there is one and no flow has done it."""
        file = self._messages / f"{call}.wav"
        await _written(file)
        left = _message(file)
        if left is not None and left.length >= SHORTEST_MESSAGE:
            async with self._telling:
                if not await self._is_told(call):
                    self._record(left)


def _names(folder: Path) -> list[str]:
    """What lies in the folder; Asterisk makes it for the first talk."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - asked at each call's end, and only the names are looked at
    except FileNotFoundError:
        return []


async def _written(file: Path) -> int:
    """Wait until the file no longer grows, and return its size; one that is not there has none."""
    before, waited = None, 0.0
    while (size := _size(file)) not in (None, before) and waited < PATIENCE:
        before, waited = size, waited + QUIET
        await asyncio.sleep(QUIET)
    return size or 0


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return None


def _age(file: Path) -> timedelta:
    """How long the file has not grown; one that is gone is new."""
    try:
        return timedelta(seconds=time.time() - file.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)


def _line(raw: Path) -> int:
    """The number of the line that is recorded here: it grows from one part of a call to the next."""
    name = RAW.fullmatch(raw.name)
    return int(name["line"]) if name else 0


def _convert(raw: Path, size: int, kept: Path) -> timedelta:
    """Write so much of raw stereo as a wav file and return how long it is; where nobody talked none is written."""
    samples = size // 4
    length = timedelta(seconds=samples / RATE)
    if length >= SHORTEST_TALK:
        part = kept.with_suffix(".part")
        with raw.open("rb") as source, wave.open(str(part), "wb") as target:
            target.setparams((2, 2, RATE, samples, "NONE", ""))
            left = samples * 4
            while left and (block := source.read(min(left, 1 << 20))):
                target.writeframesraw(block)
                left -= len(block)
        part.replace(kept)
    return length


def _message(file: Path) -> MessageLeft | None:
    """The message in this file, if it is there. Its size tells the length: a header that a crash cut off does not."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    length = timedelta(seconds=max(found.st_size - MESSAGE_HEADER, 0) / (RATE * 2))
    at = datetime.fromtimestamp(found.st_mtime, UTC)
    return MessageLeft(at=at, call=file.stem, file=file.name, length=length)
