"""Calls that we make: placed through the `dial` account, and what became of them.

A call's id is given by who places it, and becomes the channel's Uniqueid. It enters the dialplan's context `visit` when
somebody picks up; that context notes the answer in Asterisk's own database, so it is known over any crash of ours. The
end of the line tells everything else: whether it was ever answered, and if not, why (`hear`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Protocol

from routing.ami import ActionFailed, Link

PREFIX: Final = "visit-"
"""The ids of calls of ours begin so."""
OUTSIDE: Final = "PJSIP/{number}@{endpoint}"
CONTEXT, EXTENSION = "visit", "talk"
ANSWERS: Final = "visits"
"""The family in Asterisk's database where the answered calls are noted."""
UP: Final = "6"
"""The state of a channel that was answered."""
OF_OURS: Final = f"header(Uniqueid),method(starts_with) = {PREFIX}"
WANTED: Final = ("name(FullyBooted)", f"name(Hangup),{OF_OURS}")
"""The events the `dial` account is sent."""


class LineDown(Protocol):
    """Told when a line of ours is down."""

    def __call__(self, call: str, *, answered: bool, cause: int, tech_cause: str) -> None:
        """`cause` is Q.850, `tech_cause` the SIP answer, if there was one."""


class Outbound:
    """The way out of one Asterisk."""

    def __init__(self, dial: Link, watch: Link, *, endpoint: str, down: LineDown) -> None:
        self._dial, self._watch, self._endpoint, self._down = dial, watch, endpoint, down

    @property
    def up(self) -> bool:
        """Whether calls can be placed, and their ends are seen."""
        return self._dial.up and self._watch.up

    async def place(
        self,
        call: str,
        number: str,
        *,
        shown: str,
        ring_for: timedelta,
        variables: Mapping[str, str],
    ) -> None:
        """Call this number; `shown` is the number that the callee sees. Raises AmiError as `Link.originate`."""
        await self._dial.originate(
            OUTSIDE.format(number=number, endpoint=self._endpoint),
            channel_id=call,
            ring_for=ring_for,
            variables={"VISIT_CALLEE": number, "VISIT_LINE": shown, **variables},
            Context=CONTEXT,
            Exten=EXTENSION,
            Priority="1",
            CallerID=shown,
        )

    async def on_line(self) -> frozenset[str]:
        """Return the ids of the calls of ours that are up now; raises AmiError."""
        rows = await self._watch.rows("CoreShowChannels")
        return frozenset(row["Uniqueid"] for row in rows if row["Uniqueid"].startswith(PREFIX))

    async def was_answered(self, call: str) -> bool:
        """Tell whether the dialplan has noted an answer; raises AmiError."""
        try:
            await self._watch.act("DBGet", Family=ANSWERS, Key=call)
        except ActionFailed:
            return False
        return True

    def hear(self, event: Mapping[str, str]) -> None:
        """Take an event of the `dial` account."""
        call = event.get("Uniqueid", "")
        if event.get("Event") == "Hangup" and call.startswith(PREFIX):
            answered = event.get("ChannelState") == UP
            cause, tech_cause = int(event.get("Cause", "0")), event.get("TechCause", "")
            self._down(call, answered=answered, cause=cause, tech_cause=tech_cause)
