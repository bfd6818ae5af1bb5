"""What callers hear: outages and news that are announced, the calendar and its changes, and listening in advance."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, Protocol

from aiohttp import web
from pydantic import AwareDatetime, Field, StringConstraints

from desk.access import LEAD_SHIFT, LEADERS, SIGNED_IN, Role, only
from desk.errors import Refused
from desk.routes import Given, Shown, answer, get, given, post, who
from prompts.calendar.notice import Notice
from prompts.news import Announcement, Area, News
from prompts.store import Change

LISTEN: Final = only(*LEADERS, Role.INSPECTOR)
USUALLY: Final = timedelta(hours=24)
"""So long something is said of which nobody knows when it ends."""
Language = Literal["zh", "en", "es"]


class Heard(Protocol):
    """A conversation, and how it sounds."""

    @property
    def lines(self) -> Sequence[str]:
        """Who said what, by the names of the prompts."""

    @property
    def texts(self) -> Sequence[str]:
        """The words of each prompt."""

    @property
    def sound(self) -> bytes:
        """All of it, as wav."""


class Words(Protocol):
    """The house's words, as leads change them (`hotline/almanac.py`)."""

    @property
    def news(self) -> Sequence[News]:
        """What is announced."""

    @property
    def changes(self) -> Sequence[Change]:
        """What was changed in the calendar by command."""

    async def announce(self, news: Announcement) -> News:
        """Have it spoken, then announce it; raises NewsRefused, PromptsError."""

    async def change(self, notice: Notice, *, by: str) -> int:
        """Change the calendar; raises NoticeRefused, PromptsError."""

    async def withdraw(self, kind: Literal["news", "calendar"], number: int) -> None:
        """Let it hold no longer; raises NoSuchWords."""

    def year(self, year: int) -> Sequence[str]:
        """A year of the calendar, line by line."""


class Ear(Protocol):
    """Something that can call in advance (`hotline/hear.py`)."""

    async def __call__(
        self, at: datetime, *, dialled: str | None, keys: str, agent: str | None, language: Language | None
    ) -> Heard:
        """Return what a caller would hear at this moment, in the site's own time; raises NotHeard."""


EAR: Final = web.AppKey("ear", Ear)
WORDS: Final = web.AppKey("words", Words)
AREAS: Final[web.AppKey[Sequence[Area]]] = web.AppKey("areas", Sequence)


class Announcing(Given):
    """What is to be announced; without an end it is said until it should be over, else for a day."""

    text: Mapping[Language, str] = Field(min_length=1)
    area: str | None = None
    expected_end: AwareDatetime | None = None
    begins: AwareDatetime | None = None
    ends: AwareDatetime | None = None


class Listening(Given):
    """What is to be heard: at which moment, in the site's own time, and what the caller does."""

    at: datetime
    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")] | None = None
    keys: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{0,20}$")] = "0"
    agent: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")] | None = None
    language: Language | None = None


class OneArea(Shown):
    """A part of town, as tickets and announcements name it."""

    key: str
    name: str


class Areas(Shown):
    """The site's areas: an emergency in one of them is announced by itself."""

    areas: Sequence[OneArea]


class AllNews(Shown):
    """What is announced, over or not, in the order it was."""

    news: Sequence[News]


class OneChange(Shown):
    """A change of the calendar under its number."""

    number: int
    notice: Notice
    by: str
    at: AwareDatetime


class AllChanges(Shown):
    """Every change that was made by command and not withdrawn."""

    changes: Sequence[OneChange]


class Changing(Given, Notice):
    """A change of the calendar, written as in calendar.toml."""


class Numbered(Shown):
    """The number something has now."""

    number: int


class Lines(Shown):
    """Something to read."""

    lines: Sequence[str]


class Conversation(Lines):
    """What a caller would hear: names, words, and the sound (wav, base64)."""

    texts: Sequence[str]
    wav: str


async def areas(request: web.Request) -> web.StreamResponse:
    """The site's areas."""
    return answer(Areas(areas=[OneArea(key=each.key, name=each.name) for each in request.app[AREAS]]))


async def all_news(request: web.Request) -> web.StreamResponse:
    """What is announced."""
    return answer(AllNews(news=request.app[WORDS].news))


async def announce(request: web.Request) -> web.StreamResponse:
    """Announce an outage or other news; callers hear it when this answers."""
    wanted = given(request, Announcing)
    begins = wanted.begins or datetime.now(UTC)
    ends = wanted.ends or max(wanted.expected_end or begins + USUALLY, begins + timedelta(minutes=1))
    told = {"text": wanted.text, "area": wanted.area, "expected_end": wanted.expected_end, "begins": begins}
    news = Announcement.model_validate({**told, "ends": ends, "by": who(request).name})
    return answer(await request.app[WORDS].announce(news), status=201)


async def end_news(request: web.Request) -> web.StreamResponse:
    """Announce it no longer."""
    number = _number(request, "news", 1, 2**53)
    await request.app[WORDS].withdraw("news", number)
    return answer(Numbered(number=number))


async def all_changes(request: web.Request) -> web.StreamResponse:
    """Changes of the calendar made by command."""
    found = request.app[WORDS].changes
    return answer(
        AllChanges(changes=[OneChange(number=one.number, notice=one.notice, by=one.by, at=one.at) for one in found])
    )


async def change(request: web.Request) -> web.StreamResponse:
    """Change the calendar; in use when this answers."""
    notice = Notice.model_validate(given(request, Changing).model_dump(by_alias=True))
    return answer(Numbered(number=await request.app[WORDS].change(notice, by=who(request).name)), status=201)


async def withdraw_change(request: web.Request) -> web.StreamResponse:
    """Take a change of the calendar back."""
    number = _number(request, "change", 1, 2**53)
    await request.app[WORDS].withdraw("calendar", number)
    return answer(Numbered(number=number))


async def a_year(request: web.Request) -> web.StreamResponse:
    """A year of the calendar, with warnings."""
    return answer(Lines(lines=request.app[WORDS].year(_number(request, "year", 1950, 2099))))


async def listen(request: web.Request) -> web.StreamResponse:
    """What a caller would hear at a moment, from the code that answers calls."""
    wanted = given(request, Listening)
    heard = await request.app[EAR](
        wanted.at, dialled=wanted.number, keys=wanted.keys, agent=wanted.agent, language=wanted.language
    )
    return answer(Conversation(lines=heard.lines, texts=heard.texts, wav=b64encode(heard.sound).decode()))


def _number(request: web.Request, name: str, least: int, most: int) -> int:
    """A number that stands in the address."""
    found = request.match_info[name]
    if not (found.isascii() and found.isdecimal() and len(found) < 17 and least <= int(found) <= most):
        raise Refused(422, "bad-request", f"the {name} must be a number from {least} to {most}; found {found!r:.40}")
    return int(found)


ROUTES: Final = (
    get("/api/areas", areas, SIGNED_IN, answer=Areas),
    get("/api/news", all_news, SIGNED_IN, answer=AllNews),
    post("/api/news", announce, LEAD_SHIFT, body=Announcing, answer=News, status=201),
    post("/api/news/{news}/end", end_news, LEAD_SHIFT, answer=Numbered, refusals=(404,)),
    get("/api/calendar/changes", all_changes, SIGNED_IN, answer=AllChanges),
    post("/api/calendar/changes", change, LEAD_SHIFT, body=Changing, answer=Numbered, status=201),
    post(
        "/api/calendar/changes/{change}/withdraw",
        withdraw_change,
        LEAD_SHIFT,
        answer=Numbered,
        refusals=(404,),
    ),
    get("/api/calendar/years/{year}", a_year, SIGNED_IN, answer=Lines),
    post("/api/hear", listen, LISTEN, body=Listening, answer=Conversation),
)
