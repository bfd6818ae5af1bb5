"""A moment for tests in which the time does not matter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

NOON: Final = datetime(2025, 11, 21, 4, 0, tzinfo=UTC)
"""A Friday noon in Shanghai."""
