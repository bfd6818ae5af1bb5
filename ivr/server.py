"""The FastAGI server: Asterisk calls in, a flow talks with the caller, command by command.

One TCP port is one door, and the door alone decides which flow runs: everything Asterisk says about a call
can be forged by the caller. A call comes in like this:

    connection_made   is the peer one of our Asterisks, and is there room?     else closed at once
    data_received     the headers, whole and in time                           else dropped
    _run              the flow, one coroutine for each call, one command at a time
    connection_lost   also at any other moment; the flow learns of it by CallerHungUp

Whatever goes wrong, closing the connection is the right answer: the dialplan goes on with the call and, as
the flow has not set its completion mark, tries again or sends the caller to a person.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, cast

import structlog

from ivr.errors import AgiError, CallerHungUp, CommandRefused, NoReply
from ivr.wire import BadHeaders, Confused, Conversation, Greeted, Replied, Reply

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server bears. Times in seconds."""

    sessions: int = 1_000
    """Connections at a time; one more is closed at once, so that the dialplan can try again."""
    header_seconds: float = 5.0
    header_lines: int = 64
    header_bytes: int = 16_384
    reply_seconds: float = 10.0
    """For a command whose sender names no limit."""
    hangup_seconds: float = 1.0
    """After `result=-1`: if no hang-up follows in this time, the command itself has failed."""
    farewell_seconds: float = 5.0
    """For a flow to finish after its caller is gone; then it is cancelled."""


@dataclass(slots=True)
class Counters:
    """What the server has done since it started."""

    now: int = 0
    """Connections at this moment."""
    total: int = 0
    """Connections let in."""
    refused: Counter[str] = field(default_factory=Counter)
    """Connections that never reached a flow, by reason: peer, full, draining, bad-headers, slow-headers, lost."""
    ended: Counter[str] = field(default_factory=Counter)
    """Flows by how they ended: done, crashed, cut, or the code of the error that ended them."""


class Session:
    """One call in the hands of a flow."""

    __slots__ = ("_line", "headers", "peer")

    def __init__(self, headers: Mapping[str, str], peer: str, line: _Line) -> None:
        self.headers = headers
        """Asterisk's description of the call, keys without `agi_`. Texts of the caller's choosing among them."""
        self.peer = peer
        """The IP address of the Asterisk that has the call."""
        self._line = line

    @property
    def call(self) -> str:
        """The call id: Asterisk's unique id of the caller's channel."""
        return self.headers["uniqueid"]

    @property
    def hung_up(self) -> bool:
        """Whether nothing more can be said: the caller or the connection is gone."""
        return self._line.hung_up

    def send(self, *words: str, within: float | None = None) -> Coroutine[Any, Any, Reply]:
        """Have Asterisk carry out one command, `await session.send("SET VARIABLE", name, value)`; returns its reply.

        The reply is a 200 and never `result=-1`. The command may be several words, each argument is one word.
        `within` is in seconds and includes the time a prompt plays or the caller thinks. Raises CallerHungUp,
        CommandRefused, NoReply; Confused if Asterisk's words make no sense (the connection is then
        dropped); Unsayable if ours cannot be sent. Each but Unsayable and CommandRefused is final.

        Set the limit here and not by cancelling: a cancelled command drops the connection, as its reply would
        be taken for the next one's. A caller who is already gone is not always noticed: a command that
        Asterisk also carries out on a dead channel, such as GET VARIABLE, may still be answered.
        """
        return self._line.send(words, within)


Answer = Callable[[Session], Awaitable[None]]
"""A flow: what happens behind a door. Returning, raising or hanging up all end the connection."""


class AgiServer:
    """Opens the doors, and keeps count of who is inside."""

    def __init__(
        self,
        doors: Mapping[int, Answer],
        *,
        host: str,
        peers: Sequence[IPv4Network | IPv6Network],
        limits: Limits = Limits(),
    ) -> None:
        """`doors` maps each port to its flow; port 0 takes any free one. Only `peers` may come in."""
        self.limits = limits
        self.counters = Counters()
        self._doors = doors
        self._host = host
        self._peers = tuple(peers)
        self._servers: dict[int, asyncio.Server] = {}
        self._lines: set[_Line] = set()
        self._draining = False
        self._is_known = lru_cache(maxsize=256)(self._is_peer)

    async def start(self) -> None:
        """Open every door. Raises OSError, with none open, if one port cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            for port, answer in self._doors.items():
                self._servers[port] = await loop.create_server(
                    partial(_Line, self, answer), self._host, port, backlog=_BACKLOG
                )
        except OSError:
            self._close_doors()
            raise

    @property
    def ports(self) -> dict[int, int]:
        """The port each door was asked for, and the one it has."""
        return {port: server.sockets[0].getsockname()[1] for port, server in self._servers.items()}

    async def drain(self, within: float) -> int:
        """Close the doors, let the running flows finish, and return how many had to be cut off after `within` s.

        A caller who comes now is refused at once and tries again, by then perhaps with our successor.
        """
        self._draining = True
        self._close_doors()
        for line in list(self._lines):
            line.refuse_if_waiting("draining")
        if not (flows := self._flows()):
            return 0
        _, late = await asyncio.wait(flows, timeout=within)
        for flow in late:
            flow.cancel()
        if late:
            await asyncio.wait(late, timeout=self.limits.farewell_seconds)
        return len(late)

    def _close_doors(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def _flows(self) -> set[asyncio.Task[str]]:
        return {line.flow for line in self._lines if line.flow is not None}

    def admit(self, line: _Line, peer: str) -> str | None:
        """Let a connection in, or say why not: lost (it is gone already), peer, full or draining."""
        counters = self.counters
        if not peer:
            return "lost"
        if not self._is_known(peer):
            return "peer"
        if self._draining:
            return "draining"
        if counters.now >= self.limits.sessions:
            return "full"
        self._lines.add(line)
        counters.now += 1
        counters.total += 1
        if counters.now == self.limits.sessions:
            log.warning("full: further callers are sent back to the dialplan", sessions=counters.now)
        return None

    def leave(self, line: _Line) -> None:
        """A connection that was let in is done with."""
        self._lines.remove(line)
        self.counters.now -= 1

    def _is_peer(self, peer: str) -> bool:
        """Called once for each address (its answers are kept), so a stranger fills no log."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        known = any(address in network for network in self._peers)
        if not known:
            log.warning("a stranger was refused: add its network to the peers if it is an Asterisk", peer=peer)
        return known


class _Line(asyncio.Protocol):
    """One connection: the socket's side of a Session."""

    __slots__ = (
        *("_answer", "_conversation", "_deadline", "_house", "_loop", "_peer", "_rings_at", "_timer"),
        *("_transport", "_waiter", "flow", "hung_up"),
    )

    def __init__(self, house: AgiServer, answer: Answer) -> None:
        limits = house.limits
        self._house = house
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._conversation = Conversation(header_lines=limits.header_lines, header_bytes=limits.header_bytes)
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self.flow: asyncio.Task[str] | None = None
        self.hung_up = False

    # What the socket tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer: str = (transport.get_extra_info("peername") or ("",))[0]
        if reason := self._house.admit(self, self._peer):
            self._house.counters.refused[reason] += 1
            self.hung_up = True
            self._transport.abort()
        else:
            self._limit(self._house.limits.header_seconds)

    def data_received(self, data: bytes) -> None:
        if self.hung_up and self.flow is None:
            return
        try:
            for heard in self._conversation.receive(data):
                if isinstance(heard, Replied):
                    self._wake(heard.reply)
                elif isinstance(heard, Greeted):
                    self._greet(heard.headers)
                else:
                    self._lose(CallerHungUp())
        except (BadHeaders, Confused) as odd:
            self._drop(odd)
        if self.flow is None and not self.hung_up:
            self._gather()

    def connection_lost(self, _: Exception | None) -> None:
        self.refuse_if_waiting("lost")
        self._lose(CallerHungUp())

    # What the flow asks of us

    async def send(self, words: Sequence[str], within: float | None) -> Reply:
        if self.hung_up:
            raise CallerHungUp
        self._transport.write(self._conversation.ask(*words))
        seconds = self._house.limits.reply_seconds if within is None else within
        try:
            reply = await self._reply_within(seconds)
        except TimeoutError:
            self._give_up()
            raise NoReply(words[0], seconds) from None
        except asyncio.CancelledError:
            self._give_up()
            raise
        if reply.code == _OK and reply.result != "-1":
            return reply
        if reply.code == _DEAD_CHANNEL or (reply.code == _OK and await self._hang_up_follows()):
            raise CallerHungUp(reply.endpos)
        raise CommandRefused(words[0], reply)

    async def _hang_up_follows(self) -> bool:
        """Tell a hang-up during a command from a command that failed: after both Asterisk says -1."""
        if self.hung_up:
            return True
        try:
            await self._reply_within(self._house.limits.hangup_seconds)
        except CallerHungUp:
            return True
        except TimeoutError:
            pass
        return False

    async def _reply_within(self, seconds: float) -> Reply:
        """Wait; raises TimeoutError, or the reason why no reply can come any more."""
        self._waiter = self._loop.create_future()
        self._limit(seconds)
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _give_up(self) -> None:
        """A command's reply can no longer be told from the next one's."""
        self._transport.abort()
        self._lose(CallerHungUp())

    # The flow's life

    def _gather(self) -> None:
        """Let more of the headers come: Asterisk writes them line by line, and each time we are woken costs."""
        self._transport.pause_reading()
        self._loop.call_later(_GATHER, self._transport.resume_reading)

    def _greet(self, headers: Mapping[str, str]) -> None:
        session = Session(headers, self._peer, self)
        self.flow = self._loop.create_task(self._run(session), name=f"call {session.call}")
        self.flow.add_done_callback(self._over)

    async def _run(self, session: Session) -> str:
        """Run the flow; return how it ended."""
        structlog.contextvars.bind_contextvars(call=session.call)
        try:
            await self._answer(session)
        except CallerHungUp as gone:
            return gone.code
        except (AgiError, Confused) as broken:
            log.warning("a flow could not go on", call=session.call, code=broken.code, problem=str(broken))
            return broken.code
        except Exception:
            log.exception("a flow crashed", call=session.call)
            return "crashed"
        return "done"

    def _over(self, flow: asyncio.Task[str]) -> None:
        self._house.counters.ended["cut" if flow.cancelled() else flow.result()] += 1
        self._leave()

    def _leave(self) -> None:
        """Hang up on Asterisk. Only a command that went unanswered can be unsent, and it is not worth sending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._conversation.awaiting:
            self._transport.abort()
        else:
            self._transport.close()
        self.hung_up = True
        self.flow = None
        self._house.leave(self)

    # Trouble

    def refuse_if_waiting(self, reason: str) -> None:
        """Turn away a connection that was let in but whose headers are not complete."""
        if self.flow is None and not self.hung_up:
            self._house.counters.refused[reason] += 1
            self._leave()

    def _drop(self, odd: BadHeaders | Confused) -> None:
        """Asterisk's words make no sense, or are not Asterisk's."""
        log.warning("a connection was dropped", peer=self._peer, code=odd.code, problem=str(odd))
        self._transport.abort()
        self.refuse_if_waiting(odd.code)
        self._lose(odd)

    def _lose(self, why: Exception) -> None:
        """Nothing more can be said: tell the flow if it is waiting for a reply, and leave it time to finish."""
        if self.hung_up:
            return
        self.hung_up = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(why)
        self._limit(self._house.limits.farewell_seconds)

    def _wake(self, reply: Reply) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(reply)

    # One timer for each connection: it is moved only when it would ring too late, not at every command.

    def _limit(self, seconds: float) -> None:
        self._deadline = deadline = self._loop.time() + seconds
        if self._timer is not None and deadline < self._rings_at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._set_timer(deadline)

    def _set_timer(self, at: float) -> None:
        self._rings_at = at
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() < self._deadline:
            self._set_timer(self._deadline)
        elif self.flow is None:
            self._transport.abort()
            self.refuse_if_waiting("slow-headers")
        elif self.hung_up:
            self.flow.cancel()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())


_OK = 200
_DEAD_CHANNEL = 511
_BACKLOG = 512
_GATHER = 0.002
"""Seconds in which the rest of the headers usually comes."""
