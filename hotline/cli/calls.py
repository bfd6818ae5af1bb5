"""`hotline calls`: what happened to recent calls, step by step."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from hotline.cli.common import (
    DEFAULT_STACK,
    InLanguage,
    Reveal,
    StackName,
    console,
    run,
    spoken_here,
    stack_named,
)
from hotline.client import Client, find
from routing.events import CallRang, Event
from routing.events_json import from_json
from routing.story import summary, tell


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calls)


def calls(
    call: Annotated[str | None, typer.Argument(help="a call's id, or its beginning: tell this call's story")] = None,
    caller: Annotated[str | None, typer.Option("--from", help="only this caller's calls")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500)] = 20,
    reveal: Reveal = False,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Show recent calls, newest first; or one call, step by step."""
    language = lang or spoken_here()
    query = {"reveal": "yes"} if reveal else {}

    async def show() -> None:
        async with Client(find(stack_named(stack))) as server:
            if call is not None:
                found = await server.get(f"/api/calls/{call}", **query)
                events = [from_json(each) for each in found["events"]]
                texts = (await server.get("/api/prompts"))["texts"]
                console.print(f"call {found['call']}: {summary(events, language)}\n")
                for line in tell(events, language, reveal=reveal, texts=texts):
                    console.print(f"  {line}", soft_wrap=True, markup=False)
                return
            if caller is not None:
                some = (await server.post("/api/calls/find", {"caller": caller, "limit": limit}, **query))["calls"]
            else:
                some = (await server.get("/api/calls", limit=str(limit), **query))["calls"]
            if not some:
                console.print("No calls yet. Place one: hotline call")
                return
            table = Table("call", "when", "caller", "what became of it")
            for each in some:
                events = [from_json(event) for event in each["events"]]
                table.add_row(each["call"], _when(events), _caller(events, reveal), summary(events, language))
            console.print(table)

    run(show())


def _when(events: list[Event]) -> str:
    return events[0].at.astimezone().strftime("%m-%d %H:%M:%S")


def _caller(events: list[Event], reveal: bool) -> str:
    rang = next((event for event in events if isinstance(event, CallRang)), None)
    if rang is None or rang.caller is None:
        return ""
    return rang.caller.digits if reveal or "*" in rang.caller.digits else rang.caller.masked()
