"""A server that hangs is worse than one that is gone: its callers hear silence, and no time limit ends that everywhere.

(An agent's greeting runs inside Queue, where Asterisk has none.) So a thread looks at the event loop, and if it has not
moved for too long, writes down where it hangs and ends the process: connections close, Asterisk goes on with every
call, and the container is started anew.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
from typing import Final

LONGEST_HANG: Final = 8.0
"""Seconds; far more than any step of ours takes, less than a person waits in silence."""
LOOK_EVERY: Final = 1.0
HUNG: Final = 70
"""The process's exit status after a hang (EX_SOFTWARE)."""


def watch(loop: asyncio.AbstractEventLoop, *, longest_hang: float = LONGEST_HANG) -> None:
    """Watch this loop from a thread, for as long as it runs."""
    threading.Thread(target=_watch, args=(loop, longest_hang), name="watchdog", daemon=True).start()


def _watch(loop: asyncio.AbstractEventLoop, longest_hang: float) -> None:
    moved = threading.Event()
    while True:
        moved.clear()
        try:
            loop.call_soon_threadsafe(moved.set)
        except RuntimeError:
            return  # the loop is closed: an ordinary end
        if not moved.wait(longest_hang):
            sys.stdout.write(f'{{"level": "critical", "event": "the server hung for {longest_hang:g} s, and ends"}}\n')
            sys.stdout.flush()
            faulthandler.dump_traceback(sys.stdout)
            os._exit(HUNG)
        time.sleep(LOOK_EVERY)
