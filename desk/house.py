"""What the desk needs of the running house; `hotline/service.py` is it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import web

from routing.agents import AgentState
from routing.figures_table import By, Names
from routing.floor import Floor
from routing.ledger import Ledger
from routing.live import Handled
from routing.log import EventLog
from routing.mirror import Mirror
from routing.roster import Roster
from routing.wrap_up import WrapUps


class House(Protocol):
    """The running house, as far as somebody who watches it must know it."""

    @property
    def events(self) -> EventLog:
        """The event log."""

    @property
    def roster(self) -> Roster:
        """The agents' states, and the steps that change them."""

    @property
    def wrap_ups(self) -> WrapUps:
        """The time agents have after each talk, which they can end or extend."""

    @property
    def ledger(self) -> Ledger:
        """The figures."""

    @property
    def mirror(self) -> Mirror:
        """The live picture as every process sees it, and its changes."""

    @property
    def floor(self) -> Floor:
        """What a leader does on the floor."""

    @property
    def talks(self) -> Path:
        """The folder of finished recordings."""

    @property
    def messages(self) -> Path:
        """The folder of messages; below it, in `visits`, what callees said."""

    @property
    def texts(self) -> Mapping[str, str]:
        """The words of every prompt, by version."""

    @property
    def names(self) -> Mapping[By, Names]:
        """What people call each queue and each agent."""

    def at_hand(self, agent: str) -> Handled | None:
        """The call an agent has, or had a moment ago: what is written now is about it."""

    async def line_of(self, call: str) -> str:
        """The key of the service line that a call came by; empty if nobody knows."""

    def shown(self, state: AgentState) -> dict[str, Any]:
        """An agent as people see one."""


HOUSE: Final = web.AppKey("house", House)
