"""`hotline user ...`: who may sign in at the web pages, and as what."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from desk.access import Role
from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find

user = typer.Typer(help="The people who sign in at the web pages, and their roles.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="the name to sign in with: a-z 0-9 . _ -")]
ROLE = Annotated[Role, typer.Option("--role", "-r", help="what the user may see and do")]
NUMBER = Annotated[
    str | None, typer.Option("--number", "-n", help="the user's phone: a work number, or a supervisor's number")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(user, name="user")


@user.command("list")
def listing(stack: StackName = DEFAULT_STACK) -> None:
    """Show everybody who may sign in."""
    table = Table("user", "role", "number")
    for each in _ask(stack, "GET", "/api/users")["users"]:
        table.add_row(each["name"], each["role"], each["number"] or "")
    console.print(table)


@user.command()
def add(name: Name, role: ROLE, number: NUMBER = None, stack: StackName = DEFAULT_STACK) -> None:
    """Let somebody sign in. The password is made here and shown this once."""
    _hand_over(_ask(stack, "POST", "/api/users", {"name": name, "role": role.value, "number": number}))


@user.command()
def role(
    name: Name,
    role: ROLE,
    number: NUMBER = None,
    no_number: Annotated[bool, typer.Option("--no-number", help="the user has no phone any more")] = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Give a user another role, or another phone; the user must sign in anew."""
    phone = {"number": number} if number or no_number else {}
    changed = _ask(stack, "POST", f"/api/users/{name}", {"role": role.value, **phone})
    console.print(f"{changed['name']} is {changed['role']} now, phone {changed['number'] or 'none'}", markup=False)


@user.command()
def password(name: Name, stack: StackName = DEFAULT_STACK) -> None:
    """Make a new password for a user who has lost it, shown this once; the user must sign in anew."""
    _hand_over(_ask(stack, "POST", f"/api/users/{name}/password"))


@user.command()
def remove(name: Name, stack: StackName = DEFAULT_STACK) -> None:
    """Let a user in no more; one who is signed in is out at once."""
    _ask(stack, "DELETE", f"/api/users/{name}")
    console.print(f"{name} may sign in no more", markup=False)


def _hand_over(made: dict[str, Any]) -> None:
    console.print(f"name {made['name']}   password {made['password']}   (shown this once)", markup=False)


def _ask(stack: str, method: str, path: str, body: dict[str, str | None] | None = None) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.ask(method, path, json=body)

    return run(ask())
