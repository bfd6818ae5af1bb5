"""A server that hangs is ended, so that its calls go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
HANGS = """
import asyncio, time
from hotline import watchdog
async def main():
    watchdog.watch(asyncio.get_running_loop(), longest_hang=0.5)
    print("watched", flush=True)
    await asyncio.sleep(SLEEPS)
    HANGS
asyncio.run(main())
print("ended by itself")
"""


def script(sleeps: str, hangs: str) -> list[str]:
    return [sys.executable, "-c", HANGS.replace("SLEEPS", sleeps).replace("HANGS", hangs)]


def run(sleeps: str, hangs: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(script(sleeps, hangs), capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)


def test_a_loop_that_does_not_move_ends_the_process_and_says_where_it_hung() -> None:
    ended = run("0.1", "time.sleep(50)")
    assert ended.returncode == 70
    assert "the server hung" in ended.stdout
    assert "in main" in ended.stdout


def test_a_loop_that_only_waits_is_left_alone() -> None:
    ended = run("7", "pass")
    assert (ended.returncode, ended.stdout.splitlines()) == (0, ["watched", "ended by itself"])


def test_a_process_that_stands_still_is_ended_by_its_guard() -> None:
    with subprocess.Popen(script("50", "pass"), stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "watched\n"
        server.send_signal(signal.SIGSTOP)
        assert server.wait(60) == -signal.SIGKILL
        assert "no sign of life" in server.stdout.read()


def test_a_pause_of_both_ends_nobody_and_the_guard_ends_with_its_server() -> None:
    with subprocess.Popen(script("50", "pass"), stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "watched\n"
        guard = guard_of(server.pid)
        for sign in (signal.SIGSTOP, signal.SIGCONT):
            for process in (server.pid, guard):
                os.kill(process, sign)
            time.sleep(8)  # longer than both would wait: that nothing happens can only be waited for
        assert server.poll() is None
        server.kill()
        until(lambda: not Path(f"/proc/{guard}").exists())


def guard_of(server: int) -> int:
    found: list[int] = []

    def there() -> bool:
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = line.read_text().split("\0")
            except OSError:
                continue
            if words[3:5] and words[3].endswith("guard.py") and words[4] == str(server):
                found.append(int(line.parent.name))
        return bool(found)

    until(there)
    return found[0]


def until(good: Callable[[], bool], within: float = 30) -> None:
    end = time.monotonic() + within
    while not good():
        assert time.monotonic() < end
        time.sleep(0.05)
