"""The facts of a call and of an agent's day: what happened, when, to whom. A fact is never changed or taken back.

The kinds stand in the order a call meets them; `KINDS` at the end gives each its name in the log. Times are UTC,
durations are timedeltas that the log keeps to the millisecond. A field that is None was not known when the fact was
recorded. `routing/events_json.py` writes and reads them, `routing/log.py` keeps them, `routing/story.py` tells them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Party = Literal["caller", "agent", "hotline"]
"""Who did it; "hotline" is the machine: a flow, the dialplan, a time limit."""

Place = Literal["ringing", "menu", "queue", "greeting", "message"]
"""Where a caller can be before the talk; "greeting" is while the agent's work number is said."""

_MASKED: Final = re.compile(r"\+?\d{0,11}\*{4}\d{0,4}")


@dataclass(frozen=True, slots=True, repr=False)
class PhoneNumber:
    """A caller's number as the carrier sent it, so any text at all. Printed and logged, it is masked.

    The whole number is had by asking for `digits`, and by nothing else.
    """

    digits: str

    def masked(self) -> str:
        """138****5678: the four digits before the last four are hidden, and more of what is short or no number.

        A number that was masked on its way here stays as it is.
        """
        number = self.digits
        if _MASKED.fullmatch(number):
            return number
        if not number.removeprefix("+").isdecimal() or len(number) <= 4:
            return "****"
        if len(number) < 8:
            return "****" + number[-2:]
        return number[:-8] + "****" + number[-4:]

    __str__ = __repr__ = masked


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What a caller pressed, one key or several. Printed and logged, it is masked: it may be an account or a PIN."""

    pressed: str

    def masked(self) -> str:
        """Show that something was pressed, neither what nor how much."""
        return "•"

    __str__ = __repr__ = masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact. `at` must be aware; `call` is the call's id, `agent` a work number, where the fact concerns one."""

    at: datetime
    call: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep(Event):
    """A step of one call."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStep(CallStep):
    """A step of one call in which an agent takes part."""

    agent: str


# It rings, and the hotline talks.


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRang(CallStep):
    """A call came in. `caller` is None when the number is withheld; `dialled` is the hotline's own number."""

    caller: PhoneNumber | None
    dialled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlaced(CallStep):
    """We call somebody (`caller`), by this script. Whether anybody answered is told by what follows.

    `shown` is the number of ours that the callee sees: one of the line in whose name we call. Events from before it was
    written down have none.
    """

    caller: PhoneNumber
    script: str
    shown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(CallStep):
    """The hotline picked up, or whom we called did; from here on the caller hears us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptHeard(CallStep):
    """A prompt was played. `at` is when it began, `heard` how much of its `length` the caller heard."""

    prompt: str
    language: str
    version: str
    heard: timedelta
    length: timedelta
    cut_by: Literal["key", "hang-up"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed(CallStep):
    """The caller pressed a key that this prompt offers."""

    key: Keys
    at_prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongKey(CallStep):
    """The caller pressed a key that this prompt does not offer (recorded instead of `KeyPressed`)."""

    key: Keys
    at_prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoKey(CallStep):
    """The caller pressed nothing in the time this prompt gives."""

    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageChosen(CallStep):
    """The caller chose a language by key; the next call from the same number begins in it."""

    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRouted(CallStep):
    """It is decided: `to` is a queue, or "message" or "hangup". A higher `priority` goes first; 0 is everyone's.

    `why` a message is asked for: "closed", or the queue's word for giving the caller back: "timeout", "full",
    "joinempty" (nobody signed in), "leaveempty" (the last agent left).
    """

    to: str
    priority: int
    why: str | None = None


# The caller waits, agents are asked.


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued(CallStep):
    """The caller began to wait. A higher `priority` goes first; 0 is everyone's."""

    queue: str
    priority: int = 0
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOffered(SharedStep):
    """An agent's phone began to ring for this caller."""

    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMissed(SharedStep):
    """An agent did not take the offer: no answer, busy, or refused. `rang` is how long the phone rang."""

    queue: str
    rang: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAnswered(SharedStep):
    """An agent picked up: the caller no longer waits, but is not yet talking (the greeting plays)."""

    queue: str
    waited: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetingStarted(SharedStep):
    """The caller begins to hear the agent's work number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetingEnded(SharedStep):
    """The work number was said, or somebody hung up in the middle of it (`whole` is False)."""

    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequeued(CallStep):
    """The caller went back to the queue, first in line. `why`, for example "agent-hung-up"."""

    why: str


# They talk.


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkStarted(SharedStep):
    """Caller and agent hear each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStarted(SharedStep):
    """The agent put the caller on hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded(SharedStep):
    """The agent took the caller back from hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(CallStep):
    """An agent (`by`, a work number) handed the caller over to an agent, a queue or a department number."""

    kind: Literal["blind", "attended"]
    to: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded(SharedStep):
    """The talk with this agent is over. `talked` includes holds; `by` is None when nobody saw who ended it."""

    by: Party | None
    talked: timedelta


# How it ends.


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAbandoned(CallStep):
    """The caller hung up before talking to anyone or leaving a message.

    `waited` counts from the ring, in the queue from `CallQueued`.
    """

    where: Place
    waited: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLeft(CallStep):
    """The caller left a message; `file` is a name made of ids, without a folder."""

    file: str
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingKept(CallStep):
    """The recording of a talk is complete on disk; `file` is a name made of ids, without a folder."""

    file: str
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(CallStep):
    """The caller's line is down: the last step, though a recording may be kept after it. `why` is Asterisk's word."""

    by: Party | None
    why: str


# An agent's day.


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStep(Event):
    """A step an agent took and saw confirmed: the last one says how to restore the agent."""

    call: None = None
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignedIn(AgentStep):
    """The agent is ready for offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignedOut(AgentStep):
    """The agent gets no more offers until the next sign-in. `by` is the user who made the agent do it."""

    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPaused(AgentStep):
    """The agent gets no offers for now. `by` is the user who made the agent do it."""

    reason: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUnpaused(AgentStep):
    """The agent is ready again. `by` is the user who made the agent do it."""

    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRestored(Event):
    """After Asterisk had lost it, the agent was given back the state of the last `AgentStep`."""

    call: None = None
    agent: str
    state: Literal["ready", "paused", "signed-out"]
    reason: str | None = None


# What people at the desk did.


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStep(CallStep):
    """Somebody did something with a call, perhaps long after its end; `by` is the user's name."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRevealed(DeskStep):
    """A user asked for the caller's whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPlayed(DeskStep):
    """A user asked for the sound of a talk; `file` is its name."""

    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkAttended(DeskStep):
    """A user's phone was connected with a talk: to listen, to whisper to the agent, or to speak with both (barge).

    `with_agent` is the work number. It is no step of the agent's, who may not know of it.
    """

    with_agent: str
    how: Literal["listen", "whisper", "barge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMoved(DeskStep):
    """A user took a waiting caller out of the queue: `to` is another queue, or "message"."""

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent(Event):
    """Something happens to an agent, not to a call."""

    call: None = None
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpStarted(AgentEvent):
    """The agent has this long to note down what the talk was about; no call is offered meanwhile."""

    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpExtended(AgentEvent):
    """The agent asked for so much more time to wrap up."""

    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpEnded(AgentEvent):
    """The wrap-up is over: its time is up, or the agent was done sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneLost(AgentEvent):
    """The agent's phone cannot be reached: not registered, or it does not answer. It is offered nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneBack(AgentEvent):
    """The agent's phone can be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkEvent(Event):
    """Something happens to a trunk; `trunk` is the carrier's name or, of a registration, its address."""

    call: None = None
    agent: None = None
    trunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkLost(TrunkEvent):
    """The carrier cannot be reached, or refuses our registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkBack(TrunkEvent):
    """The carrier can be reached again."""


# What somebody had to know at once.

AlarmKind = Literal[
    "longest-wait",
    "nobody-ready",
    "service-level",
    "calls-swing",
    "trunk-lost",
    "phone-lost",
    "asterisk-lost",
    "log-stuck",
    "drift",
    "outbox-stuck",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """Something is wrong since then; `alarm` is its name while it is on.

    `of` is the agent, the trunk or the area that it is about; `value` and `limit` say how wrong, as text for people.
    """

    call: None = None
    agent: None = None
    alarm: str
    kind: AlarmKind
    since: datetime
    queue: str | None = None
    of: str | None = None
    value: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEnded(Event):
    """It is wrong no more."""

    call: None = None
    agent: None = None
    alarm: str
    kind: AlarmKind
    lasted: timedelta


# What we could not see.


Drift = Literal["call-unknown", "call-gone", "place", "waiting", "talk", "offer", "phone", "member"]
"""What was wrong: a call that is up was not shown, one that is shown is not up, its place or its wait or its talk was
another, a phone was shown ringing, a phone's being there, an agent's place in the queues.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFound(Event):
    """Our picture differed from Asterisk's own; what comes next puts it right.

    After a gap, in which nothing was seen, this is to be expected; at other times it is a mistake of ours.
    """

    kind: Drift
    after_gap: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFound(CallStep):
    """A comparison with Asterisk found the call here, contrary to what was known."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFound(AgentEvent):
    """A comparison with Asterisk found that the agent's phone has no call, contrary to what was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Event):
    """Something kept us from seeing or writing down what happened: calls going on then may lack steps."""

    call: None = None
    agent: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost(Gap):
    """The link to Asterisk broke; from here on nothing is seen."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBack(Gap):
    """The link to Asterisk stands again after this long."""

    away: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HotlineStarted(Gap):
    """Our server started; what happened since the event before this one was not seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsLost(Gap):
    """So many events were seen but dropped, because the log could not be written for too long."""

    count: int


KINDS: Final[Mapping[str, type[Event]]] = {
    "call-rang": CallRang,
    "call-placed": CallPlaced,
    "call-answered": CallAnswered,
    "prompt-heard": PromptHeard,
    "key-pressed": KeyPressed,
    "wrong-key": WrongKey,
    "no-key": NoKey,
    "language-chosen": LanguageChosen,
    "call-routed": CallRouted,
    "call-queued": CallQueued,
    "agent-offered": AgentOffered,
    "offer-missed": OfferMissed,
    "agent-answered": AgentAnswered,
    "greeting-started": GreetingStarted,
    "greeting-ended": GreetingEnded,
    "call-requeued": CallRequeued,
    "talk-started": TalkStarted,
    "hold-started": HoldStarted,
    "hold-ended": HoldEnded,
    "call-transferred": CallTransferred,
    "talk-ended": TalkEnded,
    "call-abandoned": CallAbandoned,
    "message-left": MessageLeft,
    "recording-kept": RecordingKept,
    "call-ended": CallEnded,
    "number-revealed": NumberRevealed,
    "recording-played": RecordingPlayed,
    "talk-attended": TalkAttended,
    "call-moved": CallMoved,
    "agent-signed-in": AgentSignedIn,
    "agent-signed-out": AgentSignedOut,
    "agent-paused": AgentPaused,
    "agent-unpaused": AgentUnpaused,
    "agent-restored": AgentRestored,
    "wrap-up-started": WrapUpStarted,
    "wrap-up-extended": WrapUpExtended,
    "wrap-up-ended": WrapUpEnded,
    "phone-lost": PhoneLost,
    "phone-back": PhoneBack,
    "trunk-lost": TrunkLost,
    "trunk-back": TrunkBack,
    "alarm-raised": AlarmRaised,
    "alarm-ended": AlarmEnded,
    "drift-found": DriftFound,
    "call-found": CallFound,
    "agent-found": AgentFound,
    "link-lost": LinkLost,
    "link-back": LinkBack,
    "hotline-started": HotlineStarted,
    "events-lost": EventsLost,
}
"""Each kind's name in the log and on every wire. A name stays for good, even when the class is renamed."""
