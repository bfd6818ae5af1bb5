"""Tells one call as lines a person can follow, from its events only.

    00:00.0  caller      138****5678 calls 95598
    00:00.2  hotline     answers
    00:03.2  hotline     greeting (heard 2.1 s of 4.0 s, cut by a key)

Events may be missing (a server was down) or odd. A step that must have happened but was not recorded is named as such
in a line of its own; nothing is invented. More events only add lines: what was told stays told.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from routing.events import (
    AgentAnswered,
    AgentOffered,
    AgentPaused,
    AgentSignedOut,
    AgentUnpaused,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallFound,
    CallMoved,
    CallPlaced,
    CallQueued,
    CallRang,
    CallRequeued,
    CallRouted,
    CallTransferred,
    Event,
    GreetingEnded,
    GreetingStarted,
    HoldEnded,
    HoldStarted,
    KeyPressed,
    Keys,
    LanguageChosen,
    MessageLeft,
    NoKey,
    OfferMissed,
    Party,
    PhoneNumber,
    PromptHeard,
    TalkAttended,
    TalkEnded,
    TalkStarted,
    WrongKey,
)
from routing.events_json import KIND_OF
from routing.story_words import LINES, WORDS, Language

PRECEDED_BY: Final[Mapping[type[Event], tuple[type[Event], ...]]] = {
    CallAnswered: (CallRang, CallPlaced),
    PromptHeard: (CallAnswered,),
    KeyPressed: (CallAnswered,),
    WrongKey: (CallAnswered,),
    NoKey: (CallAnswered,),
    LanguageChosen: (CallAnswered,),
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
    CallEnded: (CallRang, CallPlaced),
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


NO_TEXTS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story. `offset` counts from the first event, usually the ring."""

    at: datetime
    offset: timedelta
    who: str
    what: str

    def __str__(self) -> str:
        tenths = abs(round(self.offset / timedelta(seconds=0.1)))
        sign = "-" if self.offset < timedelta(0) else ""
        return f"{sign}{tenths // 600:02}:{tenths // 10 % 60:02}.{tenths % 10}  {_padded(self.who, 12)}{self.what}"


def tell(
    events: Sequence[Event], language: Language, *, reveal: bool = False, texts: Mapping[str, str] | None = None
) -> list[Line]:
    """Tell a call, oldest event first. Numbers and keys are masked unless `reveal`; no line has control characters.

    With `texts`, a prompt's words by its version, the story says what was heard, and else only the prompt's name.
    """
    narrator = _Narrator(language, reveal=reveal, texts=texts or {})
    lines: list[Line] = []
    recorded: set[type[Event]] = set()
    for event in events:
        offset = event.at - events[0].at
        missing = _missing_before(event, recorded)
        if missing:
            lines.append(Line(event.at, offset, *narrator.not_recorded(missing)))
        lines.append(Line(event.at, offset, *narrator.told(event)))
        recorded.update(missing)
        recorded.difference_update(UNDONE_BY.get(type(event), ()))
        recorded.add(type(event))
    return lines


def summary(events: Sequence[Event], language: Language) -> str:
    """Tell what became of a call in one line, without numbers or keys, for example:

    answered by agent 1024 after 12 s, talked 34 s, ended by the caller
    """
    narrator = _Narrator(language, decimals=0)
    if not events:
        return narrator.say("nothing")
    abandoned, message, ended = _last(events, CallAbandoned), _last(events, MessageLeft), _last(events, CallEnded)
    parts = _talk(events, narrator)
    if abandoned is not None:
        queued = _last(events, CallQueued)
        queue = queued.queue if queued is not None else None
        parts.append(narrator.say(f"abandoned {abandoned.where}", queue=queue, waited=abandoned.waited))
    if message is not None:
        parts.append(narrator.say("left a message", length=message.length))
    if ended is not None and abandoned is None:
        parts.append(narrator.say(f"ended {_ended_by(events, ended) or 'unknown'}"))
    if ended is None and abandoned is None:
        parts.append(narrator.say("open"))
    return narrator.say("and").join(parts)


def _missing_before(event: Event, recorded: set[type[Event]]) -> list[type[Event]]:
    """Name the steps that must have come before this one but were not recorded, in their order."""
    if isinstance(event, CallEnded) and TalkStarted in recorded:
        return [TalkEnded]
    missing: list[type[Event]] = []
    before = PRECEDED_BY.get(type(event), ())
    while before and recorded.isdisjoint(before):
        missing.insert(0, before[0])
        before = PRECEDED_BY.get(before[0], ())
    return missing


def _talk(events: Sequence[Event], narrator: _Narrator) -> list[str]:
    """Tell who answered, to whom the call went on, and how long they talked; nothing if nobody talked."""
    talks = [event for event in events if isinstance(event, TalkStarted | TalkEnded)]
    if not talks:
        return []
    agent = talks[0].agent
    answered = _last([event for event in events if event.agent == agent], AgentAnswered)
    if answered is not None:
        parts = [narrator.say("answered after", agent=agent, waited=answered.waited)]
    else:
        parts = [narrator.say("answered", agent=agent)]
    parts += [narrator.say("handed over", to=event.to) for event in events if isinstance(event, CallTransferred)]
    if talked := [event.talked for event in talks if isinstance(event, TalkEnded)]:
        parts.append(narrator.say("talked", talked=sum(talked, timedelta(0))))
    elif _last(events, CallEnded) is not None:
        parts.append(narrator.say("talked unknown"))
    return parts


def _ended_by(events: Sequence[Event], ended: CallEnded) -> Party | None:
    """Return who ended the talk, or without a talk the call. An agent who handed the caller over did not end it."""
    talked = _last(events, TalkEnded)
    if talked is None:
        return ended.by
    talks = sum(isinstance(event, TalkEnded) and event.agent == talked.agent for event in events)
    handed_over = sum(isinstance(event, CallTransferred) and event.by == talked.agent for event in events)
    return ended.by if handed_over >= talks else talked.by


class _Narrator:
    """Finds the words of one language."""

    def __init__(
        self, language: Language, *, reveal: bool = False, decimals: int = 1, texts: Mapping[str, str] = NO_TEXTS
    ) -> None:
        self._place = ("en", "zh").index(language)
        self._reveal, self._decimals, self._texts = reveal, decimals, texts

    def say(self, key: str, **values: object) -> str:
        """Fill in the words of this key."""
        return WORDS[key][self._place].format(**{name: self._shown(name, value) for name, value in values.items()})

    def told(self, event: Event) -> tuple[str, str]:
        """Tell an event: who, and what they did."""
        fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        if isinstance(event, PromptHeard) and event.version in self._texts:
            fields["prompt"] = f"“{self._texts[event.version]}”"
        return self._line(KIND_OF[type(event)] + _case(event), fields)

    def not_recorded(self, steps: Sequence[type[Event]]) -> tuple[str, str]:
        """Tell that these steps are missing."""
        names = self.say("and").join(self.say(f"the {KIND_OF[step]}") for step in steps)
        return self._line("not-recorded", {"steps": names})

    def _line(self, key: str, fields: Mapping[str, object]) -> tuple[str, str]:
        who, *what = LINES[key]
        shown = {name: self._shown(name, value) for name, value in fields.items()}
        return WORDS[who][self._place].format(**shown), what[self._place].format(**shown)

    def _shown(self, name: str, value: object) -> str:
        match value:
            case None | "":
                return WORDS.get(f"no {name}", WORDS["unknown"])[self._place]
            case timedelta():
                return self._duration(value)
            case PhoneNumber():
                return _printable(value.digits) if self._reveal else value.masked()
            case Keys():
                return _printable(value.pressed) if self._reveal else value.masked()
            case _:
                named = WORDS.get(f"{name} {value}")
                return named[self._place] if named is not None else _printable(str(value))

    def _duration(self, duration: timedelta) -> str:
        seconds = duration.total_seconds()
        if seconds < 100:
            return WORDS["seconds"][self._place].format(seconds=f"{seconds:.{self._decimals}f}")
        minutes, rest = divmod(round(seconds), 60)
        return WORDS["minutes"][self._place].format(minutes=minutes, seconds=rest)


def _case(event: Event) -> str:
    """Return the part of a line's key after the kind: which of several ways this event is told."""
    match event:
        case PromptHeard(cut_by="key" | "hang-up"):
            return f"/{event.cut_by}"
        case PromptHeard() if event.heard < event.length:
            return "/part"
        case CallRouted(to="message" | "hangup"):
            return f"/{event.to}"
        case CallRouted() if event.priority:
            return "/priority"
        case CallQueued() if event.position is not None:
            return "/position"
        case GreetingEnded(whole=False):
            return "/cut"
        case CallTransferred():
            return f"/{event.kind}"
        case TalkEnded() | CallEnded():
            return f"/{event.by or 'unknown'}"
        case CallAbandoned():
            return f"/{event.where}"
        case TalkAttended():
            return f"/{event.how}"
        case CallMoved(to="message"):
            return "/message"
        case AgentSignedOut(by=str()) | AgentPaused(by=str()) | AgentUnpaused(by=str()):
            return "/by"
        case CallFound():
            return f"/{event.place}"
        case _:
            return ""


Kind = TypeVar("Kind", bound=Event)


def _last(events: Sequence[Event], kind: type[Kind]) -> Kind | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def _printable(text: str) -> str:
    """Replace what could move a cursor or turn the writing direction."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _padded(text: str, width: int) -> str:
    """Fill up with blanks; a Chinese character is two columns wide."""
    columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(width - columns, 1)
