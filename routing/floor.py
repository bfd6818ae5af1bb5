"""What a leader does on the floor: join a talk unheard or heard, and move a caller who waits.

Joining rings the leader's own phone and connects it with the agent's line (Asterisk's ChanSpy): `listen` hears both,
`whisper` is heard by the agent too, `barge` by both. It ends when the leader hangs up or the talk ends.

Whatever was done is written down with the leader's name; what Asterisk refused is not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

from routing.ami import AmiError
from routing.events import CallMoved, TalkAttended
from routing.log import EventLog
from routing.picture import CallState
from routing.staff import Queue

How = Literal["listen", "whisper", "barge"]
OPTIONS: Final[Mapping[How, str]] = {"listen": "qE", "whisper": "qwE", "barge": "qBE"}
"""ChanSpy's: no beep, end with the talk, and who hears the leader."""
MESSAGE: Final = "message"
PICKED_UP_WITHIN: Final = timedelta(seconds=25)


class FloorError(Exception):
    """Something that could not be done on the floor; `status` is for HTTP."""

    code = "floor"
    status = 409


class NotInTalk(FloorError):
    """Nobody talks in this call now."""

    code = "not-in-talk"

    def __init__(self) -> None:
        super().__init__("this call is not in a talk with an agent now; only a talk can be joined")


class NotWaiting(FloorError):
    """The caller does not wait in a queue now."""

    code = "not-waiting"

    def __init__(self) -> None:
        super().__init__("this caller does not wait in a queue now; only who waits can be moved")


class NoSuchQueue(FloorError):
    """There is no such queue to move to."""

    code = "queue-unknown"
    status = 404

    def __init__(self, queue: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no queue {queue!r:.40}; there are {', '.join(sorted(known))}, and {MESSAGE}")


class NoPhone(FloorError):
    """Whoever wants to join has no phone that could ring."""

    code = "no-phone"

    def __init__(self) -> None:
        super().__init__("your account names no phone of this site; an admin sets it: hotline user role NAME --number")


class NotDone(FloorError):
    """Asterisk did not do it, or could not be reached."""

    code = "floor-not-done"
    status = 503

    def __init__(self, problem: AmiError) -> None:
        super().__init__(f"Asterisk did not do it: {problem}")


class Acts(Protocol):
    """A manager account that does things (`routing/ami.py`: Link)."""

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Mapping[str, str]:
        """Ask for one action; raises AmiError."""


class Lists(Protocol):
    """A manager account that lists things."""

    async def rows(
        self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]
    ) -> list[Mapping[str, str]]:
        """Ask for a list; raises AmiError."""


class Dials(Protocol):
    """A manager account that places calls."""

    async def originate(
        self,
        channel: str,
        *,
        channel_id: str,
        ring_for: timedelta = ...,
        variables: Mapping[str, str] | None = None,
        within: float = 5.0,
        **fields: str,
    ) -> Mapping[str, str]:
        """Ring a phone; raises AmiError."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a call is just now."""

    state: CallState
    agent: str | None


class Floor:
    """The floor of one Asterisk."""

    def __init__(
        self,
        *,
        lists: Lists,
        acts: Acts,
        dials: Dials,
        events: EventLog,
        queues: Sequence[Queue],
        phones: Mapping[str, str],
        standing: Callable[[str], Standing | None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`phones` are the accounts by number, of agents and supervisors; `standing` says where a call is."""
        self._lists, self._acts, self._dials, self._log, self._now = lists, acts, dials, events, now
        self._queues = {queue.name: queue for queue in queues}
        self._phones, self._standing = phones, standing

    async def attend(self, call: str, how: How, *, number: str | None, by: str) -> None:
        """Ring the phone of this number and connect it with the call's talk; done when Asterisk has taken the order.

        Raises NotInTalk, NoPhone, NotDone.
        """
        phone = self._phones.get(number or "")
        if phone is None:
            raise NoPhone
        standing = self._standing(call)
        if standing is None or standing.state not in ("talk", "hold") or standing.agent is None:
            raise NotInTalk
        try:
            line = await self._line_with(call)
            await self._dials.originate(
                f"PJSIP/{phone}",
                channel_id=f"floor-{secrets.token_hex(8)}",
                ring_for=PICKED_UP_WITHIN,
                Application="ChanSpy",
                Data=f"{line},{OPTIONS[how]}",
                CallerID=f'"{how}" <{standing.agent}>',
            )
        except AmiError as problem:
            raise NotDone(problem) from problem
        self._log.record(TalkAttended(at=self._now(), call=call, by=by, with_agent=standing.agent, how=how))

    async def _line_with(self, call: str) -> str:
        """The line that the caller's line is connected with: the agent's, after however many transfers."""
        rows = await self._lists.rows("CoreShowChannels")
        bridge = next((row["BridgeId"] for row in rows if row["Uniqueid"] == call), "")
        lines = [row["Channel"] for row in rows if bridge and row["BridgeId"] == bridge and row["Uniqueid"] != call]
        if not lines:
            raise NotInTalk
        return lines[0]

    async def move(self, call: str, to: str, *, by: str) -> None:
        """Take a waiting caller to the end of another queue, or out of it to leave a message.

        Raises NotWaiting, NoSuchQueue, NotDone.
        """
        if to != MESSAGE and to not in self._queues:
            raise NoSuchQueue(to, self._queues)
        standing = self._standing(call)
        if standing is None or standing.state != "queue":
            raise NotWaiting
        try:
            if to != MESSAGE:
                patience = f"{self._queues[to].patience.total_seconds():.0f}"
                for name, value in (("HOTLINE_QUEUE", to), ("HOTLINE_PATIENCE", patience)):
                    await self._acts.act("Setvar", Channel=call, Variable=name, Value=value)
            context = "message" if to == MESSAGE else "queue"
            await self._acts.act("Redirect", Channel=call, Context=context, Exten="s", Priority="1")
        except AmiError as problem:
            raise NotDone(problem) from problem
        self._log.record(CallMoved(at=self._now(), call=call, to=to, by=by))
