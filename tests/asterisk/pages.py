"""The desk's pages in a real browser."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

from hotline import secrets
from hotline.stack import ROOT
from tests.asterisk.world import World

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60_000.0
"""Milliseconds that the browser waits for what it is to see."""


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """A Chromium."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        await started.close()


@asynccontextmanager
async def a_further_web_process(world: World) -> AsyncIterator[str]:
    """`hotline web` beside the server; gives its address."""
    services = secrets.read(world.stack.folder / "secrets.json").services
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline", "web", "--port", "0"),
        *("--server", f"http://127.0.0.1:{world.stack.ports.web}"),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOTLINE_REDIS": f"redis://:{services['redis']}@{world.stack.redis}:6379/0"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), PATIENCE / 1000)).decode()
        yield said.removeprefix("the pages are at ").strip()
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def signed_in(world: World, browser: Browser, user: str, password: str, *, at: str = "") -> AsyncIterator[Page]:
    """The pages of somebody who has signed in, in English; any complaint of the browser's fails the test.

    They come from the server, or from another address.
    """
    context = await browser.new_context(locale="en-GB", viewport={"width": 1400, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    await page.goto(at or f"http://127.0.0.1:{world.stack.ports.web}/")
    await page.get_by_label("Name").fill(user)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    try:
        yield page
        assert complaints == []
    finally:
        await context.close()
