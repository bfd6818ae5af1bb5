"""`hotline ticket ...`: open tickets, look for them, move them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from casework.codes import in_groups
from casework.names import name_of
from casework.steps import MOVES, OUR_OWN
from casework.ticket import Kind, State
from hotline.cli import sheets
from hotline.cli.common import DEFAULT_STACK, InLanguage, Reveal, StackName, console, run, spoken_here, stack_named
from hotline.cli.imports import import_file
from hotline.cli.sheets import CsvFile, XlsxFile
from hotline.client import Client, ServerError, find

ticket = typer.Typer(help="Tickets 工单: open them, look for them, move them on.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="the ticket's nine digits, with or without blanks")]
Why = Annotated[str, typer.Option("--why", "-w", help="the reason; some steps need one")]
As = Annotated[str | None, typer.Option("--as", help="the work number of whoever does it")]
STEPS: Final = ", ".join(move for move in MOVES if move not in OUR_OWN)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    ticket.command("import")(import_file)
    app.add_typer(ticket, name="ticket")


@ticket.command("open")
def open_ticket(
    kind: Annotated[Kind, typer.Argument(help="what it is")],
    problem: Annotated[str, typer.Option("--problem", "-p", help="what is wrong, or what is asked")] = "",
    address: Annotated[str, typer.Option("--address", "-a", help="where")] = "",
    name: Annotated[str, typer.Option("--name", "-n", help="whose")] = "",
    phone: Annotated[str, typer.Option("--phone", "-t", help="where to reach them")] = "",
    area: Annotated[str, typer.Option("--area", help="in the words of the outage announcements")] = "",
    line: Annotated[str, typer.Option("--line", help="the service line it came by, by its key; else the first")] = "",
    responsible: Annotated[str, typer.Option("--about", help="whom a complaint is about")] = "",
    emergency: Annotated[str | None, typer.Option("--emergency", help="the emergency to attach it to")] = None,
    source: Annotated[str, typer.Option("--source", help="where it comes from: desk, 12345, carrier, ...")] = "desk",
    external_id: Annotated[str, typer.Option("--external-id", help="what the other system calls it")] = "",
    urgent: Annotated[bool, typer.Option("--urgent", help="before the others; may be escalated past levels")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="keep it though something is missing")] = False,
    why: Why = "",
    by: As = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Open a ticket 建单."""
    facts = {"problem": problem, "address": address, "name": name, "phone": phone, "area": area}
    more = {"line": line, "responsible": responsible, "source": source, "external_id": external_id, "why": why}
    given = {key: value for key, value in (facts | more).items() if value}
    body = given | {"kind": kind, "urgent": urgent, "draft": draft} | _some(emergency=emergency, by=by)
    _tell(_ask(stack, "/api/tickets", body), lang)


@ticket.command()
def show(code: Code, reveal: Reveal = False, stack: StackName = DEFAULT_STACK, lang: InLanguage = None) -> None:
    """Show one ticket, and everything that happened to it."""
    language = lang or spoken_here()
    query = {"reveal": "yes"} if reveal else {}

    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.get(f"/api/tickets/{_plain(code)}", **query)

    found = run(ask())
    console.print(_card(found["ticket"], language))
    console.print(_story(found["events"], language))
    if found["attached"]:
        console.print(_list(found["attached"], language))
    possible = ", ".join(f"{move} {name_of(move, language)}" if language == "zh" else move for move in found["allowed"])
    console.print(f"possible now: {possible}", markup=False)


@ticket.command("list")
def listing(
    states: Annotated[list[State] | None, typer.Option("--state", "-s", help="only in this state")] = None,
    kinds: Annotated[list[Kind] | None, typer.Option("--kind", "-k", help="only of this kind")] = None,
    is_open: Annotated[bool | None, typer.Option("--open/--over", help="still to be done, or not")] = None,
    overdue: Annotated[bool | None, typer.Option("--late/--in-time", help="not done in time, or else")] = None,
    handler: Annotated[str, typer.Option("--handler", help="only those dispatched to this crew or department")] = "",
    emergency: Annotated[str | None, typer.Option("--emergency", help="only those attached to this one")] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=500)] = 20,
    reveal: Reveal = False,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """List tickets, newest first."""
    asked = _some(is_open=is_open, overdue=overdue, emergency=emergency) | {"handler": handler, "limit": limit}
    _print_found(stack, asked | {"states": states or [], "kinds": kinds or []}, reveal, lang)


@ticket.command()
def search(
    text: Annotated[str, typer.Argument(help="a code, a telephone number, or words")],
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=500)] = 20,
    reveal: Reveal = False,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Look for tickets."""
    _print_found(stack, {"text": text, "limit": limit}, reveal, lang)


@ticket.command()
def step(
    code: Code,
    move: Annotated[str, typer.Argument(help=STEPS)],
    to: Annotated[
        str | None, typer.Option("--to", help="the crew it is dispatched to, the level it goes up to")
    ] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", "-o", help="what was done, found or answered")] = None,
    expected: Annotated[datetime | None, typer.Option("--expected", "-e", help="when it will be done")] = None,
    begin: Annotated[datetime | None, typer.Option("--from", help="an appointment's begin")] = None,
    end: Annotated[datetime | None, typer.Option("--till", help="an appointment's end")] = None,
    version: Annotated[int | None, typer.Option("--version", help="refuse if it is another version by now")] = None,
    why: Why = "",
    by: As = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Take one step with a ticket: dispatch, acknowledge, finish ..."""
    slot = None if begin is None or end is None else {"begin": _zoned(begin), "end": _zoned(end)}
    told = _some(to=to, outcome=outcome, expected=expected and _zoned(expected), slot=slot, by=by)
    body = {"move": move, "why": why} | told | _some(expected_version=version)
    _tell(_ask(stack, f"/api/tickets/{_plain(code)}/steps", body), lang)


@ticket.command()
def assign(
    code: Code,
    to: Annotated[str, typer.Argument(help="the crew, department or person")],
    expected: Annotated[datetime | None, typer.Option("--expected", "-e", help="when it will be done")] = None,
    why: Why = "",
    by: As = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Dispatch a ticket 派单."""
    body = {"move": "dispatch", "to": to, "why": why} | _some(expected=expected and _zoned(expected), by=by)
    _tell(_ask(stack, f"/api/tickets/{_plain(code)}/steps", body), lang)


@ticket.command()
def attach(
    emergency: Annotated[str, typer.Argument(help="the emergency's code")],
    codes: Annotated[list[str], typer.Argument(help="the tickets of the callers it concerns")],
    by: As = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Attach tickets to an emergency: their callers are told when it is over."""
    for code in codes:
        body = {"move": "attach", "emergency": _plain(emergency)} | _some(by=by)
        _tell(_ask(stack, f"/api/tickets/{_plain(code)}/steps", body), lang)


@ticket.command("raise")
def raise_emergency(code: Code, why: Why = "", stack: StackName = DEFAULT_STACK, lang: InLanguage = None) -> None:
    """Open an emergency 抢修 out of a ticket, which is attached to it."""
    _tell(_ask(stack, f"/api/tickets/{_plain(code)}/raise", {"why": why}), lang)


@ticket.command()
def caller(
    number: Annotated[str, typer.Argument(help="the telephone number")],
    reveal: Reveal = False,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Show what is known of a caller: what is open, what was before."""
    found = _ask(stack, "/api/tickets/caller", {"number": number} | ({"reveal": "yes"} if reveal else {}))
    console.print(
        f"{len(found['open'])} open, {len(found['earlier'])} earlier, {found['repeated']} in the last week;"
        f" {found['calls']} calls"
    )
    console.print(_list(found["open"] + found["earlier"], lang or spoken_here()))


@ticket.command()
def slots(days: Annotated[int, typer.Option("--days", min=1, max=60)] = 7, stack: StackName = DEFAULT_STACK) -> None:
    """Show the appointment slots that can be had."""
    table = Table("from", "till", "room")
    for each in _get(stack, "/api/tickets/slots", days=str(days))["slots"]:
        table.add_row(_moment(each["slot"]["begin"]), _moment(each["slot"]["end"]), str(each["room"]))
    console.print(table if table.rows else "no slots; the site file's [tickets] names them")


@ticket.command()
def figures(
    since: Annotated[datetime | None, typer.Option("--since", help="30 days ago if not said")] = None,
    until: Annotated[datetime | None, typer.Option("--until", help="now if not said")] = None,
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
    stack: StackName = DEFAULT_STACK,
    lang: InLanguage = None,
) -> None:
    """Count what became of the tickets opened in a period; complaints handled should be 100%."""
    language, now = lang or spoken_here(), datetime.now().astimezone()
    period = {"since": _zoned(since or now - timedelta(days=30)), "until": _zoned(until or now)}
    found = _get(stack, "/api/tickets/figures", **period)
    for row in found["rows"]:
        row[0] = name_of(row[0], language)
    sheets.tell(found, language, csv=csv, xlsx=xlsx)


def _print_found(stack: str, asked: Mapping[str, Any], reveal: bool, lang: str | None) -> None:
    found = _ask(stack, "/api/tickets/search", dict(asked) | ({"reveal": "yes"} if reveal else {}))["tickets"]
    console.print(_list(found, lang or spoken_here()) if found else "No such ticket.")


def _list(tickets: Sequence[Mapping[str, Any]], language: str) -> Table:
    table = Table("ticket", "kind", "state", "due", "who has it", "problem", "address", "name", "phone")
    for each in tickets:
        due = _moment(each["due"]) + (" (late)" if each["overdue"] else "")
        words = (name_of(each["kind"], language), name_of(each["state"], language), due)
        texts = (each[name] for name in ("handler", "problem", "address", "name", "phone"))
        table.add_row(in_groups(each["code"]), *words, *(escape(_short(text)) for text in texts))
    return table


def _card(found: Mapping[str, Any], language: str) -> Table:
    table = Table(show_header=False, title=f"{in_groups(found['code'])}  {name_of(found['kind'], language)}")
    rows: dict[str, Callable[[Any], str]] = {
        "state": lambda state: name_of(state, language), "version": str,
        "level": lambda level: name_of(level, language),
        "problem": str, "address": str, "area": str, "name": str, "phone": str, "caller": str, "line": str,
        "responsible": str,
        "handler": str, "slot": lambda slot: f"{_moment(slot['begin'])} to {_moment(slot['end'])}", "expected": _moment,
        "due": _moment, "opened": _moment, "dispatched": _moment, "done": _moment, "outcome": str, "bounces": str,
        "reopens": str, "parent": in_groups, "source": str, "external_id": str, "call": str, "recording": str,
    }  # fmt: skip
    for field, shown in rows.items():
        if found[field]:
            table.add_row(field.replace("_", " "), escape(_plain_text(shown(found[field]))))
    return table


def _story(events: Sequence[Mapping[str, Any]], language: str) -> Table:
    table = Table("version", "when", "who", "step", "why", "what changed")
    for each in events:
        changed = ", ".join(f"{field}: {value}" for field, value in each["changes"].items() if value not in (None, ""))
        step_name = name_of(each["step"], language)
        texts = (each["who"], step_name, each["why"], _short(changed, 200))
        table.add_row(str(each["version"]), _moment(each["at"]), *(escape(_plain_text(text)) for text in texts))
    return table


def _tell(answered: Mapping[str, Any], lang: str | None) -> None:
    language, found = lang or spoken_here(), answered["ticket"]
    console.print(
        f"{in_groups(found['code'])}  {name_of(found['kind'], language)}  {name_of(found['state'], language)}"
        f"  version {found['version']}",
        markup=False,
    )


def _ask(stack: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.ask("POST", path, json=body)

    return run(ask())


def _get(stack: str, path: str, **query: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await server.get(path, **query)

    return run(ask())


def _plain(code: str) -> str:
    """The nine digits; raises ServerError before anything is asked if they cannot be a code."""
    digits = code.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 9):
        raise ServerError(f"{code!r:.40} is no ticket's code; that has nine digits, for example 271 828 188")
    return digits


def _some(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _zoned(moment: datetime) -> str:
    return moment.astimezone().isoformat()


def _moment(said: str | None) -> str:
    return datetime.fromisoformat(said).astimezone().strftime("%m-%d %H:%M") if said else ""


def _short(text: str, most: int = 30) -> str:
    return _plain_text(text if len(text) <= most else text[: most - 1] + "…")


def _plain_text(text: str) -> str:
    """Nothing that a terminal would take for a command."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
