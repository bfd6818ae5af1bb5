"""What Asterisk tells about calls becomes facts in the event log.

The flows write down what a caller hears and presses; from the queue on, Asterisk keeps the call and its manager events
are our eyes. Each event here is one line of a table: name, what it means. Asterisk's own words for times and outcomes
mislead (its hold time includes the greeting, its 'abandoned' includes time-outs, its 'agent complete' comes twice or
never after a hang-up in the greeting or a transfer): times and outcomes are ours.

    QueueCallerJoin       the caller began to wait, or is back in the queue
    AgentCalled           an agent's phone rings
    AgentRingNoAnswer     it was not picked up, busy or refused
    (greeting door)       an agent picked up: `agent_answered`
    BridgeEnter           the caller and the one at the other end hear each other
    Hold, Unhold          the agent's phone holds the call
    BlindTransfer         the agent sends the caller on, to whoever picks up there
    AttendedTransfer      the agent leaves the caller with a colleague who was asked first, or still rings
    HangupRequest         somebody hung up, and who: the caller, or the agent
    Hangup                the caller's line is down

A call is named by the id of the caller's line. An event names a line (Uniqueid) and the oldest one it was ever
connected with (Linkedid): so what happens to the caller's own line is told from what happens to another line of the
call.

Where a call stands follows from its facts alone (`Progress.follow`), so after a restart of ours the log tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol

import structlog

from routing.events import (
    AgentAnswered,
    AgentOffered,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallFound,
    CallPlaced,
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

LINK: Final = "Local/_attended@"

FIRST: Final = "first"
"""The extension by which the dialplan puts a caller back, before all others."""

OF_CALLERS: Final = f"header(Channel),method(starts_with) = {CARRIER}"

WANTED: Final = (
    "name(FullyBooted)",
    f"name(QueueCallerJoin),{OF_CALLERS}",
    f"name(AgentCalled),{OF_CALLERS}",
    f"name(AgentRingNoAnswer),{OF_CALLERS}",
    f"name(BridgeEnter),{OF_CALLERS}",
    "name(Hold)",
    "name(Unhold)",
    "name(BlindTransfer)",
    "name(AttendedTransfer)",
    "name(HangupRequest)",
    f"name(Hangup),{OF_CALLERS}",
)
"""The events we ask Asterisk for; all others stay there, which is most of the work saved."""

REMEMBERED: Final = 10_000
"""So many calls that have ended are remembered: what is heard of them late is no new call."""

log = structlog.get_logger()


@dataclass(slots=True)
class Progress:
    """Where one live call stands."""

    rang: datetime | None = None
    """None for a call of which we saw neither the ring nor what the log says."""
    place: Place = "menu"
    """Where the caller is before the talk."""
    priority: int = 0
    queue: str | None = None
    joined: datetime | None = None
    """Since when the caller waits; one who is put back before a talk keeps the time waited so far."""
    offered: dict[str, datetime] = field(default_factory=dict)
    agent: str | None = None
    """Who has picked up."""
    talking_since: datetime | None = None
    on_hold: bool = False
    talked: bool = False
    """Since the caller waited last."""
    handed_to: str | None = None
    """What the agent dialled who sent the caller on, until somebody picks up there."""
    asked_first: bool = False
    """Whether that agent had dialled it on another line, and handed the caller over while it still rang."""
    gone: str | None = None
    """The agent who hung up in the greeting: a bridge that Asterisk still makes, for some milliseconds, is no talk."""
    left_message: bool = False
    hung_up: bool = False
    """Whether it was the caller."""

    def follow(self, fact: Event) -> None:
        """Take one fact of this call, in their order."""
        match fact:
            case CallRang():
                self.rang, self.place = fact.at, "ringing"
            case CallPlaced():
                self.place = "ringing"
            case CallAnswered():
                self.place = "menu"
            case CallRouted(to="message"):
                self.place = "message"
            case CallRouted():
                self.priority = fact.priority
            case CallQueued():
                self.queue, self.place, self.joined = fact.queue, "queue", self.joined or fact.at
                self.agent, self.talked, self.handed_to = None, False, None
            case AgentOffered():
                self.queue, self.joined, self.gone = fact.queue, self.joined or fact.at, None
                self.offered[fact.agent] = fact.at
            case OfferMissed():
                self.offered.pop(fact.agent, None)
            case AgentAnswered():
                self.agent, self.place = fact.agent, "greeting"
            case TalkStarted():
                self.agent, self.talking_since, self.on_hold, self.talked = fact.agent, fact.at, False, True
                self.joined, self.handed_to = None, None
            case HoldStarted() | HoldEnded():
                self.on_hold = isinstance(fact, HoldStarted)
            case CallTransferred():
                self.handed_to, self.asked_first = fact.to, fact.kind == "attended"
            case TalkEnded():
                self.agent, self.talking_since, self.on_hold = None, None, False
            case MessageLeft():
                self.left_message = True
            case CallFound():
                self.place, self.agent, self.talking_since, self.on_hold = fact.place, None, None, False
                self.offered.clear()


class HandedOver(Protocol):
    """Told when a colleague who was asked first has the caller (`routing/keypad.py`)."""

    def __call__(self, call: str, *, line: str | None, bridge: str) -> None:
        """`line` is the colleague's, None if it rang still as the agent left: then it is the other one in `bridge`."""


class Ends(NamedTuple):
    """The two ends of an attended transfer: the caller's call, and the names of the event's fields for the others."""

    call: str
    other: Literal["TransferTarget", "Transferee"]
    mine: Literal["OrigTransferer", "SecondTransferer"]
    """The agent's line to the caller."""
    asking: Literal["OrigTransferer", "SecondTransferer"]
    """The agent's line to the colleague."""


class Watch:
    """Turns one Asterisk's manager events into facts, in the order they come."""

    def __init__(
        self,
        record: Callable[[Event], None],
        *,
        ended: Callable[[str], None],
        agent_left: Callable[[str], None] = lambda _: None,
        handed_over: HandedOver = lambda call, *, line, bridge: None,  # noqa: ARG005
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`record` writes a fact down; `ended` is told the id of each call whose line is down.

        `agent_left` is told the call whose agent hung up in the greeting.
        """
        self._record, self._ended, self._now = record, ended, now
        self._agent_left, self._colleague_has = agent_left, handed_over
        self._calls: dict[str, Progress] = {}
        self._over: dict[str, None] = {}
        self._meanings: Mapping[str, Callable[[Mapping[str, str]], None]] = {
            "QueueCallerJoin": self._joined,
            "AgentCalled": self._offered,
            "AgentRingNoAnswer": self._missed,
            "BridgeEnter": self._connected,
            "Hold": self._held,
            "Unhold": self._resumed,
            "BlindTransfer": self._sent_on,
            "AttendedTransfer": self._handed_over,
            "HangupRequest": self._somebody_hangs_up,
            "Hangup": self._line_down,
        }

    @property
    def live(self) -> frozenset[str]:
        """The ids of the calls that are known to be up."""
        return frozenset(self._calls)

    def hear(self, event: Mapping[str, str]) -> None:
        """Take one manager event."""
        meaning = self._meanings.get(event.get("Event", ""))
        if meaning is not None:
            meaning(event)

    def note(self, fact: Event) -> None:
        """Take a fact that a flow has written down: it tells where the caller is while Asterisk says nothing of it."""
        if fact.call is None or fact.call in self._over:
            return
        if fact.call not in self._calls and isinstance(fact, CallRang | CallPlaced):
            self._calls[fact.call] = Progress()
        if (progress := self._calls.get(fact.call)) is not None:
            progress.follow(fact)

    def agent_answered(self, call: str, agent: str) -> None:
        """An agent picked up and the greeting begins; told by the greeting's door."""
        progress = self._calls.get(call)
        if progress is None or progress.queue is None or progress.agent == agent:
            return
        waited = self._now() - (progress.joined or progress.rang or self._now())
        self._tell(AgentAnswered(at=self._now(), call=call, agent=agent, queue=progress.queue, waited=waited))

    def recall(self, call: str, facts: Iterable[Event]) -> None:
        """Take up a call from the log, as far as it got while we could see."""
        progress = self._calls[call] = Progress()
        for fact in facts:
            progress.follow(fact)

    def seen_live(self, calls: frozenset[str], *, before: frozenset[str]) -> None:
        """The link is back, and these callers' lines are up: end the calls that ended unseen.

        `before` is what was `live` before Asterisk was asked: a call that began since then is not missed.
        """
        for call in before - calls:
            self._close(call, by=None, why="not seen")
        for call in calls - self._over.keys():
            self._calls.setdefault(call, Progress())

    def seen_at(self, call: str, place: Place) -> None:
        """Asterisk has this caller's line here, and not where we had it: a talk of theirs is over, unseen."""
        progress = self._calls.setdefault(call, Progress())
        self._end_talk(call, progress, by=None)
        self._tell(CallFound(at=self._now(), call=call, place=place))

    def seen_offered(self, call: str, *, agent: str, queue: str) -> None:
        """A phone rings for this caller, and we did not see it begin."""
        if call in self._calls:
            self._tell(AgentOffered(at=self._now(), call=call, agent=agent, queue=queue))

    def seen_connected(self, line: Mapping[str, str]) -> None:
        """The link is back, and this caller's line is connected with somebody: a talk may have begun unseen."""
        self._connected({**line, "BridgeNumChannels": "2", "BridgeUniqueid": line["BridgeId"]})

    def seen_waiting(self, entry: Mapping[str, str]) -> None:
        """The link is back, and this is a caller's place in a queue: perhaps taken unseen."""
        call, queue = entry["Uniqueid"], entry["Queue"]
        progress = self._calls.get(call)
        if progress is None or (progress.queue == queue and progress.talking_since is None):
            return
        self._end_talk(call, progress, by="agent")  # who else could have sent the caller back
        since = self._now() - timedelta(seconds=int(entry["Wait"]))
        self._tell(
            CallQueued(at=since, call=call, queue=queue, priority=progress.priority, position=int(entry["Position"]))
        )

    # The caller waits

    def _joined(self, event: Mapping[str, str]) -> None:
        call, progress = self._own(event)
        if progress is None:
            return
        self._end_talk(call, progress, by="agent")
        if event.get("Exten") == FIRST:
            why = "agent-hung-up" if progress.handed_to is None else "transfer-not-answered"
            self._tell(CallRequeued(at=self._now(), call=call, why=why))
        position, priority = int(event["Position"]), progress.priority
        self._tell(CallQueued(at=self._now(), call=call, queue=event["Queue"], priority=priority, position=position))

    def _offered(self, event: Mapping[str, str]) -> None:
        call, progress = self._own(event)
        if progress is not None:
            self._tell(AgentOffered(at=self._now(), call=call, agent=event["MemberName"], queue=event["Queue"]))

    def _missed(self, event: Mapping[str, str]) -> None:
        call, progress = self._own(event)
        if progress is not None:
            agent, now = event["MemberName"], self._now()
            rang = now - progress.offered.get(agent, now)
            self._tell(OfferMissed(at=now, call=call, agent=agent, queue=event["Queue"], rang=rang))

    # They talk

    def _connected(self, event: Mapping[str, str]) -> None:
        call, progress = self._own(event)
        if progress is None or progress.hung_up or int(event["BridgeNumChannels"]) < 2:
            return  # one of the two is gone already
        agent = _number(event.get("ConnectedLineNum", "")) or progress.handed_to or progress.agent
        if agent is None or agent == progress.gone or (progress.talking_since is not None and agent == progress.agent):
            return
        self._end_talk(call, progress, by="agent")
        if progress.handed_to is not None and progress.asked_first:
            self._colleague_has(call, line=None, bridge=event["BridgeUniqueid"])
        elif progress.handed_to is None and not progress.talked:
            self.agent_answered(call, agent)  # unless the greeting's door has said so
        self._tell(TalkStarted(at=self._now(), call=call, agent=agent))

    def _held(self, event: Mapping[str, str]) -> None:
        call, progress = self._with_agent(event)
        if progress is not None and progress.talking_since is not None and not progress.on_hold:
            self._tell(HoldStarted(at=self._now(), call=call, agent=event["CallerIDNum"]))

    def _resumed(self, event: Mapping[str, str]) -> None:
        # A phone that transfers resumes first, whether it held or not.
        call, progress = self._with_agent(event)
        if progress is not None and progress.on_hold:
            self._tell(HoldEnded(at=self._now(), call=call, agent=event["CallerIDNum"]))

    def _sent_on(self, event: Mapping[str, str]) -> None:
        call = self._at(event, "Transferee")
        if event["Result"] == "Success" and call is not None:
            self._transferred(call, "blind", to=event["Extension"], by=event["TransfererCallerIDNum"])

    def _handed_over(self, event: Mapping[str, str]) -> None:
        ends = self._ends(event)
        if event["Result"] != "Success" or ends is None:
            return
        call, to = ends.call, event[f"{ends.asking}Exten"]
        self._transferred(call, "attended", to=to, by=event[f"{ends.mine}CallerIDNum"])
        if line := event.get(f"{ends.other}Uniqueid"):
            agent = _number(event[f"{ends.other}CallerIDNum"]) or to
            self._colleague_has(call, line=line, bridge=event.get("DestBridgeUniqueid", ""))
            self._tell(TalkStarted(at=self._now(), call=call, agent=agent))

    def _ends(self, event: Mapping[str, str]) -> Ends | None:
        """Which end of an attended transfer is a caller of ours: a phone may ask for it on either of its two lines."""
        if (call := self._at(event, "Transferee")) is not None:
            return Ends(call, "TransferTarget", mine="OrigTransferer", asking="SecondTransferer")
        if (call := self._at(event, "TransferTarget")) is not None:
            return Ends(call, "Transferee", mine="SecondTransferer", asking="OrigTransferer")
        return None

    def _at(self, event: Mapping[str, str], end: str) -> str | None:
        """The call whose caller is at this end of a transfer.

        A caller who was handed over to whom a queue gave stays behind a pair of Asterisk's own lines that links the two
        queues' bridges; the next transfer then names one of these.
        """
        line = "Linkedid" if event.get(f"{end}Channel", "").startswith(LINK) else "Uniqueid"
        call = event.get(f"{end}{line}")
        return call if call in self._calls else None

    def _transferred(self, call: str, kind: Literal["blind", "attended"], *, to: str, by: str) -> None:
        progress = self._calls[call]
        self._end_hold(call, progress)
        self._tell(CallTransferred(at=self._now(), call=call, kind=kind, to=to, by=by))
        self._end_talk(call, progress, by="agent")

    def _end_talk(self, call: str, progress: Progress, *, by: Party | None) -> None:
        self._end_hold(call, progress)
        if progress.talking_since is not None and progress.agent is not None:
            talked = self._now() - progress.talking_since
            self._tell(TalkEnded(at=self._now(), call=call, agent=progress.agent, by=by, talked=talked))

    def _end_hold(self, call: str, progress: Progress) -> None:
        if progress.on_hold and progress.agent is not None:
            self._tell(HoldEnded(at=self._now(), call=call, agent=progress.agent))

    # It ends

    def _somebody_hangs_up(self, event: Mapping[str, str]) -> None:
        call, progress = self._own(event)
        if progress is not None:
            progress.hung_up = True
            self._end_talk(call, progress, by="caller")
            return
        call, progress = self._with_agent(event)
        if progress is not None and progress.talking_since is not None:
            self._end_talk(call, progress, by="agent")
        elif progress is not None:
            progress.gone = progress.agent
            self._agent_left(call)

    def _line_down(self, event: Mapping[str, str]) -> None:
        call, progress = self._own(event)
        if progress is not None:
            self._close(call, by="caller" if progress.hung_up else "hotline", why=event.get("Cause-txt", ""))

    def _close(self, call: str, *, by: Party | None, why: str) -> None:
        """End a call. Of one that ended unseen nobody knows how long the talk was: the log does not say."""
        progress = self._calls.setdefault(call, Progress())
        if by is not None:
            self._end_talk(call, progress, by="agent")
        gave_up = by == "caller" and not (progress.talked or progress.left_message)
        if gave_up and progress.rang is not None:
            waited = self._now() - (progress.joined or progress.rang)
            self._tell(CallAbandoned(at=self._now(), call=call, where=progress.place, waited=waited))
        self._tell(CallEnded(at=self._now(), call=call, by=by, why=why))
        self._calls.pop(call, None)
        self._over[call] = None
        if len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]
        self._ended(call)

    # Whose line is it?

    def _own(self, event: Mapping[str, str]) -> tuple[str, Progress | None]:
        """The call whose caller's own line this event is about; one that we see for the first time begins here."""
        line = event["Uniqueid"]
        progress = self._calls.get(line)
        is_callers = event["Channel"].startswith(CARRIER) and line == event["Linkedid"]
        if progress is None and is_callers and line not in self._over:
            log.info("a call that began unseen", call=line)
            progress = self._calls[line] = Progress()
        return line, progress

    def _with_agent(self, event: Mapping[str, str]) -> tuple[str, Progress | None]:
        """The call that has this event's line as its agent's, whether they talk or the greeting plays."""
        call = event["Linkedid"]
        progress = self._calls.get(call)
        is_agents = progress is not None and event["Uniqueid"] != call and event.get("CallerIDNum") == progress.agent
        return call, progress if is_agents else None

    def _tell(self, fact: Event) -> None:
        assert fact.call is not None
        self._calls[fact.call].follow(fact)
        self._record(fact)


def _number(shown: str) -> str | None:
    """What a line shows as its number, if it is one: a work number, or what an agent dialled."""
    return shown if shown.isdecimal() else None
