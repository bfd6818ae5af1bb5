"""A small SMS centre that takes transceivers: SMPP 3.4 from its specification, without the client's library.

Only what the tests need of sections 4 and 5: bind, submit_sm, deliver_sm (receipts and messages), enquire_link, unbind.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

BIND_TRANSCEIVER: Final = 0x09
SUBMIT: Final = 0x04
DELIVER: Final = 0x05
UNBIND: Final = 0x06
ENQUIRE: Final = 0x15
RESPONSE: Final = 0x8000_0000
PAYLOAD: Final = 0x0424
BAD_PASSWORD: Final = 0x0E
GSM: Final = 0


@dataclass(frozen=True)
class Submitted:
    """A message the centre was given."""

    number: str
    text: str
    coding: int
    receipt_wanted: bool


@dataclass
class Centre:
    """The centre."""

    password: str = "pass"
    taken: list[Submitted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """The status of each next answer; then 0. -1 closes the line without an answer."""
    confirmed: list[int] = field(default_factory=list)
    """The status of each answer to what the centre delivered."""
    port: int = 0
    bound: asyncio.Event = field(default_factory=asyncio.Event)
    _writer: asyncio.StreamWriter | None = None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        try:
            while True:
                length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                await self._take(writer, command, status, sequence, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _take(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes) -> None:
        if command == BIND_TRANSCEIVER:
            _, password = body.split(b"\x00")[:2]
            wrong = password.decode() != self.password
            self._send(writer, RESPONSE | command, sequence, b"centre\x00", status=BAD_PASSWORD if wrong else 0)
            if not wrong:
                self._writer = writer
                self.bound.set()
        elif command == SUBMIT:
            answer = self.answers.pop(0) if self.answers else 0
            if answer == -1:
                raise ConnectionError
            if not answer:
                self.taken.append(_submitted(body))
            name = b"" if answer else b"m%d\x00" % len(self.taken)
            self._send(writer, RESPONSE | command, sequence, name, status=answer)
        elif command in (ENQUIRE, UNBIND):
            self._send(writer, RESPONSE | command, sequence)
        elif command == RESPONSE | DELIVER:
            self.confirmed.append(status)

    def receipt(self, name: str, verdict: str, *, dates: str = "2611212100") -> None:
        """Say what became of a message."""
        said = f"id:{name} sub:001 dlvrd:001 submit date:{dates} done date:{dates} stat:{verdict} err:000 text:x"
        self._deliver("13800138000", said.encode(), esm_class=0x04, coding=GSM)

    def message(self, sender: str, said: str) -> None:
        """Let a message from a phone come in."""
        self._deliver(sender, said.encode("utf-16-be"), esm_class=0, coding=8)

    def _deliver(self, sender: str, said: bytes, *, esm_class: int, coding: int) -> None:
        assert self._writer is not None
        addresses = b"\x00\x01\x01" + sender.encode() + b"\x00" + b"\x00\x00" + b"95533\x00"
        rest = bytes([esm_class, 0, 0]) + b"\x00\x00" + bytes([0, 0, coding, 0, len(said)])
        self._send(self._writer, DELIVER, next(self._numbers), addresses + rest + said)

    def hang_up(self) -> None:
        """Cut the line."""
        assert self._writer is not None
        self.bound.clear()
        self._writer.close()

    @staticmethod
    def _send(writer: asyncio.StreamWriter, command: int, sequence: int, body: bytes = b"", *, status: int = 0) -> None:
        writer.write(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)


def _submitted(body: bytes) -> Submitted:
    def text_until_nul(place: int) -> tuple[str, int]:
        end = body.index(b"\x00", place)
        return body[place:end].decode("ascii"), end + 1

    _, place = text_until_nul(0)
    _, place = text_until_nul(place + 2)
    international = body[place] == 1
    number, place = text_until_nul(place + 2)
    place += 3
    for _ in range(2):
        _, place = text_until_nul(place)
    receipt, coding, length = body[place], body[place + 2], body[place + 4]
    said = body[place + 5 : place + 5 + length]
    place += 5 + length
    while place < len(body):
        tag, size = struct.unpack_from(">HH", body, place)
        if tag == PAYLOAD:
            said = body[place + 4 : place + 4 + size]
        place += 4 + size
    text = said.decode("utf-16-be" if coding == 8 else "ascii")
    return Submitted(("+" if international else "") + number, text, coding, bool(receipt & 1))


@asynccontextmanager
async def a_centre(*, port: int = 0) -> AsyncGenerator[Centre]:
    """A centre on a free port of this machine."""
    centre = Centre()
    server = await asyncio.start_server(centre.serve, "127.0.0.1", port)
    centre.port = server.sockets[0].getsockname()[1]
    async with server:
        yield centre
        server.close()
