"""The history of casework's tables: `versions/` holds one step for each change."""

from __future__ import annotations

from typing import Final

from casework import tables  # noqa: F401  every module with tables of casework
from casework.notices import tables as notices_tables  # noqa: F401
from casework.schema import METADATA
from casework.visits import tables as visit_tables  # noqa: F401
from storage.history import History

HISTORY: Final = History("casework", tables=METADATA, lock=746865687)
