"""Tells one call as lines a person can follow, from its events only.

    00:00.0  caller      138****5678 calls 95598
    00:00.2  hotline     answers
    00:03.2  hotline     greeting (heard 2.1 s of 4.0 s, cut by a key)

Events may be missing (a server was down) or odd. A step that must have happened but was not recorded is named as such
in a line of its own; nothing is invented. More events only add lines: what was told stays told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    AgentRestored,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnpaused,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRang,
    CallRequeued,
    CallRouted,
    CallTransferred,
    Event,
    EventsLost,
    GreetingEnded,
    GreetingStarted,
    HoldEnded,
    HoldStarted,
    HotlineStarted,
    KeyPressed,
    Keys,
    LinkBack,
    LinkLost,
    MessageLeft,
    NoKey,
    OfferMissed,
    PhoneNumber,
    PromptHeard,
    RecordingKept,
    TalkEnded,
    TalkStarted,
    WrongKey,
)
from routing.story_words import Language, words_in

PRECEDED_BY: Final[Mapping[type[Event], tuple[type[Event], ...]]] = {
    CallAnswered: (CallRang,),
    PromptHeard: (CallAnswered,),
    KeyPressed: (CallAnswered,),
    WrongKey: (CallAnswered,),
    NoKey: (CallAnswered,),
    CallRouted: (CallAnswered,),
    CallQueued: (CallAnswered,),
    AgentOffered: (CallQueued,),
    OfferMissed: (AgentOffered,),
    AgentAnswered: (AgentOffered,),
    GreetingStarted: (AgentAnswered,),
    GreetingEnded: (GreetingStarted,),
    CallRequeued: (AgentAnswered,),
    TalkStarted: (AgentAnswered, CallTransferred),
    HoldStarted: (TalkStarted,),
    HoldEnded: (HoldStarted,),
    CallTransferred: (TalkStarted, TalkEnded),
    TalkEnded: (TalkStarted,),
    MessageLeft: (CallAnswered,),
    CallAbandoned: (CallRang,),
    CallEnded: (CallRang,),
}
"""Each step, and the steps of which one must have come before. If none was recorded, the first is named as missing."""

UNDONE_BY: Final[Mapping[type[Event], tuple[type[Event], ...]]] = {
    CallQueued: (AgentOffered, AgentAnswered),
    CallRequeued: (AgentOffered, AgentAnswered),
    GreetingEnded: (GreetingStarted,),
    HoldEnded: (HoldStarted,),
    TalkEnded: (TalkStarted, HoldStarted, AgentAnswered),
}
"""Each step, and the earlier ones that must happen anew before what they lead to can happen again."""

STEP_NAMES: Final[Mapping[type[Event], str]] = {
    CallRang: "step-rang",
    CallAnswered: "step-answered",
    CallQueued: "step-queued",
    AgentOffered: "step-offered",
    AgentAnswered: "step-agent-answered",
    GreetingStarted: "step-greeting-started",
    TalkStarted: "step-talk-started",
    TalkEnded: "step-talk-ended",
    HoldStarted: "step-hold-started",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story. `offset` counts from the first event, usually the ring."""

    at: datetime
    offset: timedelta
    who: str
    what: str

    def __str__(self) -> str:
        sign, tenths = ("-" if self.offset < timedelta(0) else ""), abs(round(self.offset / timedelta(seconds=0.1)))
        who = self.who + " " * (12 - _width(self.who))
        return f"{sign}{tenths // 600:02}:{tenths // 10 % 60:02}.{tenths % 10}  {who}{self.what}"


def tell(events: Sequence[Event], language: Language, *, reveal: bool = False) -> list[Line]:
    """Tell a call, oldest event first. Numbers and keys are masked unless `reveal`; no line holds control characters."""
    narrator = _Narrator(language, reveal)
    lines: list[Line] = []
    recorded: set[type[Event]] = set()
    for event in events:
        offset = event.at - events[0].at
        if missing := _missing(event, recorded):
            lines.append(Line(event.at, offset, *narrator.not_recorded(missing)))
        lines.append(Line(event.at, offset, *narrator.who_and_what(event)))
        recorded.update(missing)
        recorded.difference_update(UNDONE_BY.get(type(event), ()))
        recorded.add(type(event))
    return lines


def summary(events: Sequence[Event], language: Language) -> str:
    """Tell what became of a call, in one line without numbers or keys."""
    return _Narrator(language, reveal=False).outcome(events)


def _missing(event: Event, recorded: set[type[Event]]) -> list[type[Event]]:
    """Name the steps that must have come before this event but were not recorded, in their order."""
    if isinstance(event, CallEnded) and TalkStarted in recorded:
        return [TalkEnded]
    missing: list[type[Event]] = []
    step: type[Event] = type(event)
    while (before := PRECEDED_BY.get(step)) and recorded.isdisjoint(before):
        step = before[0]
        missing.insert(0, step)
    return missing


class _Narrator:
    """Finds the words for one event, or for the outcome of all."""

    def __init__(self, language: Language, reveal: bool) -> None:
        self._words = words_in(language)
        self._reveal = reveal

    def not_recorded(self, steps: Sequence[type[Event]]) -> tuple[str, str]:
        """Name steps that are missing."""
        names = self._words["and"].join(self._words[STEP_NAMES[step]] for step in steps)
        return self._words["gap"], self._say("not-recorded", steps=names)

    def who_and_what(self, event: Event) -> tuple[str, str]:
        """Tell an event: who, and what they did."""
        who, key, values = self._told(event)
        who = self._say("agent", agent=event.agent) if who == "agent" else self._words[who]
        return who, self._say(key, **values)

    def _told(self, event: Event) -> tuple[str, str, dict[str, object]]:
        """Return who ("agent" is the event's agent), the key of the words, and what is filled in."""
        match event:
            case CallRang():
                return "caller", "rang", {"caller": self._number(event.caller), "dialled": event.dialled}
            case CallAnswered():
                return "hotline", "answered", {}
            case PromptHeard():
                return "hotline", _prompt_key(event), _fields(event, "prompt", "heard", "length")
            case KeyPressed():
                return "caller", "key", {"key": self._keys(event.key), "prompt": event.at_prompt}
            case WrongKey():
                return "caller", "wrong-key", {"key": self._keys(event.key), "prompt": event.at_prompt}
            case NoKey():
                return "caller", "no-key", _fields(event, "prompt")
            case CallRouted(to="message" | "hangup"):
                return "hotline", f"routed-{event.to}", {}
            case CallRouted():
                return "hotline", "routed-priority" if event.priority else "routed", _fields(event, "to", "priority")
            case CallQueued():
                key = "queued" if event.position is None else "queued-position"
                return "queue", key, _fields(event, "queue", "position")
            case AgentOffered():
                return "queue", "offered", _fields(event, "agent")
            case OfferMissed():
                return "agent", "missed", _fields(event, "rang")
            case AgentAnswered():
                return "agent", "agent-answered", _fields(event, "waited")
            case GreetingStarted():
                return "hotline", "greeting-started", _fields(event, "agent")
            case GreetingEnded():
                return "hotline", "greeting-ended" if event.whole else "greeting-cut", {}
            case CallRequeued():
                return "queue", "requeued", {"why": self._words.get(event.why, event.why)}
            case TalkStarted():
                return "agent", "talk-started", {}
            case HoldStarted():
                return "agent", "hold-started", {}
            case HoldEnded():
                return "agent", "hold-ended", {}
            case TalkEnded():
                return self._talk_ended(event)
            case _:
                return self._told_of_the_end(event)
