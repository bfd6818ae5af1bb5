"""The stack of containers that a test process has to itself."""

from __future__ import annotations

import os

from hotline.stack import Stack, stack_for_tests


def own_stack() -> Stack:
    """The stack HOTLINE_TEST_STACK (0 to 9); of the processes that share a run, each has the next number."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return stack_for_tests((int(os.environ.get("HOTLINE_TEST_STACK", "0")) + int(worker)) % 10)
