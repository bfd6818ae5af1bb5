"""`hotline agent ...`: who is on duty, and signing agents in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find

agent = typer.Typer(help="Sign agents in and out, pause them, and see who is on duty.", no_args_is_help=True)
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
        table = Table("work number", "name", "state", "since", "reason", "call", "queues (penalty)")
        for each in found:
            queues = ", ".join(f"{queue} ({penalty})" for queue, penalty in each["queues"].items())
            table.add_row(
                each["agent"],
                each["name"],
                each["state"],
                _ago(each["since"]),
                each["reason"] or "",
                each["call"] or "",
                queues,
            )
        console.print(
            table if found else "This site has no agents yet: add [[agents]] to its site file, then: hotline up"
        )

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


def _step(stack: str, number: str, step: str, **body: str | int) -> None:
    async def take() -> None:
        async with Client(find(stack_named(stack))) as server:
            state = await server.post(f"/api/agents/{number}/{step}", body)
        console.print(
            f"agent {state['agent']} ({state['name']}) is {state['state']}"
            + (f": {state['reason']}" if state["reason"] else "")
        )

    run(take())


def _ago(since: str | None) -> str:
    if since is None:
        return ""
    seconds = round((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    hours, rest = divmod(max(seconds, 0), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
