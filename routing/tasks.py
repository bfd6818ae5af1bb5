"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any, Final

ASKED_AGAIN_AFTER: Final = 2.0
"""Seconds in which a task that was told to end may clean up."""


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task and return when it is over. A library may swallow a cancellation, so it is repeated."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=ASKED_AGAIN_AFTER)
