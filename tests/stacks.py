"""The stack of containers that a test process has to itself."""

from __future__ import annotations

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

from hotline.stack import Stack, stack_for_tests


class StackTaken(Exception):
    """Another test run works on these containers: each would pull them down under the other."""


def own_stack() -> Stack:
    """The stack HOTLINE_TEST_STACK (0 to 9); of the processes that share a run, each has the next number.

    Raises StackTaken if another run has it.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    number = (int(os.environ.get("HOTLINE_TEST_STACK", "0")) + int(worker)) % 10
    _claim(number)
    return stack_for_tests(number)


@cache
def _claim(number: int) -> int:
    """Hold the claim for as long as this process lives, however it ends; return the open file."""
    claim = os.open(Path(tempfile.gettempdir()) / f"hotline-test-stack-{number}", os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise StackTaken(
            f"another test run has the containers of stack {number}; wait for it, or set HOTLINE_TEST_STACK to the "
            "first of three free numbers (0 to 9)"
        ) from None
    return claim
