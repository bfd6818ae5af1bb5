"""A manager interface of our own on a loopback port, for what a real Asterisk cannot be made to do at will.

It answers Login, Filter, Events and Ping like Asterisk 22, and other actions as `answers` says. It can send any
bytes, go deaf (a cut cable: it neither reads nor writes, nor hangs up), and hang up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from pydantic import SecretStr

from routing.ami import AmiAddress

SECRET = "correct-horse"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
SUCCESS = {"Response": "Success"}

Fields = dict[str, str]


def message(fields: Fields) -> bytes:
    """One message as Asterisk writes it."""
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


class FakeManager:
    """Use as `async with FakeManager() as asterisk`."""

    def __init__(self, *, booted: bool = True) -> None:
        self.booted = booted
        self.answers: dict[str, list[Fields] | None] = {
            "Filter": [SUCCESS],
            "Events": [{**SUCCESS, "Events": "On"}],
            "Ping": [{**SUCCESS, "Ping": "Pong"}],
        }
        """By action, the messages that answer it (they get its ActionID); None is silence."""
        self.heard: list[Fields] = []
        """All actions but pings, of all connections, in order."""
        self.connections = self.logins = 0
        self._asked: asyncio.Queue[Fields] = asyncio.Queue()
        self._line: asyncio.StreamWriter | None = None
        self._deaf = False
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FakeManager:
        await self.listen(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end every connection."""
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def address(self, secret: str = SECRET) -> AmiAddress:
        return AmiAddress("127.0.0.1", self.port, "watch", SecretStr(secret))

    async def asked(self, action: str) -> Fields:
        """Wait for the next action of this name; others before it are passed over."""
        async with asyncio.timeout(20):
            while (fields := await self._asked.get())["Action"] != action:
                pass
        return fields

    def send(self, data: bytes) -> None:
        assert self._line is not None
        self._line.write(data)

    def event(self, name: str, **fields: str) -> None:
        self.send(message({"Event": name, **fields}))

    def hang_up(self) -> None:
        assert self._line is not None
        self._line.transport.abort()

    async def hung_up_on(self) -> None:
        """Wait until the other side has ended every connection."""
        async with asyncio.timeout(20):
            await asyncio.gather(*self._talks)

    def go_deaf(self) -> None:
        """From now on nothing more passes, in either direction, on this connection; a new one is answered."""
        self._deaf = True

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self.connections += 1
        self._line, self._deaf = writer, False
        writer.write(BANNER)
        try:
            while True:
                fields = parse(await reader.readuntil(b"\r\n\r\n"))
                if self._deaf and writer is self._line:
                    await asyncio.Event().wait()
                for answer in self._answers_to(fields):
                    writer.write(message(answer))
                self._asked.put_nowait(fields)
                if fields["Action"] != "Ping":
                    self.heard.append(fields)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._talks.discard(task)

    def _answers_to(self, fields: Fields) -> Iterator[Fields]:
        action, mark = fields["Action"], {"ActionID": fields["ActionID"]}
        if action == "Login":
            yield from self._login(fields, mark)
        else:
            for answer in self.answers.get(action, [{"Response": "Error", "Message": "Unknown"}]) or []:
                yield {**answer, **mark}

    def _login(self, fields: Fields, mark: Fields) -> Iterator[Fields]:
        if fields["Secret"] != SECRET:
            yield {"Response": "Error", **mark, "Message": "Authentication failed"}
            return
        self.logins += 1
        yield {**SUCCESS, **mark, "Message": "Authentication accepted"}
        if self.booted and fields["Events"] == "system":
            yield {"Event": "FullyBooted", "Privilege": "system,all", "Status": "Fully Booted"}


def parse(block: bytes) -> Fields:
    """The fields of one action; values of a repeated key are joined with '|'."""
    fields: Fields = {}
    for line in block.decode().strip("\r\n").split("\r\n"):
        key, _, value = line.partition(": ")
        fields[key] = f"{fields[key]}|{value}" if key in fields else value
    return fields
