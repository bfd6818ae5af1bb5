"""The live picture as data: what the board shows, as JSON, and the changes that keep it up to date.

    {"board": "9f3c…", "seq": 412, "at": "2025-11-21T09:20:00.123456Z",
     "calls": {"pbx-1.12": {...}}, "queues": {"repair": {...}}, "agents": {"1024": {...}},
     "sources": {"asterisk": {...}}, "alarms": {...}, "figures": {...}}

A picture is six sections, each a table of things by name; the shapes of the things stand below. No thing holds a
length of time, only moments: whoever looks counts the seconds himself, so what only grows older changes nothing.

A change has the same `board` and the next `seq`; `set` holds the things that are new or different, each whole, `gone`
the names of those that are no more:

    {"board": "9f3c…", "seq": 413, "at": "…", "set": {"agents": {"1024": {...}}}, "gone": {"calls": ["pbx-1.12"]}}

A beat is a change with the number of the last one and nothing in it: the picture is still true at this moment. Whoever
finds another `board`, or a number that is not the next, has missed something and takes the picture anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any, Final, Literal, NotRequired, TypedDict, cast, get_args

Section = Literal["calls", "queues", "agents", "sources", "alarms", "figures"]
SECTIONS: Final[tuple[Section, ...]] = get_args(Section)

Thing = Mapping[str, Any]
"""One call, queue, agent ...: one of the shapes below."""

CallState = Literal["ringing", "menu", "queue", "greeting", "talk", "hold", "transfer", "message", "ending"]
"""Where a call is. "transfer": the agent has sent the caller on, and nobody has picked up yet; "ending": the talk is
over, the line not yet down.
"""


class CallShown(TypedDict):
    """A call that is up."""

    call: str
    caller: str | None
    """Masked; None when it is withheld, or when we did not see the call begin."""
    dialled: str | None
    state: CallState
    since: str
    """Since when it is in this state (with this agent)."""
    rang: str | None
    queue: str | None
    """The queue where the caller waits, or waited last."""
    joined: str | None
    """Since when the caller waits, until the talk begins."""
    priority: int
    agent: str | None
    """Who has picked up."""
    offered: list[str]
    """Whose phones ring for this call."""


class QueueShown(TypedDict):
    """A queue and who waits in it."""

    queue: str
    label: Mapping[str, str]
    waiting: list[str]
    """The calls, first in line first."""
    agents: list[str]
    """Who serves it and is signed in."""
    ready: list[str]
    """Who of them could take a call now."""


AgentShownState = Literal["signed-out", "ready", "no-phone", "ringing", "talking", "wrap-up", "paused"]
"""What an agent does. "no-phone": would be ready, but the phone cannot be reached, so no call is offered."""


class AgentShown(TypedDict):
    """An agent of the site, on duty or not; one state in however many queues."""

    agent: str
    name: str
    state: AgentShownState
    since: str | None
    reason: str | None
    """Of a pause."""
    until: str | None
    """When the wrap-up ends by itself."""
    duty: Literal["signed-out", "ready", "paused"]
    """What the agent asked for: a pause asked for in a talk begins after it."""
    phone: Literal["there", "gone", "unknown"]
    call: str | None
    queues: Mapping[str, int]
    """The agent's penalty in each."""


class SourceShown(TypedDict):
    """Something that the picture is made from. With `stale_since` set, what it tells is old: show it as old."""

    source: str
    stale_since: str | None
    why: str


class Picture(TypedDict):
    """The whole picture."""

    board: str
    seq: int
    at: str
    calls: Mapping[str, Thing]
    queues: Mapping[str, Thing]
    agents: Mapping[str, Thing]
    sources: Mapping[str, Thing]
    alarms: Mapping[str, Thing]
    figures: Mapping[str, Thing]


class Change(TypedDict):
    """What makes the next picture out of the last; without `set` and `gone` it is a beat."""

    board: str
    seq: int
    at: str
    set: NotRequired[Mapping[Section, Mapping[str, Thing]]]
    gone: NotRequired[Mapping[Section, list[str]]]


def is_picture(item: Picture | Change) -> bool:
    """Tell a whole picture from a change."""
    return "calls" in item


class Canvas:
    """The picture in the making: things are put and taken off, and what differs is collected for the next change."""

    def __init__(self) -> None:
        self.board = secrets.token_hex(8)
        self.seq = 0
        self._things: dict[Section, dict[str, Thing]] = {section: {} for section in SECTIONS}
        self._changed: dict[tuple[Section, str], None] = {}

    def put(self, section: Section, name: str, thing: Thing) -> None:
        """Show this thing from now on; one that is the same as before is no change."""
        if self._things[section].get(name) != thing:
            self._things[section][name] = thing
            self._changed[section, name] = None

    def take_off(self, section: Section, name: str) -> None:
        """Show this thing no more."""
        if self._things[section].pop(name, None) is not None:
            self._changed[section, name] = None

    def thing(self, section: Section, name: str) -> Thing | None:
        """What is shown by this name."""
        return self._things[section].get(name)

    def only(self, section: Section, things: Mapping[str, Thing | None]) -> None:
        """Show these things and no others in this section."""
        for name in self._things[section].keys() - things.keys():
            self.take_off(section, name)
        for name, thing in things.items():
            if thing is not None:
                self.put(section, name, thing)

    def whole(self, at: datetime) -> Picture:
        """The picture as it was at the last change; `at` is when it is looked at."""
        tables = {section: dict(things) for section, things in self._things.items()}
        return cast(Picture, {"board": self.board, "seq": self.seq, "at": moment(at), **tables})

    def beat(self, at: datetime) -> Change:
        """Say that nothing has changed."""
        return {"board": self.board, "seq": self.seq, "at": moment(at)}

    def change(self, at: datetime) -> Change | None:
        """Take what has changed since the last change; None if nothing has."""
        if not self._changed:
            return None
        shown: dict[Section, dict[str, Thing]] = {}
        gone: dict[Section, list[str]] = {}
        for section, name in self._changed:
            thing = self._things[section].get(name)
            if thing is None:
                gone.setdefault(section, []).append(name)
            else:
                shown.setdefault(section, {})[name] = thing
        self._changed.clear()
        self.seq += 1
        return {"board": self.board, "seq": self.seq, "at": moment(at), "set": shown, "gone": gone}


def apply(change: Change, picture: MutableMapping[str, Any]) -> bool:
    """Bring a picture up to date in place; return False, and do nothing, if a change before this one was missed."""
    if change["board"] != picture["board"]:
        return False
    if "set" not in change and "gone" not in change:
        if change["seq"] != picture["seq"]:
            return False
        picture["at"] = change["at"]
        return True
    if change["seq"] != picture["seq"] + 1:
        return False
    for section, things in change.get("set", {}).items():
        picture[section].update(things)
    for section, names in change.get("gone", {}).items():
        for name in names:
            picture[section].pop(name, None)
    picture["seq"], picture["at"] = change["seq"], change["at"]
    return True


def moment(at: datetime) -> str:
    """A moment as the picture writes it."""
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
