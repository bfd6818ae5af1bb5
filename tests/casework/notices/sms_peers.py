"""Real SMS daemons in containers: a modem's gammu-smsd, and Kannel's gateway with its pretend centre."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import socket
import subprocess
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

from sqlalchemy import create_engine, text

from hotline.stack import BASE_IMAGE, ROOT, run

IMAGE = "hotline-sms-peers:local"
US = "hotline.test"
"""This machine, as the gateway calls it."""
Found = TypeVar("Found")


@cache
def build() -> None:
    run(
        [
            *f"docker build -q --network host --build-arg BASE={BASE_IMAGE} -t {IMAGE} -f".split(),
            str(ROOT / "setup" / "images" / "sms-peers.Dockerfile"),
            str(ROOT / "setup" / "images"),
        ],
        doing="building the image of the SMS daemons",
        within=600,
    )


async def until(look: Callable[[], Found | None], what: str, *, within: float = 90) -> Found:
    """Wait until something can be seen that we can only look for."""
    try:
        async with asyncio.timeout(within):
            while (found := await asyncio.to_thread(look)) is None:
                await asyncio.sleep(0.05)
            return found
    except TimeoutError:
        raise AssertionError(f"not seen within {within} s: {what}") from None


@dataclass
class Modem:
    """A modem whose radio is a folder."""

    folder: Path
    places: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def database(self) -> str:
        """The address of gammu-smsd's database."""
        return f"sqlite:///{self.folder / 'smsd.db'}"

    def sent(self) -> list[tuple[str, str]]:
        """Number and text of each message that went out, its parts put together."""
        engine = create_engine(self.database)
        with engine.connect() as connection:
            rows = connection.execute(
                text("SELECT ID, DestinationNumber, TextDecoded FROM sentitems ORDER BY ID, SequencePosition")
            ).all()
        engine.dispose()
        found: dict[int, tuple[str, str]] = {}
        for row, number, said in rows:
            found[row] = (number, found.get(row, ("", ""))[1] + said)
        return list(found.values())

    def receive(self, sender: str, said: str) -> None:
        """Let a message come in over the air."""
        part = self.folder / f"{uuid.uuid4().hex}.part"
        part.write_text(
            '[SMSBackup000]\nPDU = Deliver\nSMSC = "123456"\nState = UnRead\n'
            f'Number = "{sender}"\nText00 = {said.encode("utf-16-be").hex().upper()}\n'
            f"Coding = Unicode_No_Compression\nDateTime = {datetime.now():%Y%m%dT%H%M%S}\n"  # noqa: DTZ005 - a phone's clock
            f"Folder = 1\nLength = {len(said)}\nClass = -1\n"
        )
        part.rename(self.folder / "modem" / "sms" / "1" / str(next(self.places)))


@asynccontextmanager
async def a_modem(folder: Path) -> AsyncGenerator[Modem]:
    """A modem with its daemon."""
    folder.chmod(0o777)
    async with _container("--user", str(os.getuid()), "-v", f"{folder}:/modem", IMAGE, "sms-modem.sh", "/modem"):
        modem = Modem(folder)

        await until(lambda: True if (folder / "smsd.db").exists() else None, "gammu-smsd has its database")
        yield modem


@dataclass
class Gateway:
    """Kannel, and what its centre was given."""

    name: str
    port: int
    password: str

    def taken(self) -> list[str]:
        """The lines in which the pretend centre says what it was given."""
        shown = subprocess.run(["docker", "logs", self.name], capture_output=True, check=True)
        said = (shown.stdout + shown.stderr).decode(errors="replace")
        return [line.partition("Got message")[2] for line in said.splitlines() if "Got message" in line]

    def up(self) -> bool | None:
        """Whether it takes messages and its centre is there."""
        shown = subprocess.run(["docker", "logs", self.name], capture_output=True, check=True)
        return True if self._answers() and b"sent message 1" in shown.stdout + shown.stderr else None

    def _answers(self) -> bool:
        """Whether it says anything over HTTP: the engine takes connections before it listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return bool(probe.recv(1))
        except OSError:
            return False


@asynccontextmanager
async def a_gateway() -> AsyncGenerator[Gateway]:
    """A gateway of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_hex(8)
    to_us = f"{US}:host-gateway"
    options = ("-p", f"127.0.0.1:{port}:13013", "--add-host", to_us, IMAGE, "sms-gateway.sh", "13013", password)
    async with _container(*options) as name:
        yield Gateway(name, port, password)


@asynccontextmanager
async def _container(*options: str) -> AsyncGenerator[str]:
    await asyncio.to_thread(build)
    name = f"hotline-sms-{uuid.uuid4().hex[:8]}"
    command = ["docker", "run", "--rm", "-d", "--init", "--name", name, *options]
    await asyncio.to_thread(run, command, doing="starting an SMS daemon", within=60)
    try:
        yield name
    finally:
        await asyncio.to_thread(run, ["docker", "rm", "-f", name], doing="stopping an SMS daemon", within=60)
