"""`hotline bench browsers`: how long after an event a browser has it: 500 agents, 200 live calls, 50 readers.

The whole way is ours and real: an event is recorded, the picture computed, hung on the board (in memory), mirrored, and
sent over WebSockets of the web server to readers in a process of their own. Only Asterisk is missing: events are made
up, a call put on hold or taken back, at a steady rate. A call's `since` is when its event happened; a reader subtracts
that from its own clock when it has the change parsed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from desk.accounts import open_accounts
from hotline import api
from hotline import site as sites
from hotline.bench import stage
from hotline.bench.report import Machine, Report, Row
from hotline.casework import Casework, casework_in_memory
from hotline.service import Service
from hotline.settings import Ami, Api, Folders, Settings
from hotline.site import Site
from prompts.catalogue import Catalogue
from prompts.espeak import Espeak
from prompts.library import Library
from prompts.speech import Speech
from routing.events import (
    AgentAnswered,
    AgentSignedIn,
    CallAnswered,
    CallQueued,
    CallRang,
    Event,
    HoldEnded,
    HoldStarted,
    PhoneNumber,
    TalkStarted,
)
from routing.log import MemoryLog
from routing.painter import PAINT_EVERY

AGENTS: Final = 500
CALLS: Final = 200
READERS: Final = 50
A_SECOND: Final = 40.0
WORK_NUMBERS: Final = [str(number) for number in range(2000, 2000 + AGENTS)]


def run(*, quick: bool) -> Report:
    """Measure for half a minute, or for some seconds."""
    seconds = 5.0 if quick else 30.0
    with tempfile.TemporaryDirectory() as folder:
        waits, cpu, bytes_each = asyncio.run(_measure(Path(folder), seconds))
    waits.sort()
    row: Row = {
        "agents": AGENTS,
        "calls": CALLS,
        "readers": READERS,
        "events/s": A_SECOND,
        "seen": len(waits),
        "p50 ms": _at(waits, 0.5),
        "p99 ms": _at(waits, 0.99),
        "most ms": waits[-1],
        "server CPU ms/event": 1000 * cpu / (A_SECOND * seconds),
        "kB/s to each reader": bytes_each / seconds / 1000,
    }
    return Report(
        name="browsers: from an event to a browser",
        machine=Machine.this(),
        rows=[row],
        ratios={"p99 / the painter's pause": _at(waits, 0.99) / 1000 / PAINT_EVERY},
        notes=[
            f"A busy board is painted each {1000 * PAINT_EVERY:.0f} ms: half of that is the least there can be on "
            "average.",
        ],
    )


async def _measure(folder: Path, seconds: float) -> tuple[list[float], float, float]:
    """The waits of all readers in ms, the server's CPU in seconds, and the bytes that one reader was sent."""
    token = SecretStr(secrets.token_hex())
    async with AsyncExitStack() as stack:
        found = sites.load(_site(folder))
        casework = await stack.enter_async_context(casework_in_memory(found))
        service = _service(folder, token, found, casework)
        accounts = await stack.enter_async_context(open_accounts(f"sqlite:///{folder / 'users.db'}"))
        runner = web.AppRunner(api.application(service, accounts), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        place = web.TCPSite(runner, "127.0.0.1", 0)
        await place.start()
        _fill(service)
        service.painter.start()
        service.mirror.start()
        stack.push_async_callback(service.painter.stop)
        stack.push_async_callback(service.mirror.stop)
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        command = [sys.executable, "-m", "hotline.bench.browsers", url, str(seconds + 2)]
        readers = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert readers.stdin is not None
        assert readers.stdout is not None
        readers.stdin.write(token.get_secret_value().encode() + b"\n")
        await readers.stdout.readline()  # all of them look
        before = time.process_time()
        await _hold_and_resume(service, seconds)
        cpu = time.process_time() - before
        told = json.loads((await readers.communicate())[0])
    return told["waits"], cpu, told["bytes"] / READERS


def _site(folder: Path) -> Path:
    file = folder / "site.toml"
    file.write_text(stage.SITE + stage.agents(WORK_NUMBERS), encoding="utf-8")
    return file


def _service(folder: Path, token: SecretStr, found: Site, casework: Casework) -> Service:
    for each in ("recordings", "messages"):
        (folder / each / "live").mkdir(parents=True)
    settings = Settings(
        ami=Ami(watch_secret=token, desk_secret=token, dial_secret=token),
        api=Api(token=token),
        folders=Folders(sounds=folder / "sounds", recordings=folder / "recordings", messages=folder / "messages"),
    )
    sounds = folder / "sounds"
    words = Speech(Library(sounds), Catalogue.read(), Espeak(), sounds, brands={}, zone=found.zone)
    return Service(settings, found, MemoryLog(), words, casework)


def _fill(service: Service) -> None:
    """Everybody is signed in, and the first ones talk."""
    now = datetime.now(UTC)
    for number in WORK_NUMBERS:
        service.events.record(AgentSignedIn(at=now, agent=number))
    for nth in range(CALLS):
        call, agent, caller = f"pbx-1.{nth}", WORK_NUMBERS[nth], PhoneNumber(f"139{nth:08}")
        for fact in (
            CallRang(at=now, call=call, caller=caller, dialled=stage.NUMBER),
            CallAnswered(at=now, call=call),
            CallQueued(at=now, call=call, queue="consult"),
            AgentAnswered(at=now, call=call, agent=agent, queue="consult", waited=timedelta(seconds=1)),
            TalkStarted(at=now, call=call, agent=agent),
        ):
            service.events.record(fact)


async def _hold_and_resume(service: Service, seconds: float) -> None:
    """One call after the other is put on hold, and on the next round taken back."""
    began, nth = time.monotonic(), 0
    while (late := time.monotonic() - began) < seconds:
        while nth < late * A_SECOND:
            kind = HoldEnded if (nth // CALLS) % 2 else HoldStarted
            place = nth % CALLS
            fact: Event = kind(at=datetime.now(UTC), call=f"pbx-1.{place}", agent=WORK_NUMBERS[place])
            service.events.record(fact)
            nth += 1
        await asyncio.sleep(1 / A_SECOND / 2)


def _at(waits: list[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))]


# The readers' process


async def _read(url: str, seconds: float) -> None:
    token = sys.stdin.readline().strip()
    waits: list[float] = []
    sizes = [0]
    looking = asyncio.Semaphore(0)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        readers = [asyncio.create_task(_reader(session, url, waits, sizes, looking)) for _ in range(READERS)]
        for _ in readers:
            await looking.acquire()
        print("looking", flush=True)  # noqa: T201
        await asyncio.sleep(seconds)
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)
    print(json.dumps({"waits": waits, "bytes": sizes[0]}))  # noqa: T201


async def _reader(
    session: aiohttp.ClientSession, url: str, waits: list[float], sizes: list[int], looking: asyncio.Semaphore
) -> None:
    async with session.ws_connect(f"{url}/api/live", max_msg_size=0) as socket:
        json.loads((await socket.receive()).data)
        looking.release()
        async for message in socket:
            change = json.loads(message.data)
            now = time.time()
            sizes[0] += len(message.data)
            for call in change.get("set", {}).get("calls", {}).values():
                waits.append(1000 * (now - datetime.fromisoformat(call["since"]).timestamp()))


if __name__ == "__main__":
    asyncio.run(_read(sys.argv[1], float(sys.argv[2])))
