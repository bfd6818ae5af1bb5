"""The history of the tables of operators' words: `versions/` holds one step for each change."""

from __future__ import annotations

from typing import Final

from prompts.tables import METADATA
from storage.history import History

HISTORY: Final = History("prompts", tables=METADATA, lock=746865689)
