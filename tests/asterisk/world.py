"""A whole telephone world for tests: our hotline on a real Asterisk, a carrier with callers, agents with phones.

    caller = await world.call("4001234567")
    await world.hears(caller, CallAnswered)
    await caller.press("2")
    ended = await world.hears(caller, CallEnded, by="caller")

Callers are driven through the carrier's manager interface by pyst2, a second implementation beside our own link. What
happened is read from the event log as it is written; what was heard is read from recordings at both far ends.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from asterisk.manager import Manager, ManagerException

from hotline import prepare
from hotline.cli.stack import start
from hotline.client import Client, ServerError, find
from hotline.secrets import Secrets, write_private
from hotline.stack import Stack, run
from routing.events import CallRang, Event
from tests.asterisk import sound
from tests.asterisk.inside import Shell
from tests.asterisk.sound import Sound
from tests.stacks import own_stack

SITE = Path(__file__).with_name("site.toml")
WITHIN = 30.0
AnEvent = TypeVar("AnEvent", bound=Event)


class Far:
    """A far end (carrier or phones), driven by pyst2: blocking calls, so each runs in a thread."""

    def __init__(self, port: int, secret: str) -> None:
        self._port, self._secret = port, secret
        self._one_at_a_time = asyncio.Lock()
        self.causes: dict[str, int] = {}
        """Why each line went down, by the id of its channel (Q.850: 1 no such number, 16 ordinary, 17 busy)."""
        self._connect()

    def _connect(self) -> None:
        self._manager = Manager()
        self._manager.connect("127.0.0.1", self._port)
        self._manager.login("tryout", self._secret)
        self._manager.register_event("Hangup", self._went_down)

    def _went_down(self, event: Any, _: Manager) -> None:
        self.causes[event.get_header("Uniqueid")] = int(event.get_header("Cause"))

    async def do(self, action: str, **fields: Any) -> str:
        """Have one action done; return what it says, and fail the test if it is not a success."""
        response, message = await self.ask(action, **fields)
        assert response in ("Success", "Goodbye"), f"{action}: {response}: {message}"
        return message

    async def ask(self, action: str, **fields: Any) -> tuple[str, str]:
        """Ask for one action; return the response (Success, Error) and what it says."""
        answer = await self._answer(action, **fields)
        return str(answer.get_header("Response")), str(answer.get_header("Message"))

    async def value(self, channel: str, variable: str) -> str:
        """Return a channel's variable, or what a function says of it; empty when there is none."""
        return str((await self._answer("Getvar", Channel=channel, Variable=variable)).get_header("Value", ""))

    async def _answer(self, action: str, **fields: Any) -> Any:
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(self._manager.send_action, {"Action": action, **fields})
            except ManagerException:  # the far end was started anew
                self._connect()
                return await asyncio.to_thread(self._manager.send_action, {"Action": action, **fields})

    def close(self) -> None:
        """Hang up on the manager interface."""
        # pyst2's reader may close the line before the writer has let go of it.
        with suppress(ManagerException, ValueError):
            self._manager.logoff()
        del self._manager  # closes; pyst2's destructor does not survive the interpreter's end


@dataclass
class Caller:
    """A caller on the line. `channel` is the channel's id at the carrier; `call` the hotline's id once it rang."""

    world: World
    number: str
    channel: str
    call: str = ""

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            await self.world.telco.do("PlayDTMF", Channel=self.channel, Digit=key)

    async def hang_up(self) -> None:
        """Hang up."""
        await self.world.telco.do("Hangup", Channel=self.channel)

    async def speak(self) -> None:
        """Say something, on and on (`sounds/tryout/caller`)."""
        await self.world.telco.do("Redirect", Channel=self.channel, Context="caller", Exten="speak", Priority="1")

    def heard(self) -> Sound:
        """What the caller has heard so far, from the first sound on."""
        return self.world.recording("telco", f"/srv/tryout/{self.channel}.wav")


@dataclass
class Dialling:
    """A call that an agent's phone makes; `channel` is its id among the phones."""

    world: World
    channel: str
    answered: bool

    def heard(self) -> Sound:
        """What the agent has heard so far; silence when nobody answered."""
        if not self.answered:
            return sound.SILENCE
        return self.world.recording("agents", f"/srv/tryout/{self.channel}.wav")

    def over(self) -> bool:
        """Whether the line is down."""
        return self.channel not in self.world.cli("core show channels concise", "agents")


@dataclass
class World:
    """The running world."""

    stack: Stack
    secrets: Secrets
    telco: Far
    phones: Far
    server: Client
    events: list[Event] = field(default_factory=list)
    """What happened since the world was last made fresh, in order."""
    _read_up_to: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _shells: dict[str, Shell] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # Callers

    async def call(self, dialled: str = "4001234567", *, number: str | None = None) -> Caller:
        """Let somebody call; returns when the hotline has the call."""
        caller = await self.place(dialled, number=number)
        rang = await self.sees(
            CallRang,
            lambda event: event.caller is not None and event.caller.digits == caller.number,
            f"a ring from {caller.number}",
        )
        caller.call = rang.call
        return caller

    async def place(self, dialled: str, *, number: str | None = None) -> Caller:
        """Let somebody call, whatever comes of it."""
        nth = next(self._numbers)
        number = number or f"139{os.getpid() % 10000:04}{nth:04}"
        caller = Caller(self, number, f"caller-{os.getpid()}-{nth}")
        await self.telco.do(
            "Originate",
            Channel=f"PJSIP/{dialled}@pbx",
            ChannelId=caller.channel,
            Context="caller",
            Exten="listen",
            Priority="1",
            CallerID=number,
            Variable=f"HEARD={caller.channel}",
            Async="true",
        )
        return caller

    # Agents

    async def sign_in(self, *agents: str) -> None:
        """Sign agents in, as the command line does."""
        for agent in agents:
            await self.server.post(f"/api/agents/{agent}/sign-in")

    async def manner(self, phone: str, manner: str, *, pause: float = 0.3) -> None:
        """Say how a phone behaves: answer, busy, reject or ignore; `pause` in seconds before it answers."""
        await self.phones.do("Setvar", Variable=f"MANNER_{phone}", Value=manner)
        await self.phones.do("Setvar", Variable=f"PAUSE_{phone}", Value=str(pause))

    async def dial(self, phone: str, what: str) -> Dialling:
        """Let an agent's phone dial something under its own account; returns when it is answered or refused."""
        channel = f"dialling-{os.getpid()}-{next(self._numbers)}"
        response, _ = await self.phones.ask(
            "Originate",
            Channel=f"PJSIP/{what}@out-{phone}",
            ChannelId=channel,
            Context="dial",
            Exten="record",
            Priority="1",
            Variable=f"HEARD={channel}",
        )
        return Dialling(self, channel, answered=response == "Success")

    async def hang_up_phone(self, phone: str) -> None:
        """Let the agent hang up whatever call the phone has."""
        for channel in self.channels("agents"):
            if phone in channel["where"] or phone in channel["channel"]:
                await self.phones.do("Hangup", Channel=channel["channel"])

    def heard_by(self, phone: str) -> list[Sound]:
        """What the phone's earpiece gave, one sound per call it answered, oldest first."""
        listing = self.inside("agents", "sh", "-c", f"ls -tr /srv/tryout/{phone}-*.wav 2>/dev/null || true")
        files = [file for file in listing.split() if not file.endswith(".all.wav")]
        return [self.recording("agents", file) for file in files]

    async def fresh(self) -> None:
        """Back to the beginning: nothing to do, nobody on a line, nobody signed in, every phone answers."""
        await self._call_off_emergencies()
        await self._call_off_visits()
        for far, name in ((self.telco, "telco"), (self.phones, "agents")):
            for channel in self.channels(name):
                with suppress(AssertionError):
                    await far.do("Hangup", Channel=channel["channel"])
        await self.until(
            lambda: self.cli("core show channels count").startswith("0 active channels"), "all lines are down"
        )
        for each in (await self.server.get("/api/agents"))["agents"]:
            await self.manner(self.phone_of(each["agent"]), "answer")
            if each["duty"] != "signed-out":
                await self.server.post(f"/api/agents/{each['agent']}/sign-out")
        self.inside("agents", "sh", "-c", "rm -f /srv/tryout/*")
        await self._forget()

    async def _call_off_emergencies(self) -> None:
        """A test that failed may have left one open, for which the people on duty are rung for hours."""
        looked_for = {"kinds": ["emergency"], "is_open": True}
        for ticket in (await self.server.ask("POST", "/api/tickets/search", json=looked_for))["tickets"]:
            move = "finish" if ticket["state"] == "under-way" else "cancel"
            over = {"move": move, "why": "the test is over", "outcome": "the test is over"}
            with suppress(ServerError):  # done already
                await self.server.post(f"/api/tickets/{ticket['code']}/steps", over)

    async def _call_off_visits(self) -> None:
        """A test may have left somebody to be called, who would be called during the next."""
        for state in ("due", "appointed"):
            for visit in (await self.server.get("/api/visits", state=state, limit="1000"))["visits"]:
                with suppress(ServerError):  # just being dialled; the line is hung up
                    await self.server.post(f"/api/visits/{visit['id']}/cancel", {"why": "the test is over"})

    @staticmethod
    def phone_of(agent: str) -> str:
        """The phone of an agent of the tests' site."""
        return {"1024": "chen-desk", "1025": "li-desk", "1026": "wang-desk"}[agent]

    # What happened

    async def hears(
        self, caller: Caller, kind: type[AnEvent], /, *, within: float = WITHIN, nth: int = 1, **facts: Any
    ) -> AnEvent:
        """Wait until this call has so many events of this kind with these facts; return the last of these."""

        def fits(event: AnEvent) -> bool:
            return event.call == caller.call and all(getattr(event, name) == value for name, value in facts.items())

        what = f"{kind.__name__} {facts} of {caller.call}" + (f", {nth} times" if nth > 1 else "")
        return await self.sees(kind, fits, what, within=within, nth=nth)

    async def sees(
        self, kind: type[AnEvent], fits: Callable[[AnEvent], bool], what: str, *, within: float = WITHIN, nth: int = 1
    ) -> AnEvent:
        """Wait until the log has so many events of this kind that fit; return the last of these."""

        def found() -> AnEvent | None:
            fitting = (event for event in self.events if isinstance(event, kind) and fits(event))
            return next(itertools.islice(fitting, nth - 1, None), None)

        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            story = "\n".join(str(event) for event in self.events[-40:])
            raise AssertionError(f"not seen within {within} s: {what}; the last events are\n{story}") from None
        event = found()
        assert event is not None
        return event

    def of(self, caller: Caller, kind: type[AnEvent]) -> list[AnEvent]:
        """The call's events of this kind so far."""
        return [event for event in self.events if isinstance(event, kind) and event.call == caller.call]

    async def until(self, good: Callable[[], bool], what: str, *, within: float = WITHIN) -> None:
        """Wait until something we can only ask for is so; `good` may block."""
        try:
            async with asyncio.timeout(within):
                while not await asyncio.to_thread(good):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"not so within {within} s: {what}") from None

    # Looking inside

    def prompt(self, name: str) -> Sound:
        """The sound of a prompt, e.g. zh/main_menu."""
        return sound.from_sln(self.inside_bytes("asterisk", "cat", f"/srv/sounds/{name}.sln"))

    def recording(self, service: str, path: str) -> Sound:
        """What a far end has recorded so far; silence before the first sound is written."""
        return sound.from_growing_wav(self.inside_bytes(service, "sh", "-c", f"cat {path} 2>/dev/null || true"))

    def cli(self, command: str, service: str = "asterisk") -> str:
        """Ask one Asterisk's command line."""
        return self.inside(service, "asterisk", "-rx", command)

    def channels(self, service: str) -> list[dict[str, str]]:
        """The channels of one Asterisk: their names and ids, and where in the dialplan they are."""
        lines = self.cli("core show channels concise", service).splitlines()
        rows = [line.split("!") for line in lines if line.count("!") > 5]
        return [
            {"channel": row[0], "where": f"{row[1]},{row[2]}", "application": row[5], "caller": row[7], "id": row[-1]}
            for row in rows
        ]

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a container."""
        return self.inside_bytes(service, *command).decode(errors="replace")

    def inside_bytes(self, service: str, *command: str) -> bytes:
        """Run a command in a container and return its output as it is."""
        if service not in self._shells:
            self._shells[service] = Shell(f"{self.stack.name}-{service}-1")
        return self._shells[service].run(*command)

    def log(self, service: str) -> list[str]:
        """Every line that a container has written since it was made."""
        import subprocess

        command = ["docker", "logs", f"{self.stack.name}-{service}-1"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=True)
        return done.stdout.decode(errors="replace").splitlines()

    def container(self, verb: str, service: str, *options: str) -> None:
        """start, stop, kill, restart, pause ... a container."""
        run(["docker", verb, *options, f"{self.stack.name}-{service}-1"], doing=f"docker {verb}", within=60)

    async def follow(self) -> None:
        """Read the event log as it is written, for ever; over a restart of the server too."""
        self._read_up_to = await self.server.newest()
        while True:
            with suppress(ServerError):
                async for seq, event in self.server.numbered_events(after=self._read_up_to):
                    async with self._news:
                        self._read_up_to = seq
                        self.events.append(event)
                        self._news.notify_all()
            await asyncio.sleep(0.2)

    def close(self) -> None:
        """Let go of the containers."""
        for shell in self._shells.values():
            shell.close()

    async def _forget(self) -> None:
        """Let nobody take for news what happened before."""
        newest = await self.server.newest()
        async with asyncio.timeout(WITHIN), self._news:
            await self._news.wait_for(lambda: self._read_up_to >= newest)
            self.events.clear()


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """Bring the tests' stack up, and down at the end unless HOTLINE_TEST_KEEP is set."""
    stack = own_stack()
    prepare.prepare(stack, SITE)
    # Tests choose the day for the calendar, whatever day it is: an ordinary one unless they say another. And they turn
    # the dialler's clock to a time that was agreed on.
    own = {
        "HOTLINE_CALENDAR_CLOCK": "/etc/hotline/clock",
        "HOTLINE_VISITS_CLOCK": "/etc/hotline/visits-clock",
        "HOTLINE_CHANNEL_SECRETS__SMS": "nobody-listens-there",
    }
    write_private(stack.folder / "own.env", "".join(f"{name}={value}\n" for name, value in own.items()))
    known = await asyncio.to_thread(start, stack, SITE, tryout=True)
    telco = Far(stack.ports.telco_manager, known.services["telco-manager"])
    phones = Far(stack.ports.agents_manager, known.services["agents-manager"])
    async with Client(find(stack)) as server:
        world = World(stack, known, telco, phones, server)
        reader = asyncio.create_task(world.follow())
        await world.until(lambda: _registered(world), "all phones are registered")
        try:
            yield world
        finally:
            reader.cancel()
            telco.close()
            phones.close()
            world.close()
            if "HOTLINE_TEST_KEEP" not in os.environ:
                stack.compose("down", "--volumes")
                prepare.forget(stack)


def _registered(world: World) -> bool:
    """Whether each phone is there and has answered: to the queues one that has not is out of order."""
    contacts = [line.split() for line in world.cli("pjsip show contacts").splitlines() if " Avail " in line]
    found = {words[1].partition("/")[0] for words in contacts}
    return found >= {"chen-desk", "li-desk", "wang-desk"}
