"""A server that hangs ends itself, so that its calls go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HANGS = """
import asyncio, time
from hotline import watchdog
async def main():
    watchdog.watch(asyncio.get_running_loop(), longest_hang=0.5)
    await asyncio.sleep(SLEEPS)
    HANGS
asyncio.run(main())
print("ended by itself")
"""


def run(sleeps: str, hangs: str) -> subprocess.CompletedProcess[str]:
    script = HANGS.replace("SLEEPS", sleeps).replace("HANGS", hangs)
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=root, check=False
    )


def test_a_loop_that_does_not_move_ends_the_process_and_says_where_it_hung() -> None:
    ended = run("0.1", "time.sleep(50)")
    assert ended.returncode == 70
    assert "the server hung" in ended.stdout
    assert "in main" in ended.stdout


def test_a_loop_that_only_waits_is_left_alone() -> None:
    ended = run("2", "pass")
    assert (ended.returncode, ended.stdout.strip()) == (0, "ended by itself")
