"""The one place that builds everything and starts it: `hotline serve`.

Nothing else in the house makes its own parts. Started in the order of a call's needs: the words, the memory, the
agents, then the doors; stopped the other way round, and no caller is dropped: a flow under way gets time to hand its
caller over, and who comes meanwhile is held by the dialplan until our successor answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from casework.drafts import TIME_TO_WRITE
from casework.visits.pace import Traffic
from hotline import clocks
from hotline.almanac import Almanac
from hotline.booth import Booth
from hotline.casework import Casework
from hotline.drafts import DraftsFromCalls, line_of
from hotline.metrics import Counted
from hotline.notices import PostRoom
from hotline.outages import Outages
from hotline.recall import Recall
from hotline.settings import Settings
from hotline.site import Site
from hotline.visits import Visiting
from hotline.webhook import Webhook
from ivr.doors import Doors
from ivr.rooms import Rooms
from ivr.server import AgiServer, Limits
from prompts.speech import Speech
from prompts.store import Store
from routing.agents import AgentState
from routing.alarms import Alarms
from routing.ami import AmiAddress, Link
from routing.board import board_at
from routing.events import (
    AgentOffered,
    CallRang,
    Event,
    HotlineStarted,
    MessageLeft,
    OfferMissed,
)
from routing.figures_table import READ_IN, By, Names
from routing.findings import Watchman
from routing.floor import Floor, Standing
from routing.keypad import Keypad
from routing.ledger import Ledger
from routing.live import Handled, Live
from routing.log import EventLog
from routing.mirror import Mirror
from routing.outbound import PREFIX as OURS
from routing.painter import Painter
from routing.phones import Phones
from routing.picture import Canvas, SourceShown, moment
from routing.recordings import Recordings
from routing.roster import Roster
from routing.stream import Stream
from routing.truth import Truth
from routing.usual import Usual, learn_from
from routing.watch import Watch
from routing.wrap_up import WrapUps

log = structlog.get_logger()

RECORDINGS_WITHIN: Final = 5.0
"""Seconds that recordings get at a stop; with `drain_for` it must stay below the engine's patience (30 s)."""
LEARN_EVERY: Final = timedelta(days=1)


class Service:
    """The running house: its parts, for whoever has to look at them (the API, a test)."""

    def __init__(
        self,
        settings: Settings,
        found: Site,
        events: EventLog,
        words: Speech,
        casework: Casework,
        said: Store | None = None,
    ) -> None:
        self.settings, self.site, self.words, self.casework = settings, found, words, casework
        self.events = Stream(events)
        self._past = Recall(self.events)
        self._unwritten_since: datetime | None = None
        self.recordings = Recordings(
            settings.folders.recordings,
            settings.folders.messages,
            self.events.record,
            is_told=partial(self._past.has, MessageLeft),
            flushed=partial(self.events.flushed, hurry=False),
        )
        self.desk_link = self._link("desk", on_up=self._restore)
        keypad = Keypad(self.desk_link)
        self.watch = Watch(
            self.events.record,
            ended=self.recordings.keep,
            agent_left=keypad.cut_greeting,
            handed_over=keypad.record,
        )
        self.watch_link = self._link(
            "watch", on_event=self._hear, on_up=self._catch_up, on_down=lambda why: self.truth.lost(why)
        )
        self.roster = Roster(
            found.agents,
            queues=self.desk_link,
            events=self.events,
            missed_before_pause=found.site.missed_rings_before_pause,
        )
        self.dial_link = self._link("dial", on_up=_nothing)
        self.floor = Floor(
            lists=self.watch_link,
            acts=self.desk_link,
            dials=self.dial_link,
            events=self.events,
            queues=found.queues,
            phones={place.number: place.phone for place in found.phones},
            standing=self._standing,
        )
        self.board = board_at(settings.redis.get_secret_value() if settings.redis else None)
        self.live = Live(found.queues, found.agents)
        self.wrap_ups = WrapUps(
            found.agents,
            found.queues,
            states=self.live.states,
            unwrapped=self.live.unwrapped,
            record=self.events.record,
            settle=self.roster.settle,
        )
        self.phones = Phones(found.agents, known=self.live.phones, record=self.events.record)
        self.truth = Truth(
            self.watch_link,
            live=self.live,
            watch=self.watch,
            record=self.events.record,
            agents=found.agents,
            others=partial(self.roster.restore, after_gap=False),
        )
        self.almanac = Almanac(found, settings, words, said)
        self.usual = Usual(found.zone, season=self.almanac.season)
        self.ledger = Ledger(self.events, found.queues, found.zone, usual=self.usual)
        self.counted = Counted()
        self.notices = PostRoom(settings, found, casework, self._link, lambda call, do: self.doors.once_out(call, do))
        self.watchman = Watchman(
            found.queues,
            live=self.live,
            ledger=self.ledger,
            truth=self.truth,
            usual=self.usual,
            log_problem=lambda: self.events.problem,
            outbox=self.notices,
            area=lambda _queue, _since: self.almanac.area_in_trouble(),
        )
        self.bell = Webhook(settings.alarms.webhook) if settings.alarms.webhook else None
        self.alarms = Alarms(self.watchman, record=self.events.record, bell=self.bell)
        self.painter = Painter(self.board, self._show)
        self.mirror = Mirror(self.board)
        self.events.taken_by(self.roster.take)
        self.events.taken_by(self._paint)
        self.events.taken_by(self.wrap_ups.take)
        for taker in (self.truth, self.ledger, self.watchman, self.alarms, self.counted):
            self.events.taken_by(taker.take)
        spoken = {language for line in found.numbers for language in line.languages}
        self.outages = Outages(casework.tickets, self.almanac, found.areas, spoken)
        visits_now = clocks.clock(settings.visits_clock)
        self.visits = Visiting(found, casework.office, is_holiday=self.almanac.is_holiday, now=visits_now)
        self._keys_of_lines = {number: line.key for line in found.numbers for number in line.dialled}
        self.drafts = DraftsFromCalls(self.events, casework.drafts, found.menus, lines=self._keys_of_lines)
        self.booth = Booth(found, settings.folders, self.almanac, words, self.dial_link)
        self.rooms = self._rooms()
        self.doors = Doors(self.rooms)
        self.visits.connect(
            self.watch_link, self._link, traffic=self._traffic, record=self._note, once_out=self.doors.once_out
        )
        self.agi = AgiServer(
            self.doors.by_port,
            host=settings.agi.host,
            peers=settings.agi.peers,
            limits=Limits(sessions=settings.agi.most_calls),
        )

    async def start(self) -> None:
        """Open the doors. Asterisk may come later: the links are kept trying."""
        await self.ledger.start(self.alarms, self.watchman)
        self.events.record(HotlineStarted(at=self._now()))
        await self.roster.remember()
        await self.recall()
        await self.almanac.start()
        self.booth.start()
        await self.agi.start()
        await self.watch_link.start()
        await self.desk_link.start()
        self.truth.start()
        self.alarms.start()
        if self.bell is not None:
            self.bell.start()
        self._learning = asyncio.create_task(self._learn_the_usual(), name="what is usual")
        await self.visits.start(self.settings.folders.messages)
        self.casework.consequences.start()
        await self.dial_link.start()
        self.painter.start()
        self.mirror.start()
        self._at_work = [
            asyncio.create_task(self.casework.watch_clocks()),
            asyncio.create_task(self.drafts.run()),
            asyncio.create_task(self.outages.run()),
        ]
        await self.notices.start()
        log.info("the hotline is open", site=self.site.site.name, agents=len(self.site.agents))

    async def stop(self) -> None:
        """Close the doors; flows under way may end."""
        await self.visits.stop()
        await self.casework.consequences.stop()
        cut = await self.agi.drain(self.settings.agi.drain_for.total_seconds())
        await self.notices.stop()
        self._learning.cancel()
        await self.alarms.stop()
        if self.bell is not None:
            await self.bell.stop()
        await self.truth.stop()
        await self.dial_link.stop()
        await self.desk_link.stop()
        await self.watch_link.stop()
        self.wrap_ups.stop()
        await self.mirror.stop()
        await self.almanac.stop()
        await self.painter.stop()
        for work in self._at_work:
            work.cancel()
        await asyncio.wait(self._at_work)
        with suppress(TimeoutError):  # what is not finished now is found at the next start
            async with asyncio.timeout(RECORDINGS_WITHIN):
                await self.recordings.settled()
        log.info("the hotline is closed", flows_cut=cut)

    @property
    def talks(self) -> Path:
        """The folder of finished recordings."""
        return self.settings.folders.recordings

    @property
    def messages(self) -> Path:
        """The folder of messages; below it, in `visits`, what callees said."""
        return self.settings.folders.messages

    @property
    def texts(self) -> Mapping[str, str]:
        """The words of every prompt, by version."""
        return self.words.texts

    @property
    def names(self) -> Mapping[By, Names]:
        """What people call each queue and each agent."""
        agents = {agent.work_number: f"{agent.work_number} {agent.name}" for agent in self.site.agents}
        return {
            "queue": {queue.name: queue.label for queue in self.site.queues},
            "agent": {number: dict.fromkeys(READ_IN, name) for number, name in agents.items()},
        }

    def health(self) -> dict[str, str]:
        """What is wrong just now, by part; nothing when all is well."""
        wrong: dict[str, str] = {}
        for name, link in (("ami-watch", self.watch_link), ("ami-desk", self.desk_link)):
            if not link.up:
                wrong[name] = link.state.why
        if self.events.problem is not None:
            wrong["event-log"] = self.events.problem
        wrong |= self.visits.health()
        if self.painter.problem is not None:
            wrong["board"] = self.painter.problem
        if self.almanac.problem is not None:
            wrong["calendar"] = self.almanac.problem
        return wrong

    def _standing(self, call: str) -> Standing | None:
        """Where a call is just now; None if it is not up."""
        live = self.live.calls.get(call)
        return None if live is None else Standing(live.state, live.progress.agent)

    def _paint(self, fact: Event) -> None:
        self.live.take(fact)
        self.painter.change()

    def _show(self, canvas: Canvas) -> None:
        """Put on the board what there is to see now."""
        self.live.show(canvas)
        self.ledger.show(canvas)
        self.alarms.show(canvas)
        canvas.only("sources", {name: dict(source) for name, source in self._sources().items()})

    async def _learn_the_usual(self) -> None:
        """Learn how many callers an hour usually has, at the start and once a day."""
        queues = {queue.name: queue for queue in self.site.queues}
        while True:
            try:
                await learn_from(self.events, self.usual, queues, self.site.zone, self._now())
            except Exception:
                log.exception("what is usual could not be learnt")
            await asyncio.sleep(LEARN_EVERY.total_seconds())

    def _sources(self) -> dict[str, SourceShown]:
        """What the picture is made from, and whether it can be believed now."""
        stale = self.truth.stale_since
        unwritten = self.events.problem
        if unwritten is None:
            self._unwritten_since = None
        elif self._unwritten_since is None:
            self._unwritten_since = self._now()
        return {
            "asterisk": {"source": "asterisk", "stale_since": moment(stale) if stale else None, "why": self.truth.why},
            "event-log": {
                "source": "event-log",
                "stale_since": moment(self._unwritten_since) if self._unwritten_since else None,
                "why": unwritten or "",
            },
        }

    def at_hand(self, agent: str) -> Handled | None:
        """The call an agent has, or had a moment ago: what is written now is about it."""
        return self.live.at_hand(agent, since=self._now() - TIME_TO_WRITE)

    async def line_of(self, call: str) -> str:
        """The key of the service line that a call came by; empty if nobody knows."""
        return line_of(await self.events.of_call(call), self._keys_of_lines)

    def shown(self, state: AgentState) -> dict[str, Any]:
        """An agent as people see one."""
        return dict(self.live.agent(state.agent))

    def _link(
        self,
        account: str,
        *,
        on_event: Callable[[Mapping[str, str]], None] = lambda _: None,
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[str], None] | None = None,
    ) -> Link:
        ami = self.settings.ami
        where = AmiAddress(ami.host, ami.port, account, getattr(ami, f"{account}_secret"))
        return Link(where, on_event=on_event, on_up=on_up, on_down=on_down)

    def _rooms(self) -> Rooms:
        return Rooms(
            lines={number: line for line in self.site.numbers for number in line.dialled},
            menus=self.site.menus,
            zone=self.site.zone,
            calendar=self.almanac,
            news=self.almanac,
            queue_hours={queue.name: queue.hours for queue in self.site.queues if queue.hours},
            patience={queue.name: queue.patience for queue in self.site.queues},
            words=self.words,
            record=self._note,
            rang=partial(self._past.has, CallRang),
            agent_answered=self.watch.agent_answered,
            desk=self.roster,
            language_of=self._past.language_of,
            talks=self.visits.office,
            tickets=self.casework,
            duty=self.notices,
            booth=self.booth,
        )

    def _traffic(self) -> Traffic | None:
        """Who is on the lines and who could take a call, for the dialler; None when we cannot see it."""
        if not self.watch_link.up:
            return None
        incoming = [call for call in self.watch.live if not call.startswith(OURS)]
        ready = [state for state in self.roster.states() if self.shown(state)["state"] == "ready"]
        return Traffic(incoming=len(incoming), waiting=sum(map(len, self.live.waiting.values())), ready=len(ready))

    def _hear(self, event: Mapping[str, str]) -> None:
        """An event from Asterisk; the end of a line waits until the flow that has the call has written its last."""
        if event.get("Event") == "Hangup":
            self.doors.once_out(event.get("Uniqueid", ""), partial(self.watch.hear, event))
            return
        for hearer in (self.watch, self.phones, self.truth):
            hearer.hear(event)

    def _note(self, event: Event) -> None:
        """A fact from a flow: where a caller is follows from it."""
        self.events.record(event)
        self.watch.note(event)

    async def recall(self) -> None:
        """Take up the calls that were not over when we were last here, and who talked in them."""
        unfinished = await self._past.unfinished(self._now())
        facts = sorted((fact for call in unfinished for fact in call.events), key=lambda fact: fact.at)
        self.roster.recall(facts)
        for fact in [*(await self.events.last_agent_steps()).values(), *facts]:
            if not isinstance(fact, AgentOffered | OfferMissed):  # an offer is over by now
                self.live.take(fact)
        for logged in unfinished:
            # Of a call whose message was found later the log has nothing else, and no end.
            if logged.call in self.live.calls:
                self.watch.recall(logged.call, logged.events)

    async def _catch_up(self) -> None:
        """The events flow again: what was missed?"""
        # What may have ended is asked first: what begins meanwhile is not taken for over.
        left = self.recordings.left()
        channels = await self.truth.catch_up()
        self.recordings.sweep(left - frozenset(row["Linkedid"] for row in channels))

    async def _restore(self) -> None:
        await self.roster.restore()

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)


async def _nothing() -> None:
    """What a link that only dials does when it is up."""
