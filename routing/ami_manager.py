"""Panoramisk's Manager with its defects cured: one connection to Asterisk's manager, from opening to loss.

Panoramisk opens the connection, numbers the actions with ids nobody can guess, and pings. Put right here:

- a connection is never reopened, and an action never sent again, from in here; what was pending is told LinkDown
- what is sent goes through our encoder, what is received through our decoder: see ami_wire.py
- an event goes to one plain callback, in the order of the wire; an exception there is logged and ends there
- a reply says itself whether a list follows, so no action waits for a list that does not come
- a silent connection is cut: see Connection._watch
- nothing sent or received is written to a log
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from pydantic import SecretStr

from routing.ami_errors import ActionFailed, LinkDown, NoAnswer, PermissionRefused
from routing.ami_wire import Fields, Messages, Unreadable, Unsendable, encode

SECOND_LOOK: Final = 0.25
"""Seconds. Had we been asleep ourselves, the answers are waiting in the socket: they are read before a cut."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AmiAddress:
    """Where a manager listens, and as whom we log in. Plain TCP unless `tls` is given."""

    host: str
    port: int
    username: str
    secret: SecretStr
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.username}@{self.host}:{self.port}"


class Connection(Manager):  # type: ignore[misc]  # panoramisk has no types
    """One connection. Open it, ask, close it; when it is lost on its own, `on_lost` is told why, once."""

    def __init__(
        self,
        where: AmiAddress,
        *,
        on_event: Callable[[Fields], None],
        on_lost: Callable[[Exception], None],
        ping_every: float,
        deadline: float,
    ) -> None:
        super().__init__(
            host=where.host,
            port=where.port,
            ssl=where.tls or False,
            loop=asyncio.get_running_loop(),
            protocol_factory=lambda: Wire(self),
        )
        self.ping_delay = self.ping_interval = ping_every  # the configuration takes whole seconds only
        self._where, self._on_event, self._on_lost, self._deadline = where, on_event, on_lost, deadline
        self._heard_at = 0.0
        self._booted: asyncio.Future[None] = self.loop.create_future()
        self._watcher: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Connect, within the deadline; LinkDown if that fails."""
        try:
            async with asyncio.timeout(self._deadline):
                await self.connect()
        except OSError as problem:
            raise LinkDown(str(problem) or f"no connection within {self._deadline:g} s") from problem
        self.heard()
        self._watch()

    async def ask(self, action: str, fields: Mapping[str, str | Sequence[str]], *, within: float) -> list[Fields]:
        """Send one action and return its reply; if that announces a list, also the rows and the closing event.

        Raises ActionFailed, NoAnswer or LinkDown, or Unsendable before anything is sent.
        """
        if {"action", "actionid", "commandid"} & {key.lower() for key in fields}:
            raise Unsendable("the name and the id of an action are not among its fields")
        try:
            async with asyncio.timeout(within):
                replies: list[Fields] = await self.send_action(Request({"Action": action, **fields}))
        except TimeoutError:
            raise NoAnswer(action, within) from None
        if replies[0].get("Response") not in ("Success", "Goodbye"):
            raise self._refusal(action, replies[0].get("Message", "no reason given").strip())
        return replies

    async def booted(self) -> bool:
        """Wait until Asterisk says that it has started fully; False if it has not said so by the deadline."""
        try:
            async with asyncio.timeout(self._deadline):
                await self._booted
        except TimeoutError:
            return False
        return True

    def _refusal(self, action: str, answer: str) -> ActionFailed:
        if answer == "Permission denied":
            return PermissionRefused(action, str(self._where))
        return ActionFailed(action, answer)

    def heard(self) -> None:
        """Note a sign of life: any byte at all."""
        self._heard_at = self.loop.time()

    def _watch(self, *, looked_twice: bool = False) -> None:
        """Cut the connection once nothing has been heard for the deadline; pings make a living one speak."""
        quiet_left = self._heard_at + self._deadline - self.loop.time()
        if quiet_left > 0:
            self._watcher = self.loop.call_later(quiet_left, self._watch)
        elif not looked_twice:
            self._watcher = self.loop.call_later(SECOND_LOOK, lambda: self._watch(looked_twice=True))
        else:
            self.protocol.connection_lost(TimeoutError(f"not a byte for {self._deadline:g} s"))

    def dispatch(self, event: Fields) -> None:
        """Give an event to the callback, which can do no harm to the connection."""
        if event["Event"] == "FullyBooted" and not self._booted.done():
            self._booted.set_result(None)
        try:
            self._on_event(event)
        except Exception:
            log.exception("an event could not be handled", ami_event=event["Event"])

    def connection_made(self, opened: asyncio.Task[Any]) -> None:
        """Go on with a connection; a failed attempt is told to who waits in `open`, and not repeated here."""
        if not opened.cancelled() and opened.exception() is None:
            super().connection_made(opened)

    def connection_lost(self, why: Exception) -> None:
        """Stop pinging and tell; reconnecting is the Link's."""
        self.close()
        self._on_lost(why)

    def close(self) -> None:
        """End the connection at once; `on_lost` is not told of it."""
        if self._watcher is not None:
            self._watcher.cancel()
        super().close()
        if self.protocol is not None:
            give_up(self._booted, self.protocol.why_closed)


class Wire(AMIProtocol):  # type: ignore[misc]
    """The two directions of one connection, and the actions that wait for their replies."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages = Messages()
        self.closed = False
        self.why_closed = ""

    def send(self, action: Mapping[str, Any], **_options: Any) -> asyncio.Future[list[Fields]]:
        """Send an action once. Panoramisk's option, whether a list will follow, is not needed: the reply tells."""
        if self.closed:
            raise LinkDown(self.why_closed)
        request = action if isinstance(action, Request) else Request(action)
        self.transport.write(encode(request.items()))
        self.responses[request.id] = request
        return request.reply

    def data_received(self, data: bytes) -> None:
        """Handle each message that is whole now, in order."""
        self._connection.heard()
        try:
            for fields in self._messages.receive(data):
                if self.closed:
                    return
                self.handle_message(fields)
        except Unreadable as problem:
            self.connection_lost(problem)

    def handle_message(self, fields: Fields) -> None:
        """Give a reply, or a row of a list, to its action, and any other event to the callback.

        An action that ran out of time is still known here, so that its late list is not taken for events.
        """
        request = self.responses.get(fields.get("ActionID"))
        if request is not None and ("Event" not in fields or request.responses):
            if request.add_message(fields):
                del self.responses[request.id]
        elif "Event" in fields:
            self._connection.dispatch(fields)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note, once, that the connection is gone, whoever noticed it."""
        if not self.closed:
            why = exc or ConnectionResetError("Asterisk closed the connection")
            self.close(why)
            self._connection.connection_lost(why)

    def close(self, why: Exception | None = None) -> None:
        """Close without waiting for a peer that may be gone; whoever waits for a reply gets LinkDown."""
        if self.closed:
            return
        self.closed, self.why_closed = True, str(why or "closed by us")
        self.transport.abort()
        for request in self.responses.values():
            give_up(request.reply, self.why_closed)
        self.responses.clear()


class Request(Action):  # type: ignore[misc]
    """One action on its way to its reply. Its repr shows no field: one of them is the secret."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.reply: asyncio.Future[list[Fields]] = self.future

    def __repr__(self) -> str:
        return f"<{self['Action']} {self.id}>"

    def add_message(self, fields: Fields) -> bool:
        """Take the reply, or a row of the list it announced; True when nothing more is to come."""
        self.responses.append(fields)
        if len(self.responses) == 1:
            complete = fields.get("EventList") != "start"
        else:
            complete = "EventList" in fields or fields.get("Event", "").endswith("Complete")
        if complete and not self.reply.done():
            self.reply.set_result(self.responses)
        return complete


def give_up(reply: asyncio.Future[Any], why: str) -> None:
    """Tell who waits for it that it will not come; nobody may be waiting (a ping), and that is no error."""
    if not reply.done():
        reply.set_exception(LinkDown(why))
        reply.exception()
