"""Words for tests that do not listen."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from prompts.catalogue import Catalogue
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.speech import Speech


def words_in(sounds: Path) -> Speech:
    """What a call can say with the sounds of this folder, which may not even be there."""
    return Speech(Library(sounds), Catalogue.read(), Espeak(), sounds, brands={}, zone=ZoneInfo("Asia/Shanghai"))
