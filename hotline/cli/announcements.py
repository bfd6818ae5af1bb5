"""What callers hear: `hotline news`, `hotline window`, `hotline calendar YEAR`, `hotline hear DATE`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hotline import site as sites
from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, find
from hotline.words import festivals_with_words
from prompts.calendar.calendar import Calendar
from prompts.calendar.notice import read_notice
from prompts.calendar.year import told
from prompts.catalogue import Catalogue

news = typer.Typer(help="Outages and other news 停供通知: callers hear them before the menu.", no_args_is_help=True)
window = typer.Typer(help="The calendar 日历: add, move or silence a greeting; close.", no_args_is_help=True)
DAY: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
From = Annotated[datetime, typer.Option("--from", formats=DAY, help="a day, or a day and an hour: 2026-09-30T18:00")]
Until = Annotated[datetime, typer.Option("--until", formats=DAY, help="a day is meant to its end")]
Festival = Annotated[str, typer.Argument(help="for example national_day; see: hotline calendar YEAR")]
Number = Annotated[int, typer.Argument(help="its number; see: list")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(hear)
    app.command()(calendar)
    app.add_typer(news, name="news")
    app.add_typer(window, name="window")


def hear(
    at: Annotated[datetime, typer.Argument(formats=DAY, help="when, in the site's own time: 2026-10-01T09:30")],
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="the agent who picks up")] = None,
    number: Annotated[str | None, typer.Option("--number", "-n", help="the number that is dialled")] = None,
    keys: Annotated[str, typer.Option("--keys", "-k", help="what the caller presses")] = "0",
    lang: Annotated[str | None, typer.Option("--lang", help="zh, en or es; else the line's own")] = None,
    wav: Annotated[Path | None, typer.Option("--wav", help="write the sound here")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Show what a caller would hear at a moment, from the code that answers calls."""
    body = {"at": at.isoformat(), "agent": agent, "number": number, "keys": keys, "language": lang}
    found = _ask(stack, "POST", "/api/hear", {name: value for name, value in body.items() if value is not None})
    texts = iter(found["texts"])
    for line in found["lines"]:
        words = next(texts, "") if line.startswith("hotline: ") and "hangs up" not in line else ""
        console.print(f"  {line}" + (f"  “{words}”" if words else ""), markup=False, soft_wrap=True)
    if wav is not None:
        wav.write_bytes(base64.b64decode(found["wav"]))
        console.print(f"\n  sound: {wav}", markup=False)


def calendar(
    year: Annotated[int, typer.Argument(min=1950, max=2099)],
    site: Annotated[Path | None, typer.Option("--site", help="ask this site file, and calendar.toml beside it")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Show a year: every greeting, days off, make-up workdays, changed hours; and warn of mistakes."""
    lines: Sequence[str]
    if site is not None:
        made = Calendar(sites.load(site).rules, read_notice(site.with_name("calendar.toml")))
        lines = told(made, year, festivals_with_words(Catalogue.read(), made))
    else:
        lines = _ask(stack, "GET", f"/api/calendar/years/{year}")["lines"]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


@news.command("announce")
def announce(
    zh: Annotated[str | None, typer.Option("--zh", help="the words in Chinese")] = None,
    en: Annotated[str | None, typer.Option("--en", help="the words in English")] = None,
    es: Annotated[str | None, typer.Option("--es", help="the words in Spanish")] = None,
    area: Annotated[str | None, typer.Option("--area", help="an area of the site; else everyone hears it")] = None,
    expected: Annotated[datetime | None, typer.Option("--expected", formats=DAY, help="when it should be over")] = None,
    begins: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="else now")] = None,
    ends: Annotated[datetime | None, typer.Option("--until", formats=DAY, help="else when it should be over")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Announce an outage or other news; callers of a language without words hear nothing of it."""
    text = {language: words for language, words in (("zh", zh), ("en", en), ("es", es)) if words}
    times = {"expected_end": expected, "begins": begins, "ends": ends}
    body = {"text": text, "area": area} | {name: when.astimezone().isoformat() for name, when in times.items() if when}
    found = _ask(stack, "POST", "/api/news", {name: value for name, value in body.items() if value is not None})
    console.print(f"announced as number {found['number']}, until {_local(found['ends'])}")


@news.command("list")
def list_news(stack: StackName = DEFAULT_STACK) -> None:
    """List what is announced."""
    for each in _ask(stack, "GET", "/api/news")["news"]:
        words = " / ".join(each["text"].values())
        place = each["area"] or "everyone"
        console.print(
            f"{each['number']:>4}  {_local(each['begins'])} to {_local(each['ends'])}  {place}: {words}", markup=False
        )


@news.command("end")
def end(number: Number, stack: StackName = DEFAULT_STACK) -> None:
    """Announce it no longer."""
    _ask(stack, "POST", f"/api/news/{number}/end")
    console.print(f"{number} is announced no longer")


@window.command("add")
def add(
    festival: Festival,
    begins: From,
    until: Until,
    zh: Annotated[str | None, typer.Option("--zh", help="what a festival of your own says in Chinese")] = None,
    en: Annotated[str | None, typer.Option("--en", help="in English")] = None,
    es: Annotated[str | None, typer.Option("--es", help="in Spanish")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Wish a happy festival at this time too; a festival of your own needs its words."""
    says = {language: words for language, words in (("zh", zh), ("en", en), ("es", es)) if words}
    _change(stack, "windows", begins, until, do="add", festival=festival, says=says)


@window.command("move")
def move(festival: Festival, begins: From, until: Until, stack: StackName = DEFAULT_STACK) -> None:
    """Wish it at this time, instead of the year's usual one."""
    _change(stack, "windows", begins, until, do="move", festival=festival)


@window.command("silence")
def silence(
    begins: From,
    until: Until,
    festival: Annotated[str | None, typer.Option("--festival", help="only this one")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Wish nothing at this time."""
    _change(stack, "windows", begins, until, do="silence", **({"festival": festival} if festival else {}))


@window.command("close")
def close(
    begins: From,
    until: Until,
    hours: Annotated[list[str] | None, typer.Option("--hours", help="only these opening hours; else all")] = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Nobody is there at this time, whatever the hours say."""
    _change(stack, "closings", begins, until, **({"hours": hours} if hours else {}))


@window.command("season")
def season(
    name: Annotated[str, typer.Argument(help="a season of the site: heating")],
    begins: From,
    until: Until,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Set a season of one year, instead of the usual one."""
    _change(stack, "seasons", begins, until, season=name)


@window.command("list")
def list_changes(stack: StackName = DEFAULT_STACK) -> None:
    """List what was changed by command."""
    for each in _ask(stack, "GET", "/api/calendar/changes")["changes"]:
        said = [f"{part}: {_plain(entry)}" for part, entries in each["notice"].items() for entry in entries]
        console.print(f"{each['number']:>4}  {'; '.join(said)}", markup=False, soft_wrap=True)


@window.command("drop")
def drop(number: Number, stack: StackName = DEFAULT_STACK) -> None:
    """Take a change back."""
    _ask(stack, "POST", f"/api/calendar/changes/{number}/withdraw")
    console.print(f"{number} holds no longer")


def _change(stack: str, part: str, begins: datetime, until: datetime, **more: Any) -> None:
    entry = {"from": _when(begins), "until": _when(until), **more}
    number = _ask(stack, "POST", "/api/calendar/changes", {part: [entry]})["number"]
    console.print(f"in use as number {number}; see: hotline calendar {begins.year}")


def _when(moment: datetime) -> str:
    """A day alone where no hour was given: from its beginning, until its end."""
    return moment.date().isoformat() if (moment.hour, moment.minute) == (0, 0) else moment.isoformat()


def _plain(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in entry.items() if value)


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def _ask(stack: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(find(stack_named(stack))) as server:
            return await (server.get(path) if method == "GET" else server.post(path, body))

    return run(ask())
