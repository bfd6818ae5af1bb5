"""A manager account that may read everything, for as long as a test looks: what was really said on that wire."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hotline.stack import Stack
from tests.asterisk.world import World

Message = list[tuple[str, str]]


class Witness:
    """Every byte that Asterisk's manager has sent, read the way any client reads it: lines, and blank lines between."""

    def __init__(self) -> None:
        self.heard = b""

    def messages(self) -> list[Message]:
        """All whole messages so far, each with its lines in order."""
        blocks = self.heard.decode(errors="replace").split("\r\n\r\n")[:-1]
        return [[_field(line) for line in block.split("\r\n") if line] for block in blocks]

    def events(self, name: str) -> list[dict[str, str]]:
        """The events of this name."""
        found = [dict(message) for message in self.messages() if message[:1] and message[0][0] == "Event"]
        return [event for event in found if event["Event"] == name]


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(": ")
    return key, value


@asynccontextmanager
async def a_witness(world: World) -> AsyncIterator[Witness]:
    """Add the account to this stack's Asterisk, listen, and take it away again."""
    secret = secrets.token_hex(16)
    file = world.stack.folder / "pbx" / "manager.conf"
    before = file.read_text(encoding="utf-8")
    here = f"{world.stack.net}.1"
    account = f"[witness]\nsecret = {secret}\ndeny = 0.0.0.0/0.0.0.0\npermit = {here}/32\nread = all\nwrite =\n"
    try:
        file.write_text(before + account, encoding="utf-8")
        world.cli("manager reload")
        witness = Witness()
        listening = await _listen(world.stack, secret, witness)
        try:
            yield witness
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
    finally:
        file.write_text(before, encoding="utf-8")
        world.cli("manager reload")


async def _listen(stack: Stack, secret: str, witness: Witness) -> asyncio.Task[None]:
    reader, writer = await asyncio.open_connection(stack.pbx, 5038)
    await reader.readline()
    writer.write(f"Action: Login\r\nUsername: witness\r\nSecret: {secret}\r\n\r\n".encode())
    reply = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert reply.startswith(b"Response: Success"), reply

    async def listen() -> None:
        try:
            while data := await reader.read(1 << 16):
                witness.heard += data
        finally:
            writer.close()

    return asyncio.create_task(listen())
