"""`hotline agent ...`: who is on duty, and signing agents in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find

agent = typer.Typer(help="Sign agents in and out, pause them, and see who is on duty.", no_args_is_help=True)
NOBODY: Final = "This site has no agents yet: add [[agents]] to its site file, then: hotline up"
WorkNumber = Annotated[str, typer.Argument(help="the agent's work number, e.g. 1024")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(agent, name="agent")


@agent.command("list")
def listing(stack: StackName = DEFAULT_STACK) -> None:
    """Show every agent's state."""

    async def show() -> None:
        async with Client(find(stack_named(stack))) as server:
            found = (await server.get("/api/agents"))["agents"]
        console.print(_table(found) if found else NOBODY, markup=False)

    run(show())


@agent.command()
def signin(number: WorkNumber, stack: StackName = DEFAULT_STACK) -> None:
    """Offer this agent calls from now on."""
    _step(stack, number, "sign-in")


@agent.command()
def signout(number: WorkNumber, stack: StackName = DEFAULT_STACK) -> None:
    """Offer this agent no more calls; a talk in progress goes on."""
    _step(stack, number, "sign-out")


@agent.command()
def pause(
    number: WorkNumber,
    reason: Annotated[str, typer.Option("--reason", "-r", help="rest, meal, training, meeting, or your own word")],
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Offer this agent no calls for now; a pause needs a reason."""
    _step(stack, number, "pause", reason=reason)


@agent.command()
def unpause(number: WorkNumber, stack: StackName = DEFAULT_STACK) -> None:
    """End this agent's pause."""
    _step(stack, number, "unpause")


@agent.command("extend")
def extend(
    number: WorkNumber,
    seconds: Annotated[int, typer.Option("--by", help="so many seconds more", min=1, max=1800)] = 60,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Give this agent more time to wrap up."""
    _step(stack, number, "extend-wrap-up", seconds=seconds)


@agent.command("done")
def done(number: WorkNumber, stack: StackName = DEFAULT_STACK) -> None:
    """End this agent's wrap-up."""
    _step(stack, number, "end-wrap-up")


def _step(stack: str, number: str, step: str, **body: str | int) -> None:
    async def take() -> None:
        async with Client(find(stack_named(stack))) as server:
            state = await server.post(f"/api/agents/{number}/{step}", body)
        console.print(
            f"agent {state['agent']} ({state['name']}) is {state['state']}"
            + (f": {state['reason']}" if state["reason"] else ""),
            markup=False,
        )

    run(take())


def _table(agents: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("agent", "name", "state", "for", "reason", "call", "queues (penalty)")
    for each in agents:
        queues = ", ".join(f"{queue} ({penalty})" for queue, penalty in each["queues"].items())
        call, reason = each["call"] or "", each["reason"] or ""
        name, how_long = escape(each["name"]), _how_long(each["since"])
        table.add_row(each["agent"], name, each["state"], how_long, reason, call, queues)
    return table


def _how_long(since: str | None) -> str:
    """How long ago that was, as hours:minutes:seconds; nothing when nobody knows."""
    if since is None:
        return ""
    seconds = round((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    hours, rest = divmod(max(seconds, 0), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
