"""`hotline doctor`: everything an operator could get wrong, and how to mend it. `hotline site check`: the site file."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hotline import prepare
from hotline import site as sites
from hotline.cli.common import DEFAULT_STACK, StackName, console, run, stack_named
from hotline.client import Client, ServerError, find
from hotline.site import Site, SiteRefused
from hotline.stack import ROOT, Stack, StackFailed
from hotline.stack import run as run_command
from hotline.words import needed_sounds, texts_of

site = typer.Typer(help="The site file: numbers, menus, queues, agents.", no_args_is_help=True)
ENOUGH_DISK: Final = 2 * 1024**3
NEEDED: Final = ("asterisk", "hotline", "redis")
ORDINARY: Final = (
    # a full or empty queue: that caller is asked for a message
    "Unable to join queue",
    # phones that register while Asterisk starts
    "registered during operation",
    # we asked for a sign of life just as it went down
    "Asterisk is shutting down",
    # an agent dialled a wrong number for a transfer: refused, and the talk goes on
    "attempted blind transfer to",
)
"""Warnings of Asterisk's that are none."""
STARTS: Final = "load_modules:"
"""Asterisk's first line when it starts: what it said while it ended, before that, is nothing to mend."""
ORDER: Final = re.compile(r"^endpoint_identifier_order = (\S+)", re.MULTILINE)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(doctor)
    app.add_typer(site, name="site")


@site.command("check")
def check_site(
    file: Annotated[Path | None, typer.Argument(help="site/site.toml if there is one, else the demo's")] = None,
) -> None:
    """Check a site file as the server would; say every problem, or what it holds."""
    chosen = file or prepare.site_file()
    found = sites.load(chosen)
    pieces = needed_sounds(found, texts_of(chosen))
    console.print(
        f"{chosen} is good: {len(found.numbers)} lines, {len(found.queues)} queues, {len(found.agents)} agents,"
        f" {len(found.departments)} departments; {len(pieces)} sounds."
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Without `mend` it is as it should be."""

    what: str
    found: str
    mend: str = ""


def doctor(stack: StackName = DEFAULT_STACK) -> None:
    """Check the whole installation and say how to mend what is wrong. Changes nothing."""
    wrong = 0
    for finding in examine(stack_named(stack)):
        mark = "✗" if finding.mend else "✓"
        console.print(f"  {mark} {finding.what}: {finding.found}")
        if finding.mend:
            wrong += 1
            console.print(f"      → {finding.mend}")
    console.print(f"\n{wrong} problems found." if wrong else "\nAll is well.")
    raise typer.Exit(1 if wrong else 0)


def examine(where: Stack) -> Iterator[Finding]:
    """Look at one part after the other; what depends on a broken part is left out."""
    yield _site_file()
    yield _disk(where)
    engine = _engine()
    yield engine
    if engine.mend:
        return
    if not (where.folder / "stack.env").exists():
        yield Finding("stack", f"{where.name} is not set up", "make demo, or: hotline up")
        return
    yield _secrets(where)
    containers = list(_containers(where))
    yield from containers
    if any(finding.mend for finding in containers):
        return
    yield from run(_server(where))
    yield from _asterisk(where)
    identifiers = where.compose("exec", "-T", "asterisk", "asterisk", "-rx", "pjsip show identifiers", within=30)
    yield gate(where, identifiers, (ROOT / "asterisk-config" / "pbx" / "pjsip.conf").read_text(encoding="utf-8"))


def _site_file() -> Finding:
    file = prepare.site_file()
    try:
        found = sites.load(file)
    except SiteRefused as problem:
        return Finding("site file", "cannot be used", str(problem))
    if not found.agents:
        return Finding("site file", f"{file.name} has no agents", "add [[agents]], then: hotline up")
    return Finding("site file", f"{file.name}, {len(found.numbers)} lines, {len(found.agents)} agents")


def _disk(where: Stack) -> Finding:
    place = where.folder if where.folder.exists() else Path.cwd()
    free = shutil.disk_usage(place).free
    mend = (
        ""
        if free > ENOUGH_DISK
        else "a full disk stops recordings and the event log: make room, or move recordings away"
    )
    return Finding("disk", f"{free / 1024**3:.0f} GB free", mend)


def _engine() -> Finding:
    try:
        version = run_command(["docker", "version", "--format", "{{.Server.Version}}"], doing="docker", within=20)
    except StackFailed as problem:
        return Finding(
            "container engine", "does not answer", f"setup/engine.sh starts or installs it; {problem.output[-200:]}"
        )
    return Finding("container engine", version.strip())


def _secrets(where: Stack) -> Finding:
    mode = stat.S_IMODE((where.folder / "secrets.json").stat().st_mode)
    mend = "" if mode == 0o600 else f"others can read the secrets: chmod 600 {where.folder / 'secrets.json'}"
    return Finding("secrets", f"mode {mode:o}", mend)


def _containers(where: Stack) -> Iterator[Finding]:
    up = where.running()
    for service in NEEDED:
        mend = "" if service in up else f"hotline up; then: docker logs {where.name}-{service}-1"
        yield Finding(f"container {service}", "runs" if service in up else "does not run", mend)


async def _server(where: Stack) -> list[Finding]:
    try:
        async with Client(find(where)) as server:
            health: dict[str, Any] = await server.get("/api/health")
            agents = (await server.get("/api/agents"))["agents"]
    except ServerError as problem:
        return [Finding("server", str(problem), f"docker logs {where.name}-hotline-1")]
    findings = [_part(part, why) for part, why in (health["wrong"] | health["alarms"]).items()] or [
        Finding("server", "answers; links and event log are up")
    ]
    refused = {
        reason: count for reason, count in health["agi"]["refused"].items() if reason in ("peer", "full", "bad-headers")
    }
    findings.append(
        Finding(
            "calls refused",
            str(refused or "none"),
            "strangers or forged calls knock at the AGI doors: docker logs" if refused else "",
        )
    )
    on_duty = [each["agent"] for each in agents if each["duty"] != "signed-out"]
    findings.append(
        Finding(
            "agents on duty",
            ", ".join(on_duty) or "none",
            "" if on_duty else "callers are asked for a message: hotline agent signin NUMBER",
        )
    )
    return findings


def _part(part: str, why: str) -> Finding:
    mends = {
        "ami-watch": "the manager account 'watch' cannot be used: is Asterisk up, does it have our secret? hotline up",
        "ami-desk": "the manager account 'desk' cannot be used: is Asterisk up, does it have our secret? hotline up",
        "board": "calls go on without it: is the redis container up? docker ps",
        "event-log": "events wait in memory until the database can be written: disk full, or out of reach?",
    }
    return Finding(part, why, mends.get(part, "see the server's log"))


def gate(where: Stack, identifiers: str, config: str) -> Finding:
    """Whether requests are looked through for poison first. Asterisk takes this order when it starts, never again."""
    wanted = ORDER.findall(config)[0].split(",")
    order = [name for name in identifiers.split() if name in wanted]
    if order == wanted:
        return Finding("forged requests", "refused before they are calls")
    return Finding(
        "forged requests",
        f"Asterisk looks at {', '.join(order)}; pjsip.conf says {', '.join(wanted)}",
        "it still runs with what an older file said, and no reload changes that; this does, and ends all calls:"
        f" docker restart {where.name}-asterisk-1",
    )


def _asterisk(where: Stack) -> Iterator[Finding]:
    known: Site = sites.load(where.folder / "site" / "site.toml")
    contacts = where.compose("exec", "-T", "asterisk", "asterisk", "-rx", "pjsip show contacts", within=30)
    missing = [agent.phone for agent in known.agents if f" {agent.phone}/" not in contacts]
    yield Finding(
        "phones registered",
        f"{len(known.agents) - len(missing)} of {len(known.agents)}",
        f"not registered: {', '.join(missing)}; their passwords are in {where.folder / 'secrets.json'}"
        if missing
        else "",
    )
    classes = where.compose("exec", "-T", "asterisk", "asterisk", "-rx", "moh show files", within=30)
    yield Finding(
        "music on hold",
        "there" if "File:" in classes else "none: callers who wait hear nothing",
        "" if "File:" in classes else "hotline up (it reloads the music once it is made)",
    )
    log = where.log("asterisk").rpartition(STARTS)[2]
    warnings = re.findall(r"(?:WARNING|ERROR)\[.*", log)
    problems = [line for line in warnings if not any(words in line for words in ORDINARY)]
    yield Finding(
        "Asterisk's log",
        f"{len(problems)} warnings" if problems else "clean",
        f"the last one: {problems[-1][:160]}" if problems else "",
    )
