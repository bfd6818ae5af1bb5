"""The pages themselves: one HTML file and its scripts, built from `desk/pages` by setup/pages.sh.

They hold nothing secret, so they are open; all they show they ask for, and that needs a session.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from aiohttp import web

from desk.access import OPEN
from desk.errors import Refused
from desk.routes import get

BUILT: Final = Path(__file__).with_name("static")
ASSET: Final = re.compile(r"[\w-]{1,80}\.(js|css|svg|woff2|png)")
KINDS: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}


async def page(_: web.Request) -> web.StreamResponse:
    """The pages. Whatever page it is, it is this file; the part after # says which."""
    file = BUILT / "index.html"
    if not file.is_file():
        raise Refused(503, "pages-not-built", "the pages are not built; run setup/pages.sh, then: hotline up")
    return web.FileResponse(file, headers={"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"})


async def asset(request: web.Request) -> web.StreamResponse:
    """A part of the pages. Its name changes with what is in it, so it may be kept for good."""
    name = request.match_info["file"]
    file = BUILT / "assets" / name
    if not ASSET.fullmatch(name) or not file.is_file():
        raise Refused(404, "no-asset", "the pages have no such part; load them anew")
    kind = {"Content-Type": KINDS[file.suffix], "Cache-Control": "public, max-age=31536000, immutable"}
    return web.FileResponse(file, headers=kind)


ROUTES: Final = (
    get("/", page, OPEN, answer="text/html", refusals=(503,)),
    get("/assets/{file}", asset, OPEN, answer="application/octet-stream", refusals=(404,)),
)
