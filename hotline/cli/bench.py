"""`hotline bench NAME`: speed and memory, as ratios against peers measured in the same run."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer

from hotline.bench.report import Report
from hotline.cli.common import console

BENCHES: Final = {
    "agi": "our FastAGI server, panoramisk's, and a bare floor: CPU, latency and memory per session",
    "prompts": "every sound of a large site, against espeak-ng called once per file, one after the other",
    "board": "an event's way from Asterisk to the live picture: CPU beside panoramisk alone, memory over 100,000",
    "browsers": "from an event to a browser: 500 agents, 200 calls, 50 readers of the live picture",
    "call": "full calls through the real Asterisk: our CPU per call, and as a share of Asterisk's own",
    "tickets": "tickets a second against a bare INSERT, rows imported a second, searches among 100,000 or 1,000,000",
    "dial": "return visits: visits a minute and our CPU a visit, against a bare loop of Originates",
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help="Measure. NAME is one of:\n\n" + "\n\n".join(f"{name}: {what}" for name, what in BENCHES.items()))(
        bench
    )


def bench(
    name: Annotated[str, typer.Argument(help=" | ".join(BENCHES))],
    json: Annotated[
        Path | None, typer.Option("--json", help="write name, machine, rows and ratios to this file")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="fewer rounds: to see that it works, not to quote")] = False,
    rows: Annotated[int | None, typer.Option("--rows", min=500, help="tickets: so many instead of 100,000")] = None,
    postgresql: Annotated[
        str | None,
        typer.Option("--postgresql", help="tickets: the address of an empty database, or 'container' to start one"),
    ] = None,
) -> None:
    """Run one benchmark."""
    options = {option: value for option, value in {"rows": rows, "postgresql": postgresql}.items() if value is not None}
    if options and name != "tickets":
        raise typer.BadParameter(f"{', '.join(options)}: only for tickets")
    if name not in BENCHES:
        raise typer.BadParameter(f"there is no benchmark {name!r}; there are {', '.join(BENCHES)}")
    report: Report = import_module(f"hotline.bench.{name}").run(quick=quick, **options)
    console.print(report.table())
    if json is not None:
        json.write_text(report.to_json(), encoding="utf-8")
        console.print(f"written to {json}")
