"""The guard: a small process beside the server that ends it when no sign of life comes.

A process that stands still as a whole (stopped by a signal, stuck in a library that holds Python's lock) cannot end
itself; its calls would hear silence. The guard reads signs of life from its standard input and imports nothing of ours.
It counts seconds that it has itself lived through: where both were frozen together and go on, nobody is ended.

    python -I -S guard.py PID SECONDS
"""

from __future__ import annotations

import os
import select
import signal
import sys

TICK = 1.0


def guard(server: int, seconds: float) -> None:
    """Return when the server has closed the pipe, which is its ordinary end; kill it after so many silent seconds."""
    silent = 0.0
    while silent < seconds:
        heard, _, _ = select.select([0], [], [], TICK)
        if not heard:
            silent += TICK
        elif os.read(0, 4096):
            silent = 0.0
        else:
            return
    sys.stdout.write(
        f'{{"level": "critical", "event": "the server has given no sign of life for {seconds:g} s and is ended"}}\n'
    )
    sys.stdout.flush()
    os.kill(server, signal.SIGKILL)


if __name__ == "__main__":
    guard(int(sys.argv[1]), float(sys.argv[2]))
