"""Importing tickets: the rows of a file come in batches, and whoever sends them asks how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field, StringConstraints

from casework.imports import Imports
from casework.ticket import Name
from desk.access import LEADERS, only
from desk.routes import Given, Shown, answer, get, given, post, who

IMPORTS: Final = web.AppKey("imports", Imports)
BRING_IN: Final = only(*LEADERS)
MOST_ROWS: Final = 1000

Key = Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,120}$")]


class Beginning(Given):
    """An import; the key names its file, so that the same file is taken up where it stopped."""

    key: Key
    source: Name = "import"


class Batch(Given):
    """The next rows, each with its line and its cells by the columns' names."""

    key: Key
    rows: Sequence[tuple[int, Mapping[str, str]]] = Field(min_length=1, max_length=MOST_ROWS)


class Asked(Given):
    """Of which import, and from which line on."""

    key: Key
    after: int = Field(0, ge=0)


class HowFar(Shown):
    """How far an import has come."""

    line: int
    opened: int
    known: int
    refused: int


class Wrong(Shown):
    """A row that was refused."""

    line: int
    reason: str


class SomeWrong(Shown):
    """Rows that were refused, by line; for more ask after the last of these."""

    errors: Sequence[Wrong]


async def begin(request: web.Request) -> web.StreamResponse:
    """Begin an import, or learn how far it has come."""
    wanted = given(request, Beginning)
    progress = await request.app[IMPORTS].begin(wanted.key, source=wanted.source)
    return answer(HowFar(line=progress.line, opened=progress.opened, known=progress.known, refused=progress.refused))


async def take(request: web.Request) -> web.StreamResponse:
    """Take the next rows; those of lines that were taken before are passed over."""
    wanted, asker = given(request, Batch), who(request)
    progress = await request.app[IMPORTS].take(wanted.key, wanted.rows, who=asker.number or asker.name)
    return answer(HowFar(line=progress.line, opened=progress.opened, known=progress.known, refused=progress.refused))


async def errors(request: web.Request) -> web.StreamResponse:
    """The rows that were refused, each with its line and the reason."""
    wanted = given(request, Asked)
    found = await request.app[IMPORTS].errors(wanted.key, after=wanted.after)
    return answer(SomeWrong(errors=[Wrong(line=line, reason=reason) for line, reason in found]))


ROUTES: Final = (
    post("/api/tickets/imports", begin, BRING_IN, body=Beginning, answer=HowFar),
    post("/api/tickets/imports/rows", take, BRING_IN, body=Batch, answer=HowFar, refusals=(409,)),
    get("/api/tickets/imports/errors", errors, BRING_IN, query=Asked, answer=SomeWrong),
)
