"""A server that hangs is worse than one that is gone: its callers hear silence, and no time limit ends that everywhere.

(An agent's greeting runs inside Queue, where Asterisk has none.) So a thread looks at the event loop, and if it has not
moved for too long, writes down where it hangs and ends the process: connections close, Asterisk goes on with every
call, and the container is started anew. A process of which not even that thread runs is ended from outside, by a guard
(`hotline/guard.py`) to whom the thread gives signs of life.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LONGEST_HANG: Final = 8.0
"""Seconds; far more than any step of ours takes, less than a person waits in silence."""
GUARD_WAITS: Final = 4.0
"""Seconds that the guard waits longer: who can say where it hangs shall say it."""
LOOK_EVERY: Final = 1.0
HUNG: Final = 70
"""The process's exit status after a hang (EX_SOFTWARE)."""


def watch(loop: asyncio.AbstractEventLoop, *, longest_hang: float = LONGEST_HANG) -> None:
    """Watch this loop from a thread, and this process from another one, for as long as it runs."""
    signs = _guarded(longest_hang + GUARD_WAITS)
    threading.Thread(target=_watch, args=(loop, longest_hang, signs), name="watchdog", daemon=True).start()


def _guarded(seconds: float) -> int:
    """Start the guard of this process; return where it reads signs of life."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    guard = str(Path(__file__).with_name("guard.py"))
    # A session of its own: Ctrl-C in a terminal ends the server, and only by that the guard.
    subprocess.Popen(
        [sys.executable, "-I", "-S", guard, str(os.getpid()), str(seconds)], stdin=reads, start_new_session=True
    )
    os.close(reads)
    return writes


def _watch(loop: asyncio.AbstractEventLoop, longest_hang: float, signs: int) -> None:
    moved = threading.Event()
    while True:
        moved.clear()
        try:
            loop.call_soon_threadsafe(moved.set)
        except RuntimeError:
            os.close(signs)
            return  # the loop is closed: an ordinary end
        if not _within(longest_hang, moved):
            sys.stdout.write(f'{{"level": "critical", "event": "the server hung for {longest_hang:g} s, and ends"}}\n')
            sys.stdout.flush()
            faulthandler.dump_traceback(sys.stdout)
            os._exit(HUNG)
        with suppress(OSError):  # the guard is gone, or does not read
            os.write(signs, b".")
        time.sleep(LOOK_EVERY)


def _within(seconds: float, moved: threading.Event) -> bool:
    """Wait in small steps: after a pause of the whole machine only one of them is over, and the loop may move."""
    step = min(LOOK_EVERY, seconds)
    return any(moved.wait(step) for _ in range(round(seconds / step)))
