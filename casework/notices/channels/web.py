"""What channels over HTTP share: one request, one answer, and what each way of failing means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from casework.notices.channel import ChannelDown, SendProblem, Unsure

LIMIT: Final = 10.0
"""Seconds for one request."""
LONGEST_ANSWER: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it leaves."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


async def exchange(session: aiohttp.ClientSession, request: Request, *, limit: float = LIMIT) -> Reply:
    """Send a request. Raises ChannelDown when it surely did not arrive, Unsure when it may have."""
    try:
        async with session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=limit, sock_connect=limit / 2),
        ) as answer:
            return Reply(answer.status, await answer.content.read(LONGEST_ANSWER))
    except aiohttp.ClientConnectorError as problem:
        raise ChannelDown(f"the provider cannot be reached: {type(problem).__name__}") from None
    except (aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as problem:
        raise ChannelDown(f"the provider cannot be reached: {type(problem).__name__}") from None
    except (TimeoutError, aiohttp.ClientError, OSError) as problem:
        raise Unsure(f"the connection broke: {type(problem).__name__}") from None


def by_status(reply: Reply) -> SendProblem | None:
    """What an HTTP status says by itself; None when it is no refusal.

    401 and 403 are about our account, 429 and 5xx about the provider's day; of a 5xx nobody knows how far it got.
    """
    if reply.status in (401, 403):
        return ChannelDown(f"the provider refuses our account (status {reply.status}); check its secret")
    if reply.status in (429, 503):
        return ChannelDown(f"the provider takes nothing just now (status {reply.status})")
    if reply.status >= 500:
        return Unsure(f"the provider failed (status {reply.status})")
    return None
