"""The site file: one place for everything that differs from one service line to the next.

It is read once at start and refused as a whole, with every problem named, before the first call. The parts are
defined where they are used: `ivr/lines.py` (numbers, menus, hours) and `routing/staff.py` (queues, agents).
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from casework.notices.directory import Notices
from casework.slots import Window
from casework.steps import Limits
from casework.visits.rules import Rules as VisitRules
from ivr.lines import Id, Line, Menu, Part
from prompts.calendar.calendar import Rules
from prompts.calendar.days import official_year
from prompts.calendar.hours import Opening, Season
from prompts.catalogue import Catalogue
from prompts.news import Area
from routing.staff import Agent, Department, PhoneAccount, Queue, QueueName, Supervisor, WorkNumber

ALWAYS = "always"


class SiteRefused(ValueError):
    """The site file cannot be used; the text lists each problem with its place."""

    code = "site-refused"

    def __init__(self, file: Path, problems: Sequence[str]) -> None:
        self.file, self.problems = file, tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{file} cannot be used:\n{lines}\nMend it and check again with: hotline site check {file}")


class General(Part):
    """What holds for the whole site."""

    name: Id
    timezone: str = "Asia/Shanghai"
    fallback_queue: QueueName = Field(description="where callers go when nothing could be decided")
    missed_rings_before_pause: int = Field(2, ge=0, le=20, description="0 never pauses")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError) as problem:
            raise ValueError(f"{name!r} is not a time zone; expected a name such as Asia/Shanghai") from problem
        return name


class Carrier(Part):
    """Where calls come from and go to: a SIP trunk, known by its addresses."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
    addresses: Sequence[IPv4Address | IPv4Network] = Field(
        min_length=1, description="where its calls come from; the first one, a single address, is where ours go"
    )
    port: int = Field(5060, ge=1, le=65535)
    register_as: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+._-]{1,64}$")] | None = Field(
        None, description="user name, where the carrier wants a registration; its password is in secrets.json"
    )

    @field_validator("addresses")
    @classmethod
    def _calls_go_to_one_address(cls, addresses: Sequence[IPv4Address | IPv4Network]) -> Sequence[object]:
        if not isinstance(addresses[0], IPv4Address):
            raise ValueError(
                f"the first must be a single address, such as 203.0.113.10, not the network {addresses[0]}"
            )
        return addresses


class TicketRules(Part):
    """How long what callers ask for may take, and when somebody can come."""

    limits: Limits = Limits()
    slots: Sequence[Window] = Field((), description="without any, every time can be agreed on")


class CalendarPart(Part):
    """Whose holidays are kept, and the seasons of a year."""

    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = Field(
        "CN", description="two letters; its official holidays and make-up workdays are kept; empty for none"
    )
    subdivision: str | None = Field(None, description="a state or province with holidays of its own")
    seasons: Mapping[Id, Season] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_list(self) -> Self:
        if self.country:
            try:
                official_year(self.country, self.subdivision, 2024)
            except NotImplementedError as problem:
                raise ValueError(f"there is no list of holidays for it: {problem}") from problem
        return self


class Phone(NamedTuple):
    """A phone at the centre: the number it shows, and its account."""

    number: WorkNumber
    phone: PhoneAccount


class Site(Part):
    """A whole site, checked in itself: every name that is used is also defined."""

    site: General
    numbers: Sequence[Line] = Field(min_length=1)
    menus: Mapping[Id, Menu]
    hours: Mapping[Id, Annotated[Sequence[Opening], Field(min_length=1)]] = Field(default_factory=dict)
    calendar: CalendarPart = CalendarPart()
    queues: Sequence[Queue] = Field(min_length=1)
    agents: Sequence[Agent] = ()
    supervisors: Sequence[Supervisor] = ()
    departments: Sequence[Department] = ()
    carriers: Sequence[Carrier] = ()
    areas: Sequence[Area] = ()
    tickets: TicketRules = TicketRules()
    visits: VisitRules = VisitRules()
    notices: Notices = Notices()

    @property
    def phones(self) -> Sequence[Phone]:
        """The phone of everybody who has one."""
        agents = [Phone(agent.work_number, agent.phone) for agent in self.agents]
        return [*agents, *(Phone(each.number, each.phone) for each in self.supervisors)]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which hours and festivals are meant."""
        return ZoneInfo(self.site.timezone)

    def line_for(self, dialled: str) -> Line | None:
        """The line behind a dialled number."""
        return next((line for line in self.numbers if dialled in line.dialled), None)

    def agent(self, work_number: WorkNumber) -> Agent | None:
        """The agent with this work number."""
        return next((agent for agent in self.agents if agent.work_number == work_number), None)

    def agent_at(self, phone: str) -> Agent | None:
        """The agent whose phone this is."""
        return next((agent for agent in self.agents if agent.phone == phone), None)

    def queue(self, name: str) -> Queue | None:
        """The queue with this name."""
        return next((queue for queue in self.queues if queue.name == name), None)

    @property
    def rules(self) -> Rules:
        """What the calendar is made of."""
        part = self.calendar
        return Rules(
            zone=self.zone,
            country=part.country or None,
            subdivision=part.subdivision,
            hours=self.hours,
            seasons=part.seasons,
        )


def load(file: Path) -> Site:
    """Read and check a site file. Raises SiteRefused with all problems found, never the first one only.

    Menus speak by the names of prompts, so the texts are read too; raises CatalogueError if they cannot be used.
    """
    try:
        with file.open("rb") as stream:
            raw = tomllib.load(stream)
    except OSError as problem:
        raise SiteRefused(file, [f"cannot be read: {problem.strerror}"]) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise SiteRefused(file, [f"is not TOML: {problem}"]) from problem
    try:
        site = Site.model_validate(raw)
    except ValidationError as problem:
        raise SiteRefused(file, [_said(error) for error in problem.errors(include_url=False)]) from problem
    if problems := list(_contradictions(site, Catalogue.read(own=own_texts(file)))):
        raise SiteRefused(file, problems)
    return site


def own_texts(file: Path) -> Path:
    """Where the operator's own texts lie: beside the site file."""
    return file.with_name("words") / "texts"


def own_recordings(file: Path) -> Path:
    """Where the operator's recordings lie: beside the site file."""
    return file.with_name("words") / "recordings"


def _said(error: object) -> str:
    """One pydantic error as a person reads it: where, what was found, what is wrong."""
    assert isinstance(error, dict)
    where = ".".join(str(step) for step in error["loc"]) or "the file"
    found = error.get("input")
    shown = f" (found {found!r:.60})" if isinstance(found, str | int | float | bool) else ""
    return f"{where}: {str(error['msg']).removeprefix('Value error, ')}{shown}"


def _contradictions(site: Site, texts: Catalogue) -> Iterator[str]:
    queues = {queue.name for queue in site.queues}
    if site.site.fallback_queue not in queues:
        yield f"site.fallback_queue: no queue is called {site.site.fallback_queue!r}; there are {_listed(queues)}"
    for line in site.numbers:
        if line.menu not in site.menus:
            yield f"numbers.{line.key}.menu: no menu is called {line.menu!r}; there are {_listed(site.menus)}"
        elif used := sorted(line.language_keys.keys() & site.menus[line.menu].keys.keys()):
            yield (
                f"numbers.{line.key}.language_keys: menu {line.menu!r} has key {', '.join(used)} already; "
                f"choose another for the language"
            )
        if line.hours != ALWAYS and line.hours not in site.hours:
            known = _listed([ALWAYS, *site.hours])
            yield f"numbers.{line.key}.hours: no hours are called {line.hours!r}; there are {known}"
    for each in site.queues:
        if each.hours not in (None, ALWAYS, *site.hours):
            known = _listed([ALWAYS, *site.hours])
            yield f"queues.{each.name}.hours: no hours are called {each.hours!r}; there are {known}"
    for title, openings in site.hours.items():
        for opening in openings:
            if opening.season not in (None, *site.calendar.seasons):
                known = _listed(site.calendar.seasons)
                yield f"hours.{title}.season: no season is called {opening.season!r}; there are {known}"
    speakable = texts.ids
    for name, menu in site.menus.items():
        if menu.prompt not in speakable:
            yield f"menus.{name}.prompt: no prompt is called {menu.prompt!r}; write its text in prompts/texts/*.toml"
        yield from _dead_ends(name, menu, site, queues)
    for agent in site.agents:
        for queue in agent.queues:
            if queue not in queues:
                yield f"agents.{agent.work_number}.queues: no queue is called {queue!r}; there are {_listed(queues)}"
    for key in site.notices.brands.keys() - {line.key for line in site.numbers}:
        yield f"notices.brands: no line is called {key!r}; there are {_listed(line.key for line in site.numbers)}"
    yield from _twice("numbers.dialled", (number for line in site.numbers for number in line.dialled))
    yield from _twice("numbers.key", (line.key for line in site.numbers))
    yield from _twice("queues.name", (queue.name for queue in site.queues))
    yield from _twice("areas.key", (area.key for area in site.areas))
    yield from _twice("agents.phone", (phone.phone for phone in site.phones))
    yield from _twice("carriers.name", (carrier.name for carrier in site.carriers))
    yield from _twice(
        "what an agent can dial (work numbers, transfer codes, department codes)",
        [phone.number for phone in site.phones]
        + [queue.transfer_code for queue in site.queues]
        + [department.code for department in site.departments],
    )


def _dead_ends(name: str, menu: Menu, site: Site, queues: set[str]) -> Iterator[str]:
    for key, choice in menu.keys.items():
        if choice.queue is not None and choice.queue not in queues:
            yield f"menus.{name}.keys.{key}: no queue is called {choice.queue!r}; there are {_listed(queues)}"
        if choice.menu is not None and choice.menu not in site.menus:
            yield f"menus.{name}.keys.{key}: no menu is called {choice.menu!r}; there are {_listed(site.menus)}"
        if choice.menu is not None and _leads_back(choice.menu, name, site):
            yield f"menus.{name}.keys.{key}: menu {choice.menu!r} leads back to {name!r}; a caller could go in circles"


def _leads_back(start: str, to: str, site: Site) -> bool:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        here = ahead.pop()
        if here == to:
            return True
        if here not in seen and here in site.menus:
            seen.add(here)
            ahead += [choice.menu for choice in site.menus[here].keys.values() if choice.menu is not None]
    return False


def _twice(what: str, values: Iterable[str]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what}: {value!r} is used {count} times, but must be unique"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
