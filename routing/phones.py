"""Whether agents' phones and carriers' trunks can be reached, as Asterisk finds out and tells.

A phone is lost when its registration runs out or it does not answer Asterisk's question every half a minute; a trunk,
when the carrier refuses our registration. A phone that is lost is offered no calls, and its agent is not shown ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from routing.events import Event, PhoneBack, PhoneLost, TrunkBack, TrunkLost
from routing.staff import Agent

WANTED: Final = (
    "name(DeviceStateChange),header(State),method(exact) = UNAVAILABLE",
    "name(DeviceStateChange),header(State),method(exact) = INVALID",
    "name(ContactStatus)",
    "name(Registry)",
)
"""The events about phones: that one is lost comes as a device's state, that it is back as a contact's."""
PHONE: Final = "PJSIP/"
TRUNK: Final = "carrier-"
THERE: Final = ("Reachable", "NonQualified")


class Phones:
    """Turns Asterisk's events about phones and trunks into facts; one that tells nothing new is none."""

    def __init__(
        self,
        agents: Sequence[Agent],
        *,
        known: Mapping[str, str],
        record: Callable[[Event], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`known` says by work number whether each phone is there, gone or unknown, as far as facts tell."""
        self._agents = {agent.phone: agent.work_number for agent in agents}
        self._known, self._record, self._now = known, record, now
        self._lost_trunks: set[str] = set()

    def hear(self, event: Mapping[str, str]) -> None:
        """Take one manager event."""
        match event.get("Event"):
            case "DeviceStateChange":
                self._phone(event["Device"].removeprefix(PHONE), there=False)
            case "ContactStatus":
                self._contact(event)
            case "Registry":
                self._trunk(event.get("Domain", ""), there=event.get("Status") == "Registered")

    def _contact(self, event: Mapping[str, str]) -> None:
        endpoint, status = event.get("EndpointName", ""), event.get("ContactStatus", "")
        if endpoint.startswith(TRUNK) and status in ("Reachable", "Unreachable"):
            self._trunk(endpoint.removeprefix(TRUNK), there=status == "Reachable")
        elif status in THERE:
            self._phone(endpoint, there=True)

    def _phone(self, phone: str, *, there: bool) -> None:
        agent = self._agents.get(phone)
        if agent is not None and self._known[agent] != ("there" if there else "gone"):
            self._record((PhoneBack if there else PhoneLost)(at=self._now(), agent=agent))

    def _trunk(self, trunk: str, *, there: bool) -> None:
        if there and trunk in self._lost_trunks:
            self._lost_trunks.discard(trunk)
            self._record(TrunkBack(at=self._now(), trunk=trunk))
        elif not there and trunk not in self._lost_trunks:
            self._lost_trunks.add(trunk)
            self._record(TrunkLost(at=self._now(), trunk=trunk))
