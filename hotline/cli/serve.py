"""`hotline serve`: the server itself; `hotline web`: pages beside it. `hotline settings`: what it can be told."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer
import uvloop
from rich.table import Table

from hotline import logging, running, settings
from hotline import web as pages
from hotline.cli.common import console


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(web)
    app.command("settings")(show_settings)


def serve() -> None:
    """Answer calls until stopped. Needs an Asterisk (asterisk-config/) and the settings; see: hotline settings."""
    found = settings.load()
    logging.set_up(found.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(running.serve(found))


def web(
    server: Annotated[str, typer.Option("--server", envvar="HOTLINE_URL", help="the server that answers calls")],
    redis: Annotated[str, typer.Option("--redis", envvar="HOTLINE_REDIS", help="its Redis: redis://:PASSWORD@HOST/0")],
    origin: Annotated[
        str | None, typer.Option("--origin", envvar="HOTLINE_API__ORIGIN", help="the pages' address, https://...")
    ] = None,
    proxies: Annotated[
        str, typer.Option("--proxies", envvar="HOTLINE_API__PROXIES", help="proxies before us that we believe")
    ] = "",
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8081,
) -> None:
    """Serve the pages from a further process, for more onlookers; what they do is passed on to the server.

    The server must believe whom this process speaks for: name its address in the server's HOTLINE_API__PROXIES.
    """
    told = settings.web_process(server=server, redis=redis, origin=origin, proxies=proxies)
    logging.set_up()

    async def until_stopped() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stop.set)
        async with pages.serving_pages(told, host=host, port=port) as found:
            console.print(f"the pages are at {told.origin or f'http://{host}:{found}'}")
            await stop.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_stopped())


def show_settings() -> None:
    """List every setting of the server, with its meaning and default."""
    table = Table(
        "setting",
        "kind",
        "default",
        "meaning",
        title="set as environment variables, or in the file HOTLINE_ENV_FILE names",
    )
    for row in settings.listed():
        table.add_row(*row)
    console.print(table)
