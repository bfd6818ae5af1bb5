"""Which prompts a script may name: those that need nothing but the brand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from prompts.catalogue import Catalogue

GIVEN: Final = frozenset({"brand"})
"""The parameters that a talk by script can fill in."""


def sayable(catalogue: Catalogue) -> Collection[str]:
    """Return the names of the prompts that a script may use."""
    return frozenset(
        prompt for prompt in catalogue.ids if catalogue.parameters(prompt) <= GIVEN and not catalogue.values(prompt)
    )
