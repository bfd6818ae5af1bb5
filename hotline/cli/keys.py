"""`hotline key ...`: keys for other systems (BOSS, CRM, another hotline), which may do tickets and nothing else."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find

key = typer.Typer(help="Keys for other systems: they may do tickets, nothing else.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="what the system is called: the source of the tickets it opens")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(key, name="key")


@key.command("list")
def listing(stack: StackName = DEFAULT_STACK) -> None:
    """Show the systems that have a key."""
    table = Table("system", "since")
    for each in _ask(stack, "GET", "/api/keys")["keys"]:
        table.add_row(each["name"], each["made"][:10])
    console.print(table)


@key.command()
def add(name: Name, stack: StackName = DEFAULT_STACK) -> None:
    """Make a key for a system; it is shown this once."""
    made = _ask(stack, "POST", "/api/keys", {"name": name})
    console.print(
        f"{made['name']}   {made['key']}   (shown this once; sent as Authorization: Bearer ...)", markup=False
    )


@key.command()
def remove(name: Name, stack: StackName = DEFAULT_STACK) -> None:
    """Take a system's key back; it is out at once."""
    _ask(stack, "DELETE", f"/api/keys/{name}")
    console.print(f"{name} has no key any more", markup=False)


def _ask(stack: str, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.ask(method, path, json=body)

    return run(ask())
