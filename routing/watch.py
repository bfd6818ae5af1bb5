"""What Asterisk tells about calls becomes facts in the event log.

The flows write down what a caller hears and presses; from the queue on, Asterisk keeps the call and its manager events
are our eyes. Each event here is one line of a table: name, what it means. Asterisk's own words for times and outcomes are
not trusted where they are known to mislead (its hold time includes the greeting, its 'abandoned' includes time-outs):
the times are ours.

    QueueCallerJoin       the caller began to wait, or is back in the queue
    AgentCalled           an agent's phone rings
    AgentRingNoAnswer     it was not picked up, busy or refused
    (greeting door)       an agent picked up: `agent_answered`
    BridgeEnter           caller and agent hear each other
    Hold, Unhold          the agent's phone holds the call
    BlindTransfer, AttendedTransfer   the agent hands the caller over
    AgentComplete         the talk is over, and who ended it
    HangupRequest         the caller hung up (it comes only when the far end does)
    Hangup                the caller's line is down
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

import structlog

from routing.events import (
    AgentAnswered,
    AgentOffered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    CallRequeued,
    CallRouted,
    CallTransferred,
    Event,
    HoldEnded,
    HoldStarted,
    MessageLeft,
    OfferMissed,
    Party,
    Place,
    TalkEnded,
    TalkStarted,
)

CARRIER: Final = "PJSIP/carrier-"
"""Callers' channels begin so (`hotline/asterisk_files.py` names the endpoints)."""

WANTED: Final = (
    "name(FullyBooted)",
    "name(QueueCallerJoin)",
    "name(AgentCalled)",
    "name(AgentRingNoAnswer)",
    "name(AgentConnect)",
    "name(AgentComplete)",
    "name(BlindTransfer)",
    "name(AttendedTransfer)",
    "name(Hold)",
    "name(Unhold)",
    f"name(BridgeEnter),header(Channel),method(starts_with) = {CARRIER}",
    f"name(HangupRequest),header(Channel),method(starts_with) = {CARRIER}",
    f"name(Hangup),header(Channel),method(starts_with) = {CARRIER}",
)
"""The events we ask Asterisk for; all others stay there, which is most of the work saved."""


@dataclass(slots=True)
class Progress:
    """What we have seen of one live call."""

    rang: datetime
    place: Place = "menu"
    """Where the caller is before the talk."""
    queue: str | None = None
    joined: datetime | None = None
    offered: dict[str, datetime] = field(default_factory=dict)
    agent: str | None = None
    talking_since: datetime | None = None
    talked: bool = False
    left_message: bool = False
    hung_up_by_caller: bool = False
    handed_to: str | None = None


class Watch:
    """Turns one Asterisk's manager events into facts, in the order they come."""

    def __init__(
        self,
        record: Callable[[Event], None],
        *,
        ended: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`record` writes a fact down; `ended` is told the id of each call whose line is down."""
        self._record, self._ended, self._now = record, ended, now
        self._calls: dict[str, Progress] = {}
        self._meanings: Mapping[str, Callable[[str, Mapping[str, str]], None]] = {
            "QueueCallerJoin": self._joined,
            "AgentCalled": self._offered,
            "AgentRingNoAnswer": self._missed,
            "AgentConnect": self._connected,
            "AgentComplete": self._completed,
            "BridgeEnter": self._bridged,
            "Hold": self._held,
            "Unhold": self._resumed,
            "BlindTransfer": self._sent_on,
            "AttendedTransfer": self._sent_on,
            "HangupRequest": self._caller_hangs_up,
            "Hangup": self._hung_up,
        }

    @property
    def live(self) -> frozenset[str]:
        """The ids of the calls that are known to be up."""
        return frozenset(self._calls)

    def hear(self, event: Mapping[str, str]) -> None:
        """Take one manager event. An event without a call's id is no step of a call."""
        meaning = self._meanings.get(event.get("Event", ""))
        call = event.get("Linkedid") or event.get("Uniqueid") or event.get("TransfereeLinkedid")
        if meaning is not None and call:
            meaning(call, event)

    def note(self, event: Event) -> None:
        """Take a fact that a flow has written down: it tells where the caller is while Asterisk says nothing of it."""
        match event:
            case CallRang():
                self._calls.setdefault(event.call, Progress(rang=self._now(), place="ringing"))
            case CallAnswered():
                self._of(event.call).place = "menu"
            case CallRouted(to="message"):
                self._of(event.call).place = "message"
            case MessageLeft():
                self._of(event.call).left_message = True

    def agent_answered(self, call: str, agent: str) -> None:
        """An agent picked up and the greeting begins. Asterisk itself reports it only after the greeting."""
        progress = self._of(call)
        if progress.agent == agent or progress.queue is None:
            return
        progress.agent, progress.place = agent, "greeting"
        waited = self._now() - (progress.joined or progress.rang)
        self._record(AgentAnswered(at=self._now(), call=call, agent=agent, queue=progress.queue, waited=waited))

    def seen_live(self, calls: frozenset[str]) -> None:
        """The link is back, and these callers' lines are up: forget, with a fact, the calls that ended unseen."""
        for call in self._calls.keys() - calls:
            self._close(call, by=None, why="not seen")
        for call in calls:
            self._calls.setdefault(call, Progress(rang=self._now()))

    # The caller waits

    def _joined(self, call: str, event: Mapping[str, str]) -> None:
        progress = self._of(call)
        if progress.agent is not None and not progress.talked:
            self._record(CallRequeued(at=self._now(), call=call, why="agent-hung-up"))
        elif progress.talked:
            self._talk_over(call, progress, by="agent")
        progress.queue, progress.agent, progress.talked = event["Queue"], None, False
        progress.place = "queue"
        # A caller who is put back keeps the time waited so far.
        progress.joined = progress.joined or self._now()
        self._record(CallQueued(at=self._now(), call=call, queue=event["Queue"], position=int(event["Position"])))

    def _offered(self, call: str, event: Mapping[str, str]) -> None:
        agent, now = event["MemberName"], self._now()
        self._of(call).offered[agent] = now
        self._record(AgentOffered(at=now, call=call, agent=agent, queue=event["Queue"]))

    def _missed(self, call: str, event: Mapping[str, str]) -> None:
        agent, now = event["MemberName"], self._now()
        rang = now - self._of(call).offered.pop(agent, now)
        self._record(OfferMissed(at=now, call=call, agent=agent, queue=event["Queue"], rang=rang))

    # They talk

    def _connected(self, call: str, event: Mapping[str, str]) -> None:
        """The greeting is over. Usually its door has told us who answered; if that was down, we learn it here."""
        progress = self._of(call)
        progress.queue = progress.queue or event["Queue"]
        self.agent_answered(call, event["MemberName"])

    def _bridged(self, call: str, _: Mapping[str, str]) -> None:
        progress = self._of(call)
        agent = progress.handed_to or progress.agent
        if agent is None or progress.talking_since is not None:
            return
        progress.agent, progress.handed_to = agent, None
        progress.talking_since, progress.talked = self._now(), True
        self._record(TalkStarted(at=self._now(), call=call, agent=agent))

    def _held(self, call: str, event: Mapping[str, str]) -> None:
        agent = self._holding_agent(call, event)
        if agent is not None:
            self._record(HoldStarted(at=self._now(), call=call, agent=agent))

    def _resumed(self, call: str, event: Mapping[str, str]) -> None:
        agent = self._holding_agent(call, event)
        if agent is not None:
            self._record(HoldEnded(at=self._now(), call=call, agent=agent))

    def _holding_agent(self, call: str, event: Mapping[str, str]) -> str | None:
        """Who holds: the agent of a known call, unless it is the caller's own line that holds."""
        progress = self._calls.get(call)
        return None if progress is None or event["Channel"].startswith(CARRIER) else progress.agent

    def _sent_on(self, _: str, event: Mapping[str, str]) -> None:
        blind = event["Event"] == "BlindTransfer"
        call = event["TransfereeLinkedid"] if blind else event["OrigTransfererLinkedid"]
        progress = self._calls.get(call)
        if progress is None or event.get("Result", "Success") != "Success":
            return
        to = event["Extension"] if blind else event.get("SecondTransfererConnectedLineNum", "")
        kind: Literal["blind", "attended"] = "blind" if blind else "attended"
        agent = progress.agent or ""
        self._record(CallTransferred(at=self._now(), call=call, kind=kind, to=to, by=agent))
        self._talk_over(call, progress, by="agent")
        progress.handed_to, progress.agent = to, None
        if not blind:
            self._bridged(call, event)

    def _completed(self, call: str, event: Mapping[str, str]) -> None:
        progress = self._calls.get(call)
        if progress is not None and event["Reason"] in ("caller", "agent"):
            by: Party = "caller" if event["Reason"] == "caller" else "agent"
            self._talk_over(call, progress, by=by)

    def _talk_over(self, call: str, progress: Progress, *, by: Party | None) -> None:
        if progress.talking_since is None or progress.agent is None:
            return
        now = self._now()
        talked, progress.talking_since = now - progress.talking_since, None
        self._record(TalkEnded(at=now, call=call, agent=progress.agent, by=by, talked=talked))

    # It ends

    def _caller_hangs_up(self, call: str, _: Mapping[str, str]) -> None:
        self._of(call).hung_up_by_caller = True

    def _hung_up(self, call: str, event: Mapping[str, str]) -> None:
        progress = self._of(call)
        self._close(call, by="caller" if progress.hung_up_by_caller else "hotline", why=event.get("Cause-txt", ""))

    def _close(self, call: str, *, by: Party | None, why: str) -> None:
        progress = self._calls.pop(call)
        self._talk_over(call, progress, by=by if by == "caller" else "agent")
        if by == "caller" and not (progress.talked or progress.left_message):
            waited = self._now() - (progress.joined or progress.rang)
            self._record(CallAbandoned(at=self._now(), call=call, where=progress.place, waited=waited))
        self._record(CallEnded(at=self._now(), call=call, by=by, why=why))
        self._ended(call)

    def _of(self, call: str) -> Progress:
        progress = self._calls.get(call)
        if progress is None:
            structlog.get_logger().info("a call that began unseen", call=call)
            progress = self._calls[call] = Progress(rang=self._now())
        return progress
