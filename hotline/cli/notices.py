"""`hotline notices ...`: what people were told, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from casework.notices.notice import State
from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find

notices = typer.Typer(
    help="What people are told of tickets 通知: list, show, send again, try a channel.", no_args_is_help=True
)
NoticeId = Annotated[str, typer.Argument(help="a notice's id, or the beginning of it")]
STATES: Final[Mapping[str, str]] = {
    State.WAITING: "waiting 待发",
    State.SENDING: "sending 发送中",
    State.SENT: "sent 已发",
    State.DELIVERED: "delivered 已送达",
    State.NOT_SENT: "NOT SENT 未发出",
    State.CALLED_OFF: "called off 已撤回",
}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(notices, name="notices")


@notices.command("list")
def listing(
    state: Annotated[State | None, typer.Option("--state", "-s", help="only in this state")] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", "-t", help="only about this ticket")] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=500)] = 20,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List notices, newest first, and how many there are in each state."""
    query = {"limit": str(limit)} | ({"state": state.value} if state else {}) | ({"ticket": ticket} if ticket else {})
    found = _get(stack, "/api/notices", **query)
    console.print(_table(found["notices"]) if found["notices"] else "no such notices", markup=False)
    counted = [f"{STATES[state]}: {count}" for state, count in found["counts"].items() if count]
    console.print(", ".join(counted) or "nothing was ever sent", markup=False)


@notices.command()
def show(notice: NoticeId, stack: StackName = DEFAULT_STACK) -> None:
    """Show what a notice says, how long it is, and every try to send it."""
    found = _get(stack, f"/api/notices/{_plain(notice)}")
    told = found["notice"]
    console.print(_table([told]))
    console.print(found["text"], markup=False)
    console.print(f"{found['length']} letters of {found['alphabet']}, {found['segments']} SMS", markup=False)
    if told["maybe_double"]:
        console.print("It may have arrived twice: we were stopped while it was being sent.", markup=False)
    table = Table("try", "channel", "began", "ended", "outcome", "problem")
    for number, each in enumerate(found["tries"], 1):
        ended = _at(each["ended"]) if each["ended"] else "not seen"
        table.add_row(
            str(number),
            each["channel"],
            _at(each["began"]),
            ended,
            each["outcome"] or "unknown",
            escape(each["problem"] or ""),
        )
    console.print(table)


@notices.command()
def retry(notice: NoticeId, stack: StackName = DEFAULT_STACK) -> None:
    """Send a notice after all that was given up."""
    found = _post(stack, f"/api/notices/{_plain(notice)}/retry")
    console.print(f"notice {found['id'][:8]} is {found['state']}", markup=False)


@notices.command()
def dismiss(notice: NoticeId, stack: StackName = DEFAULT_STACK) -> None:
    """Let a notice rest that was given up: you have told its reader yourself. Its alarm ends."""
    found = _post(stack, f"/api/notices/{_plain(notice)}/dismiss")
    console.print(f"notice {found['id'][:8]} is {found['state']}", markup=False)


@notices.command("test")
def try_channel(
    channel: Annotated[str, typer.Argument(help="a channel of the site file, e.g. sms")],
    address: Annotated[str, typer.Argument(help="a number or an address of yours")],
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Send a test by one channel; what became of it: hotline notices show ID."""
    sent = _post(stack, "/api/notices/test", {"channel": channel, "address": address})
    console.print(f"written; see: hotline notices show {sent['id'][:8]}", markup=False)


@notices.command()
def texts(stack: StackName = DEFAULT_STACK) -> None:
    """Show what notices say, and how many SMS each is before its values are filled in."""
    table = Table("notice", "language", "letters", "alphabet", "SMS", "text")
    for each in _get(stack, "/api/notices/texts")["texts"]:
        length, segments = str(each["length"]), str(each["segments"])
        table.add_row(each["occasion"], each["language"], length, each["alphabet"], segments, escape(each["text"]))
    console.print(table)


@notices.command()
def replies(
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=500)] = 20, stack: StackName = DEFAULT_STACK
) -> None:
    """Show what people answered, and what became of it."""
    table = Table("at", "via", "from", "said", "outcome", "ticket")
    for each in _get(stack, "/api/notices/replies", limit=str(limit))["replies"]:
        said, sender = escape(each["text"]), escape(each["sender"])
        table.add_row(_at(each["at"]), each["via"], sender, said, each["outcome"], each["ticket"] or "")
    console.print(table)


@notices.command()
def callbacks(stack: StackName = DEFAULT_STACK) -> None:
    """Show where providers are to come with receipts: for their consoles, and for nobody else."""
    found = _get(stack, "/api/notices/callbacks")["callbacks"]
    for each in found:
        console.print(f"{each['channel']} ({each['kind']}): {each['address']}", markup=False, soft_wrap=True)
    if not found:
        console.print("no provider comes to us; it takes [notices] page, and receipts = true at the channel")


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("id", "created", "notice", "ticket", "to", "by", "state", "tries", "problem")
    for each in found:
        state = STATES[each["state"]] + (" (perhaps twice)" if each["maybe_double"] else "")
        table.add_row(
            each["id"][:8],
            _at(each["created"]),
            each["occasion"],
            each["ticket"] or "",
            escape(each["to"]),
            f"{each['channel']} {escape(each['address'])}",
            state,
            str(each["attempts"]),
            escape(each["problem"] or ""),
        )
    return table


def _at(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%m-%d %H:%M:%S")


def _plain(notice: str) -> str:
    """An id as it may stand in an address."""
    return "".join(letter for letter in notice if letter.isalnum()) or "-"


def _get(stack: str, path: str, **query: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.get(path, **query)

    return run(ask())


def _post(stack: str, path: str, body: Mapping[str, str | int] | None = None) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.post(path, body)

    return run(ask())
