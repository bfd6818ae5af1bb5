"""A softphone of another make (baresip) in an agent's place, for what the pretend phones cannot do: hold and resume.

    async with a_softphone(world, "li-desk") as phone:
        ...
        await phone.do("hold")

It answers by itself, says the same as the pretend agents, on and on, and is steered over TCP: JSON in netstrings.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from hotline.stack import BASE_IMAGE, ROOT, run
from tests.asterisk import sound
from tests.asterisk.sound import RATE, Sound
from tests.asterisk.world import WITHIN, World

IMAGE = "hotline-phone:local"
IMAGES = ROOT / "setup" / "images"
PORT = 4444
TALKS_FOR = 180
"""Seconds that the phone has something to say; then it would hang up."""


class Softphone:
    """The phone's buttons."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path) -> None:
        self._reader, self._writer, self._folder = reader, writer, folder

    async def do(self, command: str, *words: str) -> None:
        """Press a button. Whether it did anything shows at the other end: baresip resumes and says it cannot."""
        said = json.dumps({"command": command, "params": " ".join(words), "token": command}).encode()
        self._writer.write(b"%d:%s," % (len(said), said))
        async with asyncio.timeout(WITHIN):
            while (await self._next()).get("token") != command:
                pass

    async def _next(self) -> dict[str, object]:
        """The next thing that the phone says: the answer to a command, or something that happened."""
        length = int((await self._reader.readuntil(b":"))[:-1])
        said: dict[str, object] = json.loads(await self._reader.readexactly(length))
        await self._reader.readexactly(1)
        return said

    def heard(self) -> Sound:
        """What the phone has heard since its sound began last: with the call, or with the end of a hold."""
        return sound.from_growing_wav((self._folder / "heard.wav").read_bytes())


@asynccontextmanager
async def a_softphone(world: World, account: str) -> AsyncIterator[Softphone]:
    """Put the softphone in the place of this pretend phone, which signs off meanwhile."""
    folder, name = world.stack.folder / "phone", f"{world.stack.name}-phone"
    address = f"{world.stack.net}.70"
    await asyncio.to_thread(_build)
    _furnish(world, folder, account)
    world.cli(f"pjsip send unregister {account}", "agents")
    try:
        await world.until(lambda: not _at(world, account), "the pretend phone has signed off")
        _run("rm", "-f", name)  # of a run that was killed
        _run("run", "-d", "--name", name, "--network", f"{world.stack.name}_inner", "--ip", address,
             "--user", str(world.stack.user), "--volume", f"{folder}:/srv/phone", IMAGE)  # fmt: skip
        await world.until(lambda: f"sip:{account}-0x" in _at(world, account), "the softphone is registered")
        reader, writer = await asyncio.open_connection(address, PORT)
        try:
            yield Softphone(reader, writer, folder)
        finally:
            writer.close()
    finally:
        _run("rm", "-f", name)
        world.cli(f"pjsip send register {account}", "agents")
        await world.until(lambda: f"sip:{account}@" in _at(world, account), "the phones are back")


def _build() -> None:
    run(
        [
            *f"docker build -q --network host --build-arg BASE={BASE_IMAGE} -t {IMAGE} -f".split(),
            str(IMAGES / "phone.Dockerfile"),
            str(IMAGES),
        ],
        doing="building the image of the softphone (baresip)",
        within=300,
    )


def _run(*words: str) -> None:
    run(["docker", *words], doing=f"docker {words[0]} of the softphone", within=60)


def _at(world: World, account: str) -> str:
    """Where the account is registered, as Asterisk lists it (a long address is cut off there)."""
    return "".join(line for line in world.cli("pjsip show contacts").splitlines() if f"{account}/" in line)


def _furnish(world: World, folder: Path, account: str) -> None:
    """Write the phone's settings and what it says."""
    folder.mkdir(mode=0o700, exist_ok=True)
    address, password = f"sip:{account}@{world.stack.pbx}", world.secrets.phones[account]
    files = {
        "accounts": f"<{address}>;auth_pass={password};answermode=auto;audio_codecs=pcma\n".encode(),
        "config": SETTINGS.encode(),
        "contacts": b"",
        "said.wav": _on_and_on(world.prompt("tryout/agent")),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, world.stack.user, world.stack.user)


def _on_and_on(voice: Sound) -> bytes:
    turn = np.concatenate([voice, np.zeros(RATE)])
    samples = np.tile(turn, TALKS_FOR * RATE // len(turn)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((1, 2, RATE, 0, "NONE", ""))
        target.writeframes(samples.tobytes())
    return file.getvalue()


SETTINGS = f"""\
sip_listen 0.0.0.0:5060
audio_source aufile,/srv/phone/said.wav
audio_player aufile,/srv/phone/heard.wav
audio_alert aufile,/srv/phone/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
ring_aufile none
ringback_aufile none
callwaiting_aufile none
busy_aufile none
error_aufile none
notfound_aufile none
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 0.0.0.0:{PORT}
"""
