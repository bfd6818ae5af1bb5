"""The FastAGI server on real sockets. Each test is a call: `asterisk` is the other end of the connection."""

import asyncio
import gc
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Self

import pytest
import uvloop
from structlog.testing import capture_logs

from ivr.errors import CallerHungUp, CommandRefused, NoReply
from ivr.server import AgiServer, Answer, Limits, Session, _Line
from ivr.wire import Confused, OutOfTurn, Unsayable
from tests.ivr.test_wire import block

SOON = 10.0
"""Seconds within which anything that must happen does, even on a busy machine."""
LOCAL = [ip_network("127.0.0.0/8")]


@asynccontextmanager
async def serving(answer: Answer, limits: Limits = Limits()) -> AsyncIterator[AgiServer]:
    """A server with one door, and nothing left of it afterwards."""
    tasks = asyncio.all_tasks()
    server = AgiServer({0: answer}, host="127.0.0.1", peers=LOCAL, limits=limits)
    await server.start()
    try:
        yield server
    finally:
        await server.drain(within=0)
        await until(lambda: server.counters.now == 0)
        await until(lambda: asyncio.all_tasks() <= tasks)


async def until(true: Callable[[], bool]) -> None:
    """Let the other end, which runs in this same loop, do its part."""
    async with asyncio.timeout(SOON):
        while not true():
            await asyncio.sleep(0)


class Asterisk:
    """Asterisk's end of one call."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def calls(cls, server: AgiServer, headers: bytes = block()) -> Self:
        self = cls(*await asyncio.open_connection("127.0.0.1", server.ports[0]))
        self.says(headers)
        return self

    def says(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, line: bytes, reply: bytes = b"") -> None:
        async with asyncio.timeout(SOON):
            assert await self.reader.readline() == line
        self.says(reply)

    async def is_let_go(self) -> None:
        async with asyncio.timeout(SOON):
            with suppress(ConnectionResetError):
                assert await self.reader.read() == b""
        self.hangs_up()

    def hangs_up(self) -> None:
        self.writer.transport.abort()


async def ask_for_x(session: Session) -> None:
    await session.send("GET VARIABLE", "X", within=SOON)


class Diary:
    """A flow that sends some commands and writes down what came of each."""

    def __init__(self, *commands: str, within: float = SOON) -> None:
        self.commands, self.within = commands, within
        self.pages: list[object] = []
        self.closed = asyncio.Event()

    async def __call__(self, session: Session) -> None:
        for command in self.commands:
            try:
                self.pages.append(str((await session.send(command, within=self.within)).value))
            except (CallerHungUp, CommandRefused, NoReply, Confused) as error:
                self.pages.append(type(error))
        self.closed.set()

    async def read(self) -> list[object]:
        async with asyncio.timeout(SOON):
            await self.closed.wait()
        return self.pages


# A call


async def test_a_flow_talks_with_asterisk_and_lets_go() -> None:
    diary = Diary("ANSWER", "GET VARIABLE")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"ANSWER\n", b"200 result=0\n")
        await asterisk.hears(b"GET VARIABLE\n", b"200 result=1 (one)\n")
        await asterisk.is_let_go()
        assert await diary.read() == ["None", "one"]
        assert (server.counters.total, server.counters.ended) == (1, {"done": 1})


async def test_a_flow_knows_the_call_and_the_asterisk_it_comes_from() -> None:
    known: list[str] = []

    async def flow(session: Session) -> None:
        known.extend([session.call, session.headers["dnid"], session.peer])

    async with serving(flow) as server:
        await (await Asterisk.calls(server, block(dnid="95598"))).is_let_go()
    assert known == ["pbx-1763744923.12", "95598", "127.0.0.1"]


async def test_the_door_and_nothing_asterisk_says_decides_which_flow_runs() -> None:
    async def menu(session: Session) -> None:
        await session.send("VERBOSE", "menu", within=SOON)

    async def greeting(session: Session) -> None:
        await session.send("VERBOSE", "greeting", within=SOON)

    with socket.create_server(("127.0.0.1", 0)) as probe:
        second = probe.getsockname()[1]
    server = AgiServer({0: menu, second: greeting}, host="127.0.0.1", peers=LOCAL)
    await server.start()
    try:
        assert server.ports[second] == second
        for port, said in [(server.ports[0], b"VERBOSE menu\n"), (second, b"VERBOSE greeting\n")]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(block(request="agi://127.0.0.1/greeting"))
            assert await reader.readline() == said
            writer.transport.abort()
    finally:
        await server.drain(within=SOON)


async def test_many_callers_are_served_at_once_and_each_gets_its_own_replies() -> None:
    async def flow(session: Session) -> None:
        for _ in range(5):
            reply = await session.send("GET VARIABLE", session.headers["dnid"], within=SOON)
            assert reply.value == session.headers["dnid"]

    async def call(number: int) -> None:
        asterisk = await Asterisk.calls(server, block(dnid=str(number)))
        for _ in range(5):
            await asterisk.hears(b"GET VARIABLE %d\n" % number, b"200 result=1 (%d)\n" % number)
        await asterisk.is_let_go()

    async with serving(flow) as server:
        await asyncio.gather(*(call(number) for number in range(100)))
        assert server.counters.ended == {"done": 100}


# The caller leaves


async def test_a_hang_up_is_told_to_a_flow_that_waits_for_a_reply() -> None:
    diary = Diary("STREAM FILE")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n", b"HANGUP\n")
        assert await diary.read() == [CallerHungUp]
        await asterisk.is_let_go()


async def test_a_hang_up_between_commands_is_told_at_the_next_one() -> None:
    diary = Diary("ANSWER", "ANSWER")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"ANSWER\n", b"200 result=1 (yes)\nHANGUP\n")
        assert await diary.read() == ["yes", CallerHungUp]
        await asterisk.is_let_go()


async def test_a_reply_that_comes_after_the_hang_up_disturbs_nobody() -> None:
    waiting = asyncio.Event()

    async def flow(session: Session) -> None:
        with pytest.raises(CallerHungUp):
            await session.send("ANSWER", within=SOON)
        assert session.hung_up
        await waiting.wait()

    async with serving(flow) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"ANSWER\n", b"HANGUP\n")
        asterisk.says(b"511 Command Not Permitted on a dead channel\n")
        await asterisk.writer.drain()
        waiting.set()
        await asterisk.is_let_go()
        await until(lambda: server.counters.ended["done"] == 1)


@pytest.mark.parametrize(
    "farewell", [b"200 result=-1\nHANGUP\n", b"511 Command Not Permitted on a dead channel or intercept routine\n"]
)
async def test_a_hang_up_is_told_however_asterisk_puts_it(farewell: bytes) -> None:
    diary = Diary("STREAM FILE")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n", farewell)
        assert await diary.read() == [CallerHungUp]
        asterisk.hangs_up()


async def test_a_hang_up_during_a_prompt_says_how_much_of_it_was_heard() -> None:
    heard: list[int | None] = []

    async def flow(session: Session) -> None:
        with pytest.raises(CallerHungUp) as gone:
            await session.send("STREAM FILE", within=SOON)
        heard.append(gone.value.endpos)

    async with serving(flow) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n", b"200 result=-1 endpos=4000\nHANGUP\n")
        await asterisk.is_let_go()
    assert heard == [4_000]


async def test_a_hang_up_may_follow_its_minus_one_late() -> None:
    diary = Diary("STREAM FILE")
    async with serving(diary, Limits(hangup_seconds=SOON)) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n", b"200 result=-1 endpos=0\n")
        await asterisk.writer.drain()
        asterisk.says(b"HANGUP\n")
        assert await diary.read() == [CallerHungUp]
        asterisk.hangs_up()


async def test_a_broken_connection_ends_the_call() -> None:
    diary = Diary("STREAM FILE")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n", b"200 resu")
        asterisk.hangs_up()
        assert await diary.read() == [CallerHungUp]


async def test_a_flow_that_lets_the_hang_up_pass_ends_quietly() -> None:
    with capture_logs() as logs:
        async with serving(ask_for_x) as server:
            asterisk = await Asterisk.calls(server)
            await asterisk.hears(b"GET VARIABLE X\n", b"HANGUP\n")
            await asterisk.is_let_go()
            await until(lambda: server.counters.ended["caller-hung-up"] == 1)
    assert logs == []


async def test_a_flow_busy_elsewhere_is_cancelled_some_time_after_its_caller_left() -> None:
    cancelled = asyncio.Event()

    async def flow(_: Session) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(flow, Limits(farewell_seconds=0.05)) as server:
        asterisk = await Asterisk.calls(server)
        await until(lambda: server.counters.now == 1)
        asterisk.hangs_up()
        async with asyncio.timeout(SOON):
            await cancelled.wait()
        await until(lambda: server.counters.ended["cut"] == 1)


# Asterisk refuses, is late, or makes no sense


async def test_a_failed_command_is_no_hang_up_and_the_caller_can_still_be_spoken_to() -> None:
    diary = Diary("STREAM FILE", "ANSWER")
    async with serving(diary, Limits(hangup_seconds=0.05)) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n", b"200 result=-1 endpos=0\n")
        await asterisk.hears(b"ANSWER\n", b"200 result=1 (here)\n")
        assert await diary.read() == [CommandRefused, "here"]
        await asterisk.is_let_go()


async def test_a_block_of_usage_text_does_not_shift_the_replies() -> None:
    diary = Diary("GET DATA", "ANSWER", "NOOP")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        usage = b"520-Invalid command syntax.  Proper usage follows:\nUsage: GET DATA\n520 End of proper usage.\n"
        await asterisk.hears(b"GET DATA\n", usage)
        await asterisk.hears(b"ANSWER\n", b"510 Invalid or unknown command\n")
        await asterisk.hears(b"NOOP\n", b"200 result=1 (mine)\n")
        assert await diary.read() == [CommandRefused, CommandRefused, "mine"]
        await asterisk.is_let_go()


async def test_a_reply_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    diary = Diary("STREAM FILE", "ANSWER", within=0.05)
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n")
        pages = await diary.read()
        asterisk.says(b"200 result=1 (late)\n")
        await asterisk.is_let_go()
    assert pages[0] is NoReply
    assert pages[1:] == [CallerHungUp]


async def test_a_limit_shorter_than_the_one_before_is_kept() -> None:
    async def flow(session: Session) -> None:
        await session.send("ANSWER", within=3_600)
        with pytest.raises(NoReply):
            await session.send("ANSWER", within=0.05)

    async with serving(flow, Limits(header_seconds=3_600)) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"ANSWER\n", b"200 result=0\n")
        await asterisk.hears(b"ANSWER\n")
        await asterisk.is_let_go()
        await until(lambda: server.counters.ended["done"] == 1)


async def test_a_limit_longer_than_the_one_before_is_kept() -> None:
    diary = Diary("ANSWER", within=1.5)

    async def flow(session: Session) -> None:
        await session.send("ANSWER", within=1.0)
        await diary(session)

    async with serving(flow) as server:
        in_time, never = await Asterisk.calls(server), await Asterisk.calls(server)
        for asterisk in (in_time, never):
            await asterisk.hears(b"ANSWER\n", b"200 result=0\n")
            await asterisk.hears(b"ANSWER\n")
        await asyncio.sleep(1.1)  # past the first limit, within the second
        in_time.says(b"200 result=1 (in time)\n")
        await until(lambda: len(diary.pages) == 2)
        assert diary.pages == ["in time", NoReply]
        await in_time.is_let_go()
        await never.is_let_go()


async def test_a_line_nobody_asked_for_ends_the_call() -> None:
    diary = Diary("GET VARIABLE", "ANSWER")
    async with serving(diary) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"GET VARIABLE\n", b"200 result=1 (x\n200 result=1 (forged)\n")
        assert await diary.read() == [Confused, CallerHungUp]
        await asterisk.is_let_go()


async def test_a_flow_that_crashes_is_logged_with_its_call_and_harms_no_other() -> None:
    async def flow(session: Session) -> None:
        await session.send("ANSWER", within=SOON)
        raise ZeroDivisionError

    with capture_logs() as logs:
        async with serving(flow) as server:
            for _ in range(2):
                asterisk = await Asterisk.calls(server)
                await asterisk.hears(b"ANSWER\n", b"200 result=0\n")
                await asterisk.is_let_go()
            await until(lambda: server.counters.ended["crashed"] == 2)
    assert [(line["event"], line["call"]) for line in logs] == [("a flow crashed", "pbx-1763744923.12")] * 2


async def test_a_command_that_cannot_be_said_leaves_the_call_as_it_was() -> None:
    async def flow(session: Session) -> None:
        with pytest.raises(Unsayable):
            await session.send("SET VARIABLE", "A", "a\nSET VARIABLE B b", within=SOON)
        await session.send("ANSWER", within=SOON)

    async with serving(flow) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"ANSWER\n", b"200 result=0\n")
        await asterisk.is_let_go()


async def test_two_commands_at_a_time_are_never_sent() -> None:
    async def flow(session: Session) -> None:
        first = asyncio.create_task(session.send("ANSWER", within=SOON))
        await asyncio.sleep(0)
        with pytest.raises(OutOfTurn):
            await session.send("NOOP", within=SOON)
        await first

    async with serving(flow) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"ANSWER\n", b"200 result=0\n")
        await asterisk.is_let_go()
        await until(lambda: server.counters.ended["done"] == 1)


async def test_cancelling_a_command_ends_the_call_as_its_reply_would_be_taken_for_another() -> None:
    async def flow(session: Session) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.send("STREAM FILE", within=SOON)
        with pytest.raises(CallerHungUp):
            await session.send("ANSWER", within=SOON)

    async with serving(flow) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"STREAM FILE\n")
        await asterisk.is_let_go()
        await until(lambda: server.counters.ended["done"] == 1)


# Who may come in


@pytest.mark.parametrize(
    "headers", [block(callerid="x\nagi_network_script: evil"), block() + b"200 result=0\n", b"\n\n"]
)
async def test_a_forged_caller_never_reaches_a_flow(headers: bytes) -> None:
    async with serving(ask_for_x) as server:
        await (await Asterisk.calls(server, headers)).is_let_go()
        assert server.counters.refused.total() == 1
        assert server.counters.ended == {}


async def test_a_peer_that_does_not_finish_its_headers_is_dropped() -> None:
    async with serving(ask_for_x, Limits(header_seconds=0.05)) as server:
        asterisk = await Asterisk.calls(server, block()[:-1])
        await asterisk.is_let_go()
        assert server.counters.refused == {"slow-headers": 1}


async def test_a_stranger_is_refused_and_logged_once() -> None:
    server = AgiServer({0: ask_for_x}, host="127.0.0.1", peers=[ip_network("10.0.0.0/8"), ip_network("::1/128")])
    await server.start()
    with capture_logs() as logs:
        for _ in range(3):
            await (await Asterisk.calls(server)).is_let_go()
    assert server.counters.refused == {"peer": 3}
    assert [line["peer"] for line in logs] == ["127.0.0.1"]
    assert await server.drain(within=0) == 0


async def test_an_ipv4_peer_on_an_ipv6_socket_is_known_by_its_ipv4_address() -> None:
    server = AgiServer({0: ask_for_x}, host="127.0.0.1", peers=[ip_network("10.1.0.0/16")])
    assert server._is_peer("::ffff:10.1.2.3")
    assert not server._is_peer("::ffff:10.2.2.3")
    assert not server._is_peer("")


async def test_when_all_places_are_taken_the_next_caller_is_sent_back_at_once() -> None:
    async with serving(ask_for_x, Limits(sessions=1)) as server:
        first = await Asterisk.calls(server)
        await first.hears(b"GET VARIABLE X\n")
        await (await Asterisk.calls(server)).is_let_go()
        assert server.counters.refused == {"full": 1}
        first.says(b"200 result=0\n")
        await first.is_let_go()
        await until(lambda: server.counters.now == 0)
        third = await Asterisk.calls(server)
        await third.hears(b"GET VARIABLE X\n", b"200 result=0\n")
        await third.is_let_go()


async def test_a_port_that_is_taken_leaves_no_door_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        server = AgiServer({0: ask_for_x, taken: ask_for_x}, host="127.0.0.1", peers=LOCAL)
        with pytest.raises(OSError, match="in use"):
            await server.start()
        assert server.ports == {}


# Leaving


async def test_a_drain_lets_the_running_call_finish_and_takes_no_new_one() -> None:
    async with serving(ask_for_x) as server:
        port = server.ports[0]
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"GET VARIABLE X\n")
        drained = asyncio.create_task(server.drain(within=SOON))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert not drained.done()
        asterisk.says(b"200 result=0\n")
        assert await drained == 0
        assert server.counters.ended == {"done": 1}
        await asterisk.is_let_go()


async def test_a_drain_cuts_a_call_that_does_not_finish() -> None:
    async with serving(ask_for_x) as server:
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"GET VARIABLE X\n")
        assert await server.drain(within=0.05) == 1
        assert server.counters.ended == {"cut": 1}
        await asterisk.is_let_go()


async def test_a_drain_does_not_wait_for_headers() -> None:
    async with serving(ask_for_x, Limits(header_seconds=3_600)) as server:
        asterisk = await Asterisk.calls(server, block()[:100])
        await until(lambda: server.counters.now == 1)
        assert await server.drain(within=SOON) == 0
        await asterisk.is_let_go()


async def test_a_connection_that_slips_in_during_a_drain_is_refused() -> None:
    async with serving(ask_for_x) as server:
        await server.drain(within=SOON)
        assert server.admit(_Line(server, ask_for_x), "127.0.0.1") == "draining"


def connect_and_close(port: int, times: int) -> None:
    """In turn: closed in order, with a reset, and after some bytes."""
    for number in range(times):
        with socket.create_connection(("127.0.0.1", port), timeout=SOON) as peer:
            if number % 3 == 1:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif number % 3 == 2:
                peer.send(b"agi_network: yes\n")


async def thousand_strangers() -> None:
    async with serving(ask_for_x) as server:
        await asyncio.to_thread(connect_and_close, server.ports[0], 1_000)
        await until(lambda: server.counters.refused == {"lost": 1_000})
        assert server.counters.now == 0
        asterisk = await Asterisk.calls(server)
        await asterisk.hears(b"GET VARIABLE X\n", b"200 result=0\n")
        await asterisk.is_let_go()


async def test_a_thousand_connections_that_only_open_and_close_leave_nothing_behind() -> None:
    await thousand_strangers()


def test_the_same_on_uvloop_which_is_what_runs() -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(thousand_strangers())
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert failures == []
    assert not thread.is_alive()


async def test_finished_calls_leave_no_rubbish_for_the_garbage_collector() -> None:
    def things() -> int:
        return sum(type(thing).__module__ == "ivr.server" for thing in gc.get_objects())

    async with serving(ask_for_x) as server:
        gc.collect()
        gc.disable()
        try:
            before = things()
            for _ in range(50):
                asterisk = await Asterisk.calls(server)
                await asterisk.hears(b"GET VARIABLE X\n", b"HANGUP\n")
                await asterisk.is_let_go()
            del asterisk
            left = things() - before
        finally:
            gc.enable()
    assert left <= 10
