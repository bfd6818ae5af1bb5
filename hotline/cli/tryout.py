"""`hotline call`: a try-out call by the pretend carrier."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from hotline import site as sites
from hotline import tryout
from hotline.busy import Busy
from hotline.cli.common import DEFAULT_STACK, InLanguage, StackName, console, run, spoken_here, stack_named
from hotline.cli.conversation import Wishes, converse
from hotline.client import Client, find
from hotline.stack import Stack


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(call)
    app.command("tryout")(busy_hour)
    app.command("tryout-voices", hidden=True)(voices)


def call(
    dialled: Annotated[str, typer.Option("--number", "-n", help="the number that is dialled")] = "4001234567",
    keys: Annotated[str, typer.Option("--keys", "-k", help="keys to press, one at each question")] = "1",
    talk: Annotated[
        float, typer.Option("--talk", "-t", min=0, max=600, help="seconds of talk before hanging up")
    ] = 6.0,
    caller: Annotated[str | None, typer.Option("--from", help="the caller's number; else a random one")] = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Place a call through the pretend carrier and print the conversation as it happens."""
    wishes = Wishes(dialled=dialled, keys=keys, talk_for=talk, number=caller)
    run(converse(stack_named(stack), wishes, lang or spoken_here()))


def busy_hour(
    calls_per_hour: Annotated[float, typer.Option(min=1, max=6000, help="how many callers, on average")] = 600,
    agents: Annotated[int, typer.Option(min=0, max=500, help="how many of the site's agents come to work")] = 12,
    how_long: Annotated[str, typer.Option("--for", help="how long, e.g. 90s, 20m, 1h")] = "1h",
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Keep the hotline busy with pretend callers and agents of a day's habits; open the board and look. Ctrl-C ends."""
    run(_be_busy(stack_named(stack), calls_per_hour, agents, seconds_in(how_long)))


async def _be_busy(where: Stack, calls_per_hour: float, agents: int, seconds: float) -> None:
    dialled = [
        line.dialled[0] for line in sites.load(where.folder / "site" / "site.toml").numbers if line.hours == "always"
    ]
    ports = where.rtp_range[1] - where.rtp_range[0] + 1
    most_at_once = max(3, min(400, ports // 2 - agents))  # a talk needs two lines at the pbx, a wait one
    console.print(f"Callers come to {', '.join(dialled)}. The board: http://127.0.0.1:{where.ports.web}\n")
    async with Client(find(where)) as server, tryout.carrier(where) as carrier:
        hour = Busy(carrier, server, dialled, calls_per_hour, agents)
        with console.status("callers come ...") as shown:

            def told() -> None:
                counts = ", ".join(f"{name} {count}" for name, count in hour.counts.items())
                shown.update(f"{hour.on_line} on the line; {counts or 'nobody yet'}")

            await hour.go_on(seconds, most_at_once=most_at_once, told=told)
    console.print(", ".join(f"{name} {count}" for name, count in hour.counts.items()))


def seconds_in(text: str) -> float:
    """A length of time as people type it: 90s, 20m, 1h."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write 90s, 20m or 1h", param_hint="--for")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def voices(folder: Path) -> None:
    """Make the pretend people's voices (run in the server's container, which has the voice)."""
    tryout.voices(folder)
