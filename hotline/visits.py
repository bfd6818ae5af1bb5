"""Return visits bound to the rest of the house: the office on its database, the dialler on Asterisk's lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from casework.visits.dialler import Dialler, NotPlaced, TrunkGone
from casework.visits.office import Office
from casework.visits.pace import Traffic
from casework.visits.script import SHIPPED, read_all
from casework.visits.visit import Visit
from casework.visits.windows import Hours
from hotline.asterisk_files import PRETEND, visits_by
from hotline.site import Site
from ivr.scripts import sayable
from prompts.catalogue import Catalogue
from routing.ami import ActionFailed, AmiError, Link
from routing.events import CallPlaced, Event, PhoneNumber
from routing.outbound import Outbound
from storage.database import Database

SUGGESTIONS = "visits"
"""Below the messages' folder: what callees said."""

log = structlog.get_logger()


class Links(Protocol):
    """Makes the link of an account of Asterisk's manager interface."""

    def __call__(
        self, account: str, *, on_event: Callable[[Mapping[str, str]], None], on_up: Callable[[], Awaitable[None]]
    ) -> Link:
        """Return a link that is not yet started."""


class AsteriskTrunk:
    """The dialler's way out (`casework/visits/dialler.py`: Trunk)."""

    def __init__(
        self, outbound: Outbound, site: Site, record: Callable[[Event], None], now: Callable[[], datetime]
    ) -> None:
        self._outbound, self._site, self._record, self._now = outbound, site, record, now

    @property
    def up(self) -> bool:
        """See Trunk."""
        return self._outbound.up

    async def ring(self, visit: Visit, *, ring_for: timedelta) -> None:
        """See Trunk."""
        lines = self._site.numbers
        line = next((line for line in lines if line.key == visit.line), lines[0])
        shown, callee = line.dialled[0], PhoneNumber(visit.number)
        self._record(CallPlaced(at=self._now(), call=visit.call, caller=callee, script=visit.script, shown=shown))
        hint = {"VISIT_HINT": "yes"} if self._site.visits.machine_hint else {}
        try:
            await self._outbound.place(visit.call, visit.number, shown=shown, ring_for=ring_for, variables=hint)
        except ActionFailed as refused:
            raise NotPlaced(str(refused)) from refused
        except AmiError as problem:
            raise TrunkGone(str(problem)) from problem

    async def on_line(self) -> frozenset[str]:
        """See Trunk."""
        try:
            return await self._outbound.on_line()
        except AmiError as problem:
            raise TrunkGone(str(problem)) from problem

    async def was_answered(self, call: str) -> bool:
        """See Trunk."""
        try:
            return await self._outbound.was_answered(call)
        except AmiError as problem:
            raise TrunkGone(str(problem)) from problem


def open_office(database: Database, site: Site) -> Office:
    """Read the scripts and open the office; raises ScriptRefused."""
    folders = [SHIPPED, *([Path(site.visits.scripts)] if site.visits.scripts else [])]
    scripts = read_all(folders, prompts=sayable(Catalogue.read()))
    hours, lines = Hours(site.visits.windows, site.zone), [line.key for line in site.numbers]
    return Office(database, scripts, site.visits, hours, region=site.notices.region, lines=lines)


class Visiting:
    """The outbound side of the house."""

    def __init__(
        self, site: Site, office: Office, *, is_holiday: Callable[[date], bool], now: Callable[[], datetime]
    ) -> None:
        """`is_holiday` is asked for each day on which somebody might be called, unless the site calls on holidays."""
        if not site.visits.on_holidays:
            office.hours = Hours(site.visits.windows, site.zone, is_holiday)
        office.changed, office.now = self._wake, now
        self._site, self.office = site, office
        self.dialler: Dialler | None = None
        self.link: Link | None = None

    def connect(
        self,
        watch: Link,
        make_link: Links,
        *,
        traffic: Callable[[], Traffic | None],
        record: Callable[[Event], None],
        once_out: Callable[[str, Callable[[], None]], None],
    ) -> None:
        """Bind the dialler to Asterisk; `once_out` holds what is told of a call until no flow has it any more."""

        def down(call: str, *, answered: bool, cause: int, tech_cause: str) -> None:
            told = partial(dialler.line_down, call, answered=answered, cause=cause, tech_cause=tech_cause)
            once_out(call, told)

        async def up() -> None:
            dialler.look()

        self.link = make_link("dial", on_event=lambda event: outbound.hear(event), on_up=up)
        outbound = Outbound(self.link, watch, endpoint=visits_by(self._carrier()), down=down)
        trunk = AsteriskTrunk(outbound, self._site, record, self.office.now)
        self.dialler = dialler = Dialler(self.office, trunk, traffic)

    async def start(self, messages: Path) -> None:
        """Begin to call who is due."""
        if self.link is None or self.dialler is None:
            return
        try:
            (messages / SUGGESTIONS).mkdir(exist_ok=True)
        except OSError as problem:
            log.error("suggestions cannot be recorded", problem=str(problem))
        await self.link.start()
        self.dialler.start()

    async def stop(self) -> None:
        """Call nobody any more."""
        if self.dialler is not None and self.link is not None:
            await self.dialler.stop()
            await self.link.stop()

    def health(self) -> Mapping[str, str]:
        """What is wrong, by part."""
        wrong = {}
        if self.link is not None and not self.link.up:
            wrong["ami-dial"] = self.link.state.why
        elif self.dialler is not None and self.dialler.problem is not None:
            wrong["dialler"] = self.dialler.problem
        return wrong

    def _carrier(self) -> str:
        return self._site.carriers[0].name if self._site.carriers else PRETEND

    def _wake(self) -> None:
        if self.dialler is not None:
            self.dialler.wake()
