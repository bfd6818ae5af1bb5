"""`hotline up`, `down`, `demo`: the containers, and the try-out that `make demo` runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hotline import prepare
from hotline.cli.common import (
    DEFAULT_STACK,
    InLanguage,
    StackName,
    console,
    run,
    spoken_here,
    stack_named,
)
from hotline.cli.conversation import Wishes, converse
from hotline.client import Client, ServerError, find
from hotline.secrets import Secrets
from hotline.stack import IMAGES, Stack, StackFailed, contents, images_of, remove_images

READY_WITHIN = 120.0
SITE = Annotated[
    Path | None, typer.Option("--site", help="the site file; site/site.toml if there is one, else the demo's")
]
EXTERNAL = Annotated[
    str | None, typer.Option("--external", help="this machine's address as phones outside it see it (NAT)")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(up)
    app.command()(down)


def up(
    stack: StackName = DEFAULT_STACK,
    site: SITE = None,
    external: EXTERNAL = None,
    tryout: Annotated[bool, typer.Option(help="with the pretend carrier and phones")] = False,
) -> None:
    """Build and start the hotline, or bring a running one up to its site file.

    Calls in progress go on, unless Asterisk itself has to be started anew: a new image, or other published ports.
    """
    where = stack_named(stack)
    where.must_be_ours()
    if external is not None:
        where = replace(where, external=external)
    start(where, site or prepare.site_file(), tryout=tryout)
    console.print(
        f"\nThe hotline runs. Site: {site or prepare.site_file()}   board: http://127.0.0.1:{where.ports.web}"
    )
    console.print(how_to_sign_in(where), soft_wrap=True)


def down(
    stack: StackName = DEFAULT_STACK,
    forget: Annotated[
        bool, typer.Option("--forget", help="delete recordings, the event log and all secrets too")
    ] = False,
) -> None:
    """Stop the hotline. Recordings and the event log stay unless you say --forget."""
    where = stack_named(stack)
    if not (where.folder / "stack.env").exists():
        console.print(f"Nothing to stop: there is no stack {stack!r} here.")
        return
    with step("stopping the containers"):
        where.compose("down", *(("--volumes",) if forget else ()))
    if forget:
        prepare.forget(where)


def demo(stack: StackName = DEFAULT_STACK, lang: InLanguage = None) -> None:
    """Set everything up, sign in two agents, place a call, and print the conversation as it happens."""
    where, language = stack_named(stack), lang or spoken_here()
    where.must_be_ours()
    known = start(where, prepare.site_file(), tryout=True)
    run(_sign_in(where))
    console.print("\nA caller dials 4001234567, presses 2 (repair), then 2 (an ordinary repair):\n")
    run(converse(where, Wishes(dialled="4001234567", keys="22", talk_for=4), language))
    _what_next(where, known)


def start(where: Stack, site: Path, *, tryout: bool) -> Secrets:
    """Bring a stack up, step by step; each step says how long it took."""
    with step("writing settings, secrets and Asterisk's files"):
        known = prepare.prepare(where, site)
    services = ["redis", "hotline", "asterisk", *(("telco", "agents") if tryout else ())]
    before = images_of(where)
    build(where)
    if "asterisk" in where.running():
        # Before the server: it will sign agents in to queues that are new in the site.
        with step("bringing Asterisk up to the site"):
            reload(where)
    with step("starting the containers"):
        try:
            where.compose("up", "-d", "--no-build", *services)
        except StackFailed as problem:
            raise StackFailed("starting the containers", f"{problem.output}\n{_server_log(where)}") from None
    remove_images(before - images_of(where))
    with step("waiting for the hotline"):
        run(_ready(where))
    if tryout:
        give_voices(where)
    return known


def how_to_sign_in(where: Stack) -> str:
    """How to sign in at the pages; makes the first admin where there is nobody yet, and says the password this once."""
    try:
        made = run(_first_admin(where))
    except ServerError as problem:
        if problem.said != "user-exists":
            raise
        return "sign in with your own name; a lost password is made anew: hotline user password NAME"
    return f"sign in as {made['name']} with the password {made['password']} (shown this once)"


async def _first_admin(where: Stack) -> dict[str, str]:
    async with Client(find(where)) as server:
        return await server.post("/api/users/first")


def build(where: Stack) -> None:
    """Build the images, unless nothing that goes into them has changed since they were built."""
    mark, wanted = where.folder / "images.built", contents()
    if mark.exists() and mark.read_text() == wanted and len(images_of(where)) == len(IMAGES):
        return
    with step("building the images (the first time takes a few minutes)"):
        where.compose("build", "asterisk", "hotline", "redis", within=1800)
    mark.write_text(wanted)


def give_voices(where: Stack) -> None:
    """The pretend people need something to say; their voices are made once."""
    try:
        where.compose("exec", "-T", "hotline", "test", "-f", "/srv/sounds/tryout/manifest.json", within=30)
    except StackFailed:
        with step("giving the pretend people a voice"):
            where.compose("exec", "-T", "hotline", "python", "-m", "hotline", "tryout-voices", "/srv/sounds/tryout")


def reload(where: Stack) -> None:
    """Let a running Asterisk read its files again; calls go on."""
    parts = ("module reload res_pjsip.so", "module reload features", "dialplan reload")
    commands = (*parts, "queue reload all", "manager reload", "moh reload")
    script = " && ".join(f'asterisk -rx "{command}"' for command in commands)
    where.compose("exec", "-T", "asterisk", "sh", "-c", script, within=60)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print a step, and its time when it is done."""
    began = time.monotonic()
    with console.status(f"{name} ..."):
        yield
    console.print(f"  ✓ {name} ({time.monotonic() - began:.1f} s)")


async def _ready(where: Stack) -> None:
    """Wait until the server has its links; raises StackFailed with what it says itself."""
    await until(where, lambda health: not health["wrong"], "the hotline is not ready")


async def until(where: Stack, good: Callable[[dict[str, dict[str, str]]], bool], complaint: str) -> None:
    """Wait until the server's health is as wanted."""
    give_up = time.monotonic() + READY_WITHIN
    said = "no answer"
    while time.monotonic() < give_up:
        try:
            async with Client(find(where)) as server:
                health = await server.get("/api/health")
            if good(health):
                return
            said = str(health["wrong"])
        except ServerError as problem:
            said = str(problem)
        await asyncio.sleep(0.3)
    raise StackFailed("starting the hotline", f"{complaint}: {said}\n{_server_log(where)}")


def _server_log(where: Stack) -> str:
    """The server's last words."""
    try:
        return where.log("hotline", lines=6)
    except StackFailed as problem:
        return str(problem)


async def _sign_in(where: Stack) -> None:
    with step("signing in agents 1024 and 1025"):
        async with Client(find(where)) as server:
            for number in ("1024", "1025"):
                state = (
                    await server.post(f"/api/agents/{number}/sign-in")
                    if not await _is_paused(server, number)
                    else (await server.post(f"/api/agents/{number}/unpause"))
                )
                assert state["duty"] == "ready"


async def _is_paused(server: Client, number: str) -> bool:
    found = (await server.get("/api/agents"))["agents"]
    return any(each["agent"] == number and each["duty"] == "paused" for each in found)


def _what_next(where: Stack, known: Secrets) -> None:
    visitor = known.services["visitor"]
    console.print(
        f"""
The stack goes on running. What you can do now:

  see it live         http://127.0.0.1:{where.ports.web}   {how_to_sign_in(where)}
  make it busy        .venv/bin/hotline tryout --calls-per-hour 600 --agents 12
  call in yourself    register a softphone at this machine, UDP port {where.ports.visitor_sip},
                      user visitor, password {visitor}; dial 4001234567
                      (from another machine: hotline up --tryout --external THIS-MACHINE'S-ADDRESS first)
  place more calls    .venv/bin/hotline call --keys 21      (an emergency)
  see what happened   .venv/bin/hotline calls
  who is on duty      .venv/bin/hotline agent list
  is all well         .venv/bin/hotline doctor
  stop                make down
""",
        soft_wrap=True,
    )
