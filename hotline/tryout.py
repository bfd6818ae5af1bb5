"""Pretend callers: they call in through the pretend carrier, press keys when they are asked, and hang up.

The carrier is a second Asterisk (`asterisk-config/telco`), so what happens here is a real call: SIP, sound, DTMF.
"""

from __future__ import annotations

import secrets as random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from hotline.secrets import Secrets
from hotline.stack import Stack
from prompts.build import build
from prompts.espeak import Espeak
from prompts.plan import Utterance
from routing.ami import AmiAddress, Link

SAID: Final = {
    "caller": "您好，我家的暖气不热，已经两天了，麻烦派人来看一看。",
    "agent": "您好，请问您家的地址是哪里，方便留一个电话吗？",
    "supervisor": "我是主管，请先安抚用户，再告诉他维修师傅今天下午到。",
    "department": "您好，这里是锅炉房值班室，请讲。",
}
"""What the pretend people say, each on and on, so that a recording has two voices."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One pretend caller on the line. `id` names the channel at the carrier, `heard` the file of what is heard."""

    id: str
    number: str
    heard: str


class Carrier:
    """The pretend carrier's controls."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def call(self, dialled: str, *, number: str | None = None, script: str = "listen") -> Caller:
        """Let somebody call this number; returns as soon as it rings.

        `script` is what the caller does once answered: an extension of the carrier's context `caller`.
        """
        name = f"tryout-{random.token_hex(6)}"
        caller = Caller(id=name, number=number or f"139{random.randbelow(10**8):08}", heard=name)
        await self._link.originate(
            f"PJSIP/{dialled}@pbx",
            channel_id=caller.id,
            variables={"HEARD": caller.heard},
            Context="caller",
            Exten=script,
            Priority="1",
            CallerID=caller.number,
        )
        return caller

    async def press(self, caller: Caller, keys: Sequence[str]) -> None:
        """Press keys, as tones in the call."""
        for key in keys:
            await self._link.act("PlayDTMF", Channel=caller.id, Digit=key)

    async def speak(self, caller: Caller) -> None:
        """Let the caller talk, on and on."""
        await self._link.act("Redirect", Channel=caller.id, Context="caller", Exten="speak", Priority="1")

    async def hang_up(self, caller: Caller) -> None:
        """End the call from the caller's side."""
        await self._link.act("Hangup", Channel=caller.id)


def voices(folder: Path) -> None:
    """Make the pretend people's voices."""
    build(
        tuple(Utterance(file=who, prompt=who, language="zh", text=text) for who, text in SAID.items()), folder, Espeak()
    )


@asynccontextmanager
async def carrier(stack: Stack) -> AsyncIterator[Carrier]:
    """The pretend carrier of a running stack."""
    link = await _linked(stack.ports.telco_manager, _secrets(stack).services["telco-manager"])
    try:
        yield Carrier(link)
    finally:
        await link.stop()


@asynccontextmanager
async def phones(stack: Stack) -> AsyncIterator[Link]:
    """The manager interface of the pretend phones."""
    link = await _linked(stack.ports.agents_manager, _secrets(stack).services["agents-manager"])
    try:
        yield link
    finally:
        await link.stop()


async def _linked(port: int, secret: str) -> Link:
    link = Link(AmiAddress("127.0.0.1", port, "tryout", SecretStr(secret)), on_event=lambda _: None)
    await link.start()
    await link.ready(within=15)
    return link


def _secrets(stack: Stack) -> Secrets:
    return Secrets.model_validate_json((stack.folder / "secrets.json").read_bytes())
