"""The history of the event log's tables: `versions/` holds one step for each change."""

from __future__ import annotations

from typing import Final

from routing.log_tables import METADATA
from storage.history import History

HISTORY: Final = History("routing", tables=METADATA, lock=746865686)
