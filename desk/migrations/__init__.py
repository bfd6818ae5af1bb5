"""The history of the desk's tables: `versions/` holds one step for each change."""

from __future__ import annotations

from typing import Final

from desk.tables import METADATA
from storage.history import History

HISTORY: Final = History("desk", tables=METADATA, lock=746865688)
