"""How the command line talks to a running server."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from hotline import secrets
from hotline.stack import Stack
from routing.events import Event
from routing.events_json import from_json


class ServerError(Exception):
    """The server could not be reached or refused; the text says why and what to do."""

    code = "server"

    def __init__(self, text: str, *, said: str | None = None) -> None:
        """`said` is the code of the server's refusal."""
        self.said = said
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Where:
    """A server's address and token."""

    url: str
    token: str


def find(stack: Stack) -> Where:
    """Where the server is: HOTLINE_URL and HOTLINE_API__TOKEN, or else the stack on this machine."""
    if url := os.environ.get("HOTLINE_URL"):
        return Where(url.rstrip("/"), os.environ.get("HOTLINE_API__TOKEN", ""))
    file = stack.folder / "secrets.json"
    try:
        token = secrets.read(file).services["api"]
    except FileNotFoundError as problem:
        raise ServerError(f"there is no stack {stack.name!r} here; start one with: make demo") from problem
    except PermissionError as problem:
        raise ServerError(f"{file} belongs to another user; run this as the one who set the hotline up") from problem
    return Where(f"http://127.0.0.1:{stack.ports.web}", token)


class Client:
    """One conversation with a server; use it as `async with Client(find(stack)) as server`."""

    def __init__(self, where: Where) -> None:
        self._where = where

    async def __aenter__(self) -> Client:
        headers = {"Authorization": f"Bearer {self._where.token}"}
        self._session = aiohttp.ClientSession(self._where.url, headers=headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask; raises ServerError."""
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, str | int] | None = None, **query: str) -> dict[str, Any]:
        """Have something done; raises ServerError."""
        return await self.ask("POST", path, params=query, json=dict(body or {}))

    async def fetch(self, path: str, to: Path) -> None:
        """Save a file; raises ServerError."""
        try:
            async with self._session.get(path) as answer:
                if answer.status != 200:
                    raise ServerError((await answer.json())["error"])
                to.parent.mkdir(parents=True, exist_ok=True)
                with to.open("wb") as file:
                    async for block in answer.content.iter_chunked(1 << 16):
                        file.write(block)
        except aiohttp.ClientError as problem:
            raise self._unreachable(problem) from problem

    async def newest(self) -> int:
        """Return the number of the newest event."""
        return int((await self.get("/api/events/newest"))["seq"])

    async def events(self, *, after: int, call: str | None = None) -> AsyncIterator[Event]:
        """Yield events after this number, for ever; raises ServerError when the server goes away."""
        async for _, event in self.numbered_events(after=after, call=call):
            yield event

    async def numbered_events(self, *, after: int, call: str | None = None) -> AsyncIterator[tuple[int, Event]]:
        """Yield events with their numbers, as `events` does."""
        query = {"after": str(after), "reveal": "yes"} | ({"call": call} if call else {})
        no_limit = aiohttp.ClientTimeout(total=None, sock_read=60)
        try:
            async with self._session.get("/api/events", params=query, timeout=no_limit) as answer:
                async for line in answer.content:
                    if line.strip():
                        fields = json.loads(line)
                        yield int(fields.pop("seq")), from_json(fields)
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise self._unreachable(problem) from problem

    async def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Ask in any way; raises ServerError with what the server says, its `code` where it has one."""
        try:
            async with self._session.request(method, path, **options) as answer:
                body: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise self._unreachable(problem) from problem
        if answer.status >= 400:
            raise ServerError(str(body.get("error", f"status {answer.status}")), said=body.get("code"))
        return body

    def _unreachable(self, problem: Exception) -> ServerError:
        return ServerError(
            f"the server at {self._where.url} does not answer ({problem}); is it running? see: hotline doctor"
        )
