"""Prompts recorded by phone: somebody's phone rings, what is spoken there wins over the voice (`hotline/booth.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Protocol

from aiohttp import web
from pydantic import Field, StringConstraints

from desk.access import LEAD_SHIFT
from desk.announcements import Language
from desk.routes import Given, Shown, answer, get, given, post, who

SoundName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,200}$")]
PhoneNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")]


class Piece(Protocol):
    """A sound that somebody speaks."""

    @property
    def file(self) -> str:
        """Its place below the sounds."""

    @property
    def text(self) -> str:
        """The words."""


class Session(Protocol):
    """One recording call, as it stands."""

    @property
    def call(self) -> str:
        """Its id."""

    @property
    def piece(self) -> Piece:
        """What is recorded."""

    @property
    def state(self) -> str:
        """How far it is."""

    @property
    def said(self) -> Sequence[str]:
        """What became of each take."""


class Booth(Protocol):
    """Where prompts are recorded by phone."""

    async def ring(self, sound: str, *, language: str | None, agent: str | None, phone: str | None, by: str) -> Session:
        """Ring a phone to have a sound spoken; raises PromptsErrors that say why not."""

    def session(self, call: str) -> Session:
        """How a recording call stands; raises NothingRecorded."""

    def recorded(self) -> Sequence[str]:
        """The names of what was recorded by phone."""

    async def drop(self, name: str) -> None:
        """Forget a recording by phone; raises NothingRecorded, PromptsError."""


BOOTH: Final = web.AppKey("booth", Booth)


class Recording(Given):
    """What is to be recorded, and by whom: the phone of this number rings, else the agent's."""

    sound: SoundName = Field(description="a name on the studio's sheet, or a prompt's id")
    language: Language | None = None
    agent: PhoneNumber | None = None
    phone: PhoneNumber | None = None


class Dropping(Given):
    """Which recording is to be forgotten."""

    sound: SoundName


class RecordingCall(Shown):
    """A recording call: what is spoken, how far it is, and what became of each take."""

    call: str
    sound: str
    text: str
    state: str = Field(description="ringing, missed, recording, not-kept, kept, heard, not-heard")
    said: Sequence[str]


class Recorded(Shown):
    """What was recorded by phone."""

    sounds: Sequence[str]


async def record(request: web.Request) -> web.StreamResponse:
    """Ring a phone to have a prompt spoken; what is kept there is heard by callers from then on."""
    wanted = given(request, Recording)
    session = await request.app[BOOTH].ring(
        wanted.sound, language=wanted.language, agent=wanted.agent, phone=wanted.phone, by=who(request).name
    )
    return answer(_shown(session), status=201)


async def how_it_stands(request: web.Request) -> web.StreamResponse:
    """How a recording call stands."""
    return answer(_shown(request.app[BOOTH].session(request.match_info["call"])))


async def recorded(request: web.Request) -> web.StreamResponse:
    """What was recorded by phone."""
    return answer(Recorded(sounds=request.app[BOOTH].recorded()))


async def drop(request: web.Request) -> web.StreamResponse:
    """Forget what was recorded by phone for a sound; the studio's recording or the voice is heard again."""
    booth = request.app[BOOTH]
    await booth.drop(given(request, Dropping).sound)
    return answer(Recorded(sounds=booth.recorded()))


def _shown(session: Session) -> RecordingCall:
    sound = session.piece.file.replace("/", ".")
    return RecordingCall(
        call=session.call, sound=sound, text=session.piece.text, state=session.state, said=session.said
    )


ROUTES: Final = (
    get("/api/prompts/recorded", recorded, LEAD_SHIFT, answer=Recorded),
    post("/api/prompts/recorded/drop", drop, LEAD_SHIFT, body=Dropping, answer=Recorded, refusals=(404, 503)),
    post(
        "/api/prompts/recordings", record, LEAD_SHIFT, body=Recording, answer=RecordingCall, status=201, refusals=(503,)
    ),
    get("/api/prompts/recordings/{call}", how_it_stands, LEAD_SHIFT, answer=RecordingCall, refusals=(404,)),
)
