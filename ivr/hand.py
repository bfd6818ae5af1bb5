"""What a flow decides: where the call goes next, as `asterisk-config/pbx/extensions.conf` carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class Hand:
    """A decision: the name of an extension of the dialplan's context `decided`, and the variables it needs."""

    decision: Literal["queue", "message", "hangup"]
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def to_queue(cls, queue: str, *, priority: int = 0, patience: timedelta) -> Self:
        """Let the caller wait for an agent of this queue; a longer wait than `patience` ends with a message.

        A higher priority waits in front of a lower one, whoever came first.
        """
        return cls(
            "queue",
            {
                "HOTLINE_QUEUE": queue,
                "HOTLINE_PRIORITY": str(priority),
                "HOTLINE_PATIENCE": str(round(patience.total_seconds())),
            },
        )

    @classmethod
    def to_message(cls, reason: str) -> Self:
        """Let the caller leave a message; `reason` (closed, busy) chooses the words."""
        return cls("message", {"HOTLINE_REASON": reason})

    @classmethod
    def hang_up(cls) -> Self:
        """End the call: everything is said."""
        return cls("hangup")

    @property
    def reason(self) -> str | None:
        """Why the caller is asked for a message."""
        return self.variables.get("HOTLINE_REASON")

    @property
    def priority(self) -> int:
        """The caller's place among those who wait; 0 is everyone's."""
        return int(self.variables.get("HOTLINE_PRIORITY", "0"))

    def __str__(self) -> str:
        return self.variables.get("HOTLINE_QUEUE", self.decision)
