"""The front of the house: by which address people reach the pages, what every answer says to a browser, who is there.

The same in every process that serves pages: the one that answers calls, and any `hotline web` beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK: Final = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?")
MOST_HOPS: Final = 8
"""So many proxies, one behind the other, are believed."""

HEADERS: Final[Mapping[str, str]] = {
    # Nothing inline, nothing from elsewhere; `blob:` is a recording that is being played.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Front:
    """How people come to the pages."""

    origin: str | None = None
    """Our pages' address as people type it, `https://...`; None when they are opened on this machine only."""
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    """Where our own proxies are, which say in X-Forwarded-For whom they speak for."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; `__Host-` binds it to this host and to https."""
        return "__Host-hotline" if self.secure else "hotline"

    @property
    def secure(self) -> bool:
        """Whether people come by https. By plain http they can come from this machine only (`settings.py`)."""
        return self.origin is not None and self.origin.startswith("https://")

    def is_ours(self, request: web.Request) -> bool:
        """Whether a browser says that the request comes from our own pages."""
        origin = request.headers.get("Origin", "")
        if self.origin is not None and origin == self.origin:
            return True
        place = urlsplit(origin)
        return place.scheme == "http" and place.netloc == request.host and LOOPBACK.fullmatch(request.host) is not None

    def address(self, request: web.Request) -> str:
        """Where a request comes from. A proxy of ours is believed whom it speaks for; what others wrote is not read."""
        found = request.remote or ""
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for hop in reversed(hops[-MOST_HOPS:]):
            if not self._is_proxy(found) or not _is_address(hop.strip()):
                break
            found = hop.strip()
        return found

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self.proxies)


FRONT: Final = web.AppKey("front", Front)


async def with_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say what every answer of ours says; a signal of `Application.on_response_prepare`."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.app[FRONT].secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
