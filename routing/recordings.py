"""Recordings: Asterisk writes each talk as raw stereo, we keep it as a wav file named by the call's id.

Left is what the agent's phone sent (the agent), right what it received (the caller). A file is finished by renaming, so
what carries the final name is whole. What a crash left unfinished is found by `sweep`.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable, Iterator
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


class Recordings:
    """The recordings of one Asterisk, in the folders both of us can reach."""

    def __init__(
        self,
        talks: Path,
        messages: Path,
        record: Callable[[Event], None],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._talks, self._messages, self._record, self._now = talks, messages, record, now
        self._under_way: set[asyncio.Task[None]] = set()

    def keep(self, call: str) -> None:
        """A call has ended: finish its recordings, soon and beside everything else."""
        task = asyncio.get_running_loop().create_task(self._keep(call))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait until what was begun is finished."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def sweep(self, live: frozenset[str]) -> None:
        """Finish what was left by calls that are no longer live: our server was down when they ended."""
        calls = {_call_of(raw) for raw in self._talks.glob("*.raw")}
        for call in sorted(calls - live):
            self.keep(call)

    def messages(self) -> Iterator[MessageLeft]:
        """All messages on disk, also those that the dialplan took while we were down."""
        for file in sorted(self._messages.glob("*.wav")):
            if (length := _length(file)) is not None:
                at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
                yield MessageLeft(at=at, call=file.stem, file=file.name, length=length)

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


async def _written(raw: Path) -> None:
    """Wait until the file no longer grows."""
    size, waited = -1, 0.0
    while (now := raw.stat().st_size) != size and waited < PATIENCE:
        size, waited = now, waited + QUIET
        await asyncio.sleep(QUIET)


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


def _length(file: Path) -> timedelta | None:
    try:
        with wave.open(str(file), "rb") as sound:
            return timedelta(seconds=sound.getnframes() / sound.getframerate())
    except (OSError, EOFError, wave.Error):
        return None


def _call_of(raw: Path) -> str:
    """`pbx-1763744923.12.1.raw` is part 1 of call pbx-1763744923.12."""
    return raw.name.removesuffix(".raw").rpartition(".")[0]
