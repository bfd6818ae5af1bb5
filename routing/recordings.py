"""Recordings: Asterisk writes each talk as raw stereo, we keep it as a wav file named by the call's id.

Left is what the agent's phone sent (the agent), right what it received (the caller). A file is finished by renaming, so
what carries the final name is whole. What a crash left unfinished is found by `sweep`.

Messages are wav files already. The flow that asks for one writes it down; one that the dialplan took without us is
found when the call is over, or when we are back.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from routing.events import Event, MessageLeft, RecordingKept

RATE: Final = 8000
BYTES_A_SECOND: Final = RATE * 2 * 2
QUIET: Final = 0.3
"""Seconds without growth after which Asterisk has finished writing; it ends a file right after the call."""
PATIENCE: Final = 10.0
SHORTEST_MESSAGE: Final = timedelta(seconds=1.5)
"""Less is a caller who said nothing: of the silence that ends a message, Asterisk leaves one second."""
MESSAGE_HEADER: Final = 44


class Recordings:
    """The recordings of one Asterisk, in the folders both of us can reach."""

    def __init__(
        self,
        talks: Path,
        messages: Path,
        record: Callable[[Event], None],
        *,
        is_told: Callable[[str], Awaitable[bool]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`is_told` says of a call whether its message is in the log."""
        self._talks, self._messages, self._record, self._now = talks, messages, record, now
        self._is_told = is_told
        self._telling = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    def keep(self, call: str) -> None:
        """A call has ended: finish its recordings, soon and beside everything else."""
        self._begin(self._keep(call))

    async def settled(self) -> None:
        """Wait until what was begun is finished."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def sweep(self, live: frozenset[str]) -> None:
        """Finish what was left by calls that are no longer live: our server was down when they ended."""
        calls = {_call_of(raw) for raw in self._talks.glob("*.raw")}
        for call in sorted(calls - live):
            self._begin(self._keep(call))
        messages = {file.stem for file in self._messages.glob("*.wav")}
        self._begin(self._tell(sorted(messages - live)))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _tell(self, calls: Sequence[str]) -> None:
        """Write down the messages of these calls, if there are any and no flow has done it."""
        for call in calls:
            left = _message(self._messages / f"{call}.wav")
            if left is not None and left.length >= SHORTEST_MESSAGE:
                async with self._telling:
                    if not await self._is_told(call):
                        self._record(left)

    async def _keep(self, call: str) -> None:
        for raw in sorted(self._talks.glob(f"{call}.*.raw")):
            try:
                await _written(raw)
                length = await asyncio.to_thread(_finish, raw)
            except OSError as problem:
                structlog.get_logger().error(
                    "a recording could not be finished", call=call, file=raw.name, problem=str(problem)
                )
                continue
            if length:
                self._record(RecordingKept(at=self._now(), call=call, file=raw.with_suffix(".wav").name, length=length))
        await _written(self._messages / f"{call}.wav")
        await self._tell([call])


async def _written(file: Path) -> None:
    """Wait until the file no longer grows; one that is not there does not."""
    size, waited = 0, 0.0
    while (now := _size(file)) != size and waited < PATIENCE:
        size, waited = now, waited + QUIET
        await asyncio.sleep(QUIET)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _finish(raw: Path) -> timedelta:
    """Turn raw stereo into a wav file beside it. An empty recording (nobody talked) is dropped."""
    size = raw.stat().st_size
    if size:
        part = raw.with_suffix(".part")
        with raw.open("rb") as source, wave.open(str(part), "wb") as target:
            target.setparams((2, 2, RATE, size // 4, "NONE", ""))
            while block := source.read(1 << 20):
                target.writeframesraw(block)
        part.replace(raw.with_suffix(".wav"))
    raw.unlink()
    return timedelta(seconds=size / BYTES_A_SECOND)


def _message(file: Path) -> MessageLeft | None:
    """The message in this file, if it is there. Its size tells the length: a header that a crash cut off does not."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    length = timedelta(seconds=max(found.st_size - MESSAGE_HEADER, 0) / (RATE * 2))
    at = datetime.fromtimestamp(found.st_mtime, UTC)
    return MessageLeft(at=at, call=file.stem, file=file.name, length=length)


def _call_of(raw: Path) -> str:
    """`pbx-1763744923.12.1.raw` is part 1 of call pbx-1763744923.12."""
    return raw.name.removesuffix(".raw").rpartition(".")[0]
