"""Our picture is compared with Asterisk's own, and put right where it differs.

Events are trusted, but not blindly: one may be lost in a gap, or be misunderstood. So Asterisk is asked for all it has
(channels, queues, phones) when the link comes up, a moment later, and every half a minute after that. What differs is
put right by facts, each announced by a `DriftFound`.

A comparison must not take for a difference what is only on its way. Two things see to that. A fence: after the lists
were asked for, a mark of ours is sent through Asterisk's own event queue; when it comes back, every event from before
the lists has come too. And what any fact has touched meanwhile is left out. While the link stands, a difference must
also be seen twice, a second apart: what a flow tells takes another way than the events, and may be a moment behind.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Final, NamedTuple, Protocol

import structlog

from routing.agents import Activity
from routing.ami import AmiError
from routing.events import (
    AgentFound,
    Drift,
    DriftFound,
    Event,
    LinkBack,
    LinkLost,
    PhoneBack,
    PhoneLost,
    Place,
)
from routing.live import Live, LiveCall
from routing.staff import Agent
from routing.watch import CARRIER, Watch

COMPARE_EVERY: Final = 30.0
"""Seconds between two comparisons while nothing seems wrong."""
SOON: Final = 2.0
"""Seconds after the link came up: an Asterisk that has just started may still be asking its phones."""
SEEN_AGAIN_AFTER: Final = 1.0
FENCE_WITHIN: Final = 5.0
MARK: Final = "hotline-fence"
WANTED: Final = (f"name(UserEvent),header(UserEvent),method(exact) = {MARK}",)
"""The mark, for the list of events that Asterisk is to send."""
UNREACHABLE: Final = ("UNAVAILABLE", "INVALID")
"""Asterisk's words for a phone that is not registered or does not answer."""
QUIET: Final = ("NOT_INUSE",)

log = structlog.get_logger()

Row = Mapping[str, str]


class Asker(Protocol):
    """Asks Asterisk (`routing/ami.py`: Link)."""

    async def act(self, action: str, /, *, within: float = 5.0, **fields: str | Sequence[str]) -> Row:
        """Ask for one action; raises AmiError."""

    async def rows(self, action: str, /, *, within: float = 10.0, **fields: str | Sequence[str]) -> list[Row]:
        """Ask for a list; raises AmiError."""


class Difference(NamedTuple):
    """Something that Asterisk has otherwise."""

    kind: Drift
    of: str
    """A call's id or a work number."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Asterisk's own picture at one moment."""

    channels: Sequence[Row]
    lines: Mapping[str, Row]
    """The callers' own lines, by call."""
    talks: frozenset[str]
    """The calls whose caller is connected with somebody."""
    entries: Mapping[str, Row]
    """The callers' places in queues, by call."""
    rings: Mapping[str, str]
    """The waiting call for which a phone rings, by the phone's device."""
    devices: Mapping[str, str]
    """The state of each device that Asterisk knows."""


async def look(link: Asker) -> Seen:
    """Ask Asterisk for all it has; raises AmiError."""
    channels = await link.rows("CoreShowChannels")
    # An empty list of queues or devices is an error to Asterisk, not to us.
    queues = await link.rows("QueueStatus")
    devices = await link.rows("DeviceStateList")
    linked = {row["Linkedid"] for row in channels}
    lines = {
        row["Uniqueid"]: row for row in channels if row["Channel"].startswith(CARRIER) and row["Uniqueid"] in linked
    }
    crowd = Counter(row["BridgeId"] for row in channels if row["BridgeId"])
    entries = {row["Uniqueid"]: row for row in queues if row["Event"] == "QueueEntry"}
    return Seen(
        channels=channels,
        lines=lines,
        talks=frozenset(call for call, row in lines.items() if crowd[row["BridgeId"]] >= 2),
        entries=entries,
        rings={
            row["Channel"].rpartition("-")[0]: row["Linkedid"]
            for row in channels
            if row["ChannelStateDesc"] == "Ringing" and row["Linkedid"] in entries
        },
        devices={row["Device"]: row["State"] for row in devices},
    )


class Truth:
    """Keeps the live picture of one Asterisk true."""

    def __init__(
        self,
        link: Asker,
        *,
        live: Live,
        watch: Watch,
        record: Callable[[Event], None],
        agents: Sequence[Agent],
        others: Callable[[], Awaitable[None]],
        every: float = COMPARE_EVERY,
        soon: float = SOON,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`live` and `watch` must have taken each fact when `record` returns, and `take` must be given each.

        `others` compares what is not seen here: the agents' places in the queues (`Roster.restore`).
        """
        self._link, self._live, self._watch, self._record = link, live, watch, record
        self._phones = {agent.work_number: agent.interface for agent in agents}
        self._at_device = {device: agent for agent, device in self._phones.items()}
        self._others, self._every, self._soon, self._now = others, every, soon, now
        self._came_up = asyncio.Event()
        self._touched: set[str] = set()
        self._marks = itertools.count(1)
        self._mine = secrets.token_hex(4)
        self._fences: dict[str, asyncio.Future[None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._lost_at: datetime | None = None
        self.stale_since: datetime | None = now()
        """Since when calls and agents are not seen as they are; None while they are."""
        self.why = "not connected yet"

    # What comes in

    def take(self, fact: Event) -> None:
        """Take note of whom a fact concerns."""
        self._touched.update(filter(None, (fact.call, fact.agent)))

    def hear(self, event: Row) -> None:
        """Take an event of Asterisk's: perhaps the mark that was sent, perhaps the news of a phone.

        A phone's news touches its agent even if it tells nothing new: a list may be older than it.
        """
        device = event.get("Device") or f"PJSIP/{event.get('EndpointName')}"
        if (agent := self._at_device.get(device)) is not None:
            self._touched.add(agent)
        fence = self._fences.get(event.get("Mark", "")) if event.get("Event") == "UserEvent" else None
        if fence is not None and not fence.done():
            fence.set_result(None)

    # The link

    def lost(self, why: str) -> None:
        """The link is down: from here on nothing is seen."""
        self._lost_at = self._now()
        if self.stale_since is None:
            self.stale_since, self.why = self._lost_at, why
        self._record(LinkLost(at=self._now(), why=why))

    async def catch_up(self) -> Sequence[Row]:
        """The link is up: put right what was missed, and return the channels that there are; raises AmiError."""
        async with self._one_at_a_time:
            seen, found = await self._compare()
            if self._lost_at is not None:
                self._record(LinkBack(at=self._now(), away=self._now() - self._lost_at))
                self._lost_at = None
            self._put_right(found, seen, after_gap=True)
            self.stale_since, self.why = None, ""
        self._came_up.set()
        return seen.channels

    # The slow timer

    def start(self) -> None:
        """Compare now and then from now on."""
        self._timer = asyncio.create_task(self._compare_for_ever(), name="comparison with Asterisk")

    async def stop(self) -> None:
        """Compare no more."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.wait([self._timer])

    async def _compare_for_ever(self) -> None:
        while True:
            await self._pause()
            try:
                await self.check()
                await self._others()
            except (AmiError, TimeoutError):
                continue  # the link is down, or about to be: `catch_up` is next
            except Exception:
                log.exception("the comparison with Asterisk failed")

    async def _pause(self) -> None:
        """Wait for the next comparison: a while, or only a moment once the link has come up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._came_up.wait()
                self._came_up.clear()
                await asyncio.sleep(self._soon)

    async def check(self) -> Sequence[Difference]:
        """Compare, and put right what differs though nothing was missed; return what that was. Raises AmiError."""
        async with self._one_at_a_time:
            _, first = await self._compare()
            if not first:
                return []
            await asyncio.sleep(SEEN_AGAIN_AFTER)
            touched = set(self._touched)
            seen, second = await self._compare()
            sure = [each for each in second if each in first and each.of not in touched]
            self._put_right(sure, seen, after_gap=False)
            return sure

    async def _compare(self) -> tuple[Seen, Sequence[Difference]]:
        """Look, wait for the fence, and return what differs apart from what has moved meanwhile."""
        self._touched.clear()
        known = self._watch.live | self._live.calls.keys()
        seen = await look(self._link)
        await self._fence()
        found = differences(self._live, seen, self._phones, known)
        # A call of which nothing was ever told may be taken for one that is up, all the same.
        untold = (known & self._watch.live) - self._live.calls.keys() - seen.lines.keys()
        found = [*found, *(Difference("call-gone", call) for call in sorted(untold))]
        return seen, [each for each in found if each.of not in self._touched]

    async def _fence(self) -> None:
        """Return when every event from before now has come; raises AmiError, or TimeoutError."""
        mark = f"{self._mine}-{next(self._marks)}"
        self._fences[mark] = asyncio.get_running_loop().create_future()
        try:
            await self._link.act("UserEvent", UserEvent=MARK, Mark=mark)
            async with asyncio.timeout(FENCE_WITHIN):
                await self._fences[mark]
        finally:
            del self._fences[mark]

    # Putting right

    def _put_right(self, found: Sequence[Difference], seen: Seen, *, after_gap: bool) -> None:
        for each in sorted(found, key=lambda each: _turn(each, seen)):
            if self._live.phones.get(each.of) != "unknown":  # to learn of a phone for the first time is no drift
                self._announce(each, after_gap=after_gap)
            self._mend(each, seen)

    def _announce(self, difference: Difference, *, after_gap: bool) -> None:
        kind, of = difference
        if not after_gap:
            log.warning("the live picture was wrong", kind=kind, of=of)
        call, agent = (None, of) if of in self._phones else (of, None)
        self._record(DriftFound(at=self._now(), call=call, agent=agent, kind=kind, after_gap=after_gap))

    def _mend(self, difference: Difference, seen: Seen) -> None:
        kind, of = difference
        match kind:
            case "call-gone":
                self._watch.seen_live(frozenset(), before=frozenset({of}))
            case "call-unknown":
                self._watch.seen_at(of, place_of(seen.lines[of]))
                self._bring_along(of, seen)
            case "talk" | "waiting":
                self._bring_along(of, seen)
            case "place":
                self._watch.seen_at(of, place_of(seen.lines[of]))
            case "phone":
                there = seen.devices.get(self._phones[of]) not in UNREACHABLE
                self._record((PhoneBack if there else PhoneLost)(at=self._now(), agent=of))
            case "offer" if (call := seen.rings.get(self._phones[of])) is not None:
                self._watch.seen_offered(call, agent=of, queue=seen.entries[call]["Queue"])
            case "offer":
                self._record(AgentFound(at=self._now(), agent=of))
            case "member":
                pass  # the roster sees to its own (`Roster.restore`)

    def _bring_along(self, call: str, seen: Seen) -> None:
        """A call whose talk or wait we do not know is led there."""
        if call in seen.talks:
            self._watch.seen_connected(seen.lines[call])
        if call in seen.entries:
            self._watch.seen_waiting(seen.entries[call])


def differences(live: Live, seen: Seen, phones: Mapping[str, str], known: frozenset[str]) -> Sequence[Difference]:
    """Return what Asterisk has otherwise; `known` are the calls we knew before Asterisk was asked."""
    found: list[Difference] = []
    for call in known & live.calls.keys():
        if call not in seen.lines:
            found.append(Difference("call-gone", call))
        elif (kind := _difference(live.calls[call], seen)) is not None:
            found.append(Difference(kind, call))
    found += [Difference("call-unknown", call) for call in seen.lines if call not in live.calls]
    for agent, device in phones.items():
        state = seen.devices.get(device, "")
        if (state and (state in UNREACHABLE) == (live.phones[agent] != "gone")) or live.phones[agent] == "unknown":
            found.append(Difference("phone", agent))
        rings_for, shown = seen.rings.get(device), live.states[agent]
        is_wrong = rings_for != shown.call if rings_for else state in QUIET and shown.activity is Activity.RINGING
        if is_wrong:
            found.append(Difference("offer", agent))
    return found


def _difference(call: LiveCall, seen: Seen) -> Drift | None:
    """Where a call that is up is not where we have it."""
    entry = seen.entries.get(call.call)
    if entry is not None:
        return None if (call.state, call.progress.queue) == ("queue", entry["Queue"]) else "waiting"
    if call.call in seen.talks:
        return None if call.state in ("talk", "hold", "ending") else "talk"
    return "place" if call.state in ("queue", "talk", "hold") else None


def _turn(difference: Difference, seen: Seen) -> float:
    """In which order differences are put right: lines from their head on, then the phones that ring for who waits."""
    if difference.kind == "offer":
        return inf
    entry = seen.entries.get(difference.of)
    return 0 if entry is None else int(entry["Position"])


def place_of(line: Row) -> Place:
    """Where the dialplan has a caller who neither waits nor talks."""
    if line.get("Context") == "message":
        return "message"
    if line.get("Context") == "queue":
        return "greeting"
    return "ringing" if line.get("ChannelStateDesc") == "Ring" else "menu"
