"""`hotline serve`: the server itself. `hotline settings`: what it can be told."""

from __future__ import annotations

import asyncio

import typer
import uvloop
from rich.table import Table

from hotline import logging, service, settings
from hotline.cli.common import console


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command("settings")(show_settings)


def serve() -> None:
    """Answer calls until stopped. Needs an Asterisk (asterisk-config/) and the settings; see: hotline settings."""
    found = settings.load()
    logging.set_up(found.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(service.serve(found))


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
