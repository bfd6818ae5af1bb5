"""`hotline serve`: the house is opened on its database, and closed when it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from aiohttp import web

from casework.visits.script import ScriptRefused
from desk.accounts import open_accounts
from hotline import api, clocks, site, watchdog
from hotline.casework import open_casework
from hotline.service import Service
from hotline.settings import Settings
from hotline.words import open_said, open_words
from routing.log_sql import open_log

Memory = TypeVar("Memory")


class LogUnusable(Exception):
    """The event log cannot be opened. Without it nothing would be known of any call, so we do not start."""

    code = "log-unusable"

    def __init__(self, problem: Exception) -> None:
        said = str(getattr(problem, "orig", None) or problem).partition("\n")[0]
        super().__init__(
            f"the event log cannot be opened: {said}; see HOTLINE_DATABASE, and whether that can be reached"
        )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """The house, open for as long as the block lasts."""
    found = site.load(settings.site)
    clocks.refuse_in_service(settings, found)
    async with AsyncExitStack() as stack:
        events = await _open(stack, open_log(settings.database))
        said = await _open(stack, open_said(settings.database))
        casework = await _open(stack, open_casework(settings.database, found))
        service = Service(settings, found, events, open_words(found, settings), casework, said)
        accounts = await _open(stack, open_accounts(settings.database))
        runner = web.AppRunner(api.application(service, accounts), access_log=None, shutdown_timeout=2)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        stack.push_async_callback(service.stop)
        await service.start()
        await web.TCPSite(runner, settings.api.host, settings.api.port).start()
        yield service


async def _open(stack: AsyncExitStack, memory: AbstractAsyncContextManager[Memory]) -> Memory:
    """Open a part of the database until the stack ends; raises LogUnusable."""
    try:
        return await stack.enter_async_context(memory)
    except ScriptRefused:
        raise  # says itself what is wrong, and where
    except Exception as problem:  # each database has its own errors
        raise LogUnusable(problem) from problem


async def serve(settings: Settings) -> None:
    """Run until told to stop (SIGTERM, SIGINT)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    watchdog.watch(loop)
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with running(settings):
        _leave_alone_what_stays()
        await stop.wait()


def _leave_alone_what_stays() -> None:
    """Have Python's collector look at what calls leave only: all that was there before is some 400,000 objects.

    To look through them takes it a fifth of a second, in which no caller would be answered.
    """
    gc.collect()
    gc.freeze()
