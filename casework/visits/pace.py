"""How many calls may be placed just now: free lines, free agents, and a share that belongs to those who call us."""

from __future__ import annotations

import math
from dataclasses import dataclass

from casework.visits.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What goes on at this moment."""

    ours: int = 0
    """Calls of ours that ring or talk; the dialler knows."""
    incoming: int
    """People who called us and are on the line."""
    waiting: int
    """Those of them who wait for an agent."""
    ready: int
    """Agents who could take a call now."""


def room(rules: Rules, traffic: Traffic) -> int:
    """Return how many more calls may be placed at this moment."""
    kept = math.ceil(rules.kept_free * rules.trunk_lines)
    free = rules.trunk_lines - kept - traffic.incoming - traffic.ours
    allowed = min(free, rules.most_calls - traffic.ours)
    if rules.calls_per_free_agent:
        # Whoever waits in a queue is served before somebody whom we call.
        spare = max(traffic.ready - traffic.waiting, 0)
        allowed = min(allowed, spare * rules.calls_per_free_agent - traffic.ours)
    return max(allowed, 0)
