"""SMS by a carrier's own centre: SMPP 3.4 as a transceiver (aiosmpplib keeps the session up).

A text that does not fit one message goes as message_payload: the centre cuts it, and there is one answer and one
receipt. SMPP has no key of ours, so what was under way when the line broke is a possible double.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiosmpplib import (
    ESME,
    AbstractBroker,
    AbstractHook,
    DeliverSm,
    PhoneNumber,
    SmppMessage,
    SmppSessionState,
    SubmitSm,
    SubmitSmResp,
)
from aiosmpplib.protocol import GenericNack
from aiosmpplib.state import NPI, TON, PduHeader, SmppCommandStatus
from pydantic import SecretStr

from casework.notices.channel import Accepted, AfterACrash, ChannelDown, Letter, Refused, SendProblem, TryLater, Unsure
from casework.notices.directory import Smpp
from casework.notices.segments import alphabet_of

LIMIT: Final = 10.0
"""Seconds within which a centre answers."""
LATER: Final = (
    SmppCommandStatus.ESME_RTHROTTLED,
    SmppCommandStatus.ESME_RMSGQFUL,
    SmppCommandStatus.ESME_RSYSERR,
    SmppCommandStatus.ESME_RSUBMITFAIL,
)
ENDED: Final = {"DELIVRD": True, "UNDELIV": False, "EXPIRED": False, "REJECTD": False, "DELETED": False}
"""A receipt's final words; ACCEPTD, ENROUTE and UNKNOWN are none."""
_RECEIPT: Final = re.compile(r"\b(id|stat):\s*(\S+)", re.IGNORECASE)

log = structlog.get_logger()


class SmppSms:
    """One account at one centre. `start` binds, and binds again whenever the line is lost."""

    after_a_crash = AfterACrash.SEND_AGAIN
    gives_receipts = True
    limit = LIMIT

    def __init__(
        self,
        site: Smpp,
        secret: SecretStr,
        *,
        on_receipt: Callable[[str, bool], Awaitable[None]],
        on_reply: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        """`on_receipt` is told the centre's id and whether it got there, `on_reply` an id, the sender and the text.

        A reply is confirmed to the centre only when `on_reply` returns, so one that we cannot keep comes again.
        """
        self._site, self._on_receipt, self._on_reply = site, on_receipt, on_reply
        self.answer_within = LIMIT
        self._waiting: dict[str, asyncio.Future[Accepted]] = {}
        self._queue = _Queue(self._waiting)
        self._esme = _Session(
            smsc_host=site.host,
            smsc_port=site.port,
            system_id=site.account,
            password=secret.get_secret_value(),
            hook=_Hook(self._heard, self._failed),
            broker=self._queue,
            enquire_link_interval=30.0,
            socket_timeout=LIMIT,
            log_level=logging.CRITICAL,
            log_handler=logging.NullHandler(),
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether the centre has let us in."""
        return bool(self._esme.session_state == SmppSessionState.BOUND_TRX)

    def start(self) -> None:
        """Begin to keep the session up."""
        self._task = asyncio.create_task(self._esme.start(), name=f"smpp {self._site.name}")

    async def close(self) -> None:
        """Leave the centre."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=5)
            self._esme.hang_up()
        for future in self._waiting.values():
            future.cancel()

    async def send(self, letter: Letter) -> Accepted:
        """See Channel."""
        if not self.up:
            raise ChannelDown("the SMS centre has not let us in, or the line is down")
        name = f"{letter.id}-{letter.attempt}"
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting[name] = answer
        try:
            await self._queue.enqueue(self._message(letter, name))
            async with asyncio.timeout(self.answer_within):
                return await answer
        except TimeoutError:
            raise Unsure("the SMS centre did not answer in time") from None
        finally:
            del self._waiting[name]

    async def ask(self, letter: Letter) -> Accepted | None:  # noqa: ARG002 - SMPP can be asked only by the centre's id
        """See Channel."""
        return None

    def _message(self, letter: Letter, name: str) -> SubmitSm:
        return SubmitSm(
            short_message=letter.text,
            source=_number(self._site.sender),
            destination=_number(letter.address),
            registered_delivery=1,
            encoding="gsm0338" if alphabet_of(letter.text) == "GSM-7" else "ucs2",
            auto_message_payload=True,
            log_id=name,
        )

    async def _heard(self, message: SmppMessage | None) -> None:
        """An answer to what we sent, a receipt, or a message from a phone."""
        if isinstance(message, DeliverSm):
            if message.is_receipt():
                await self._receipt(message)
            else:
                said = message.short_message or message.message_payload
                await self._on_reply(uuid.uuid4().hex, message.source.number, said)
        elif isinstance(message, SubmitSmResp | GenericNack):
            self._answered(message)

    async def _receipt(self, message: DeliverSm) -> None:
        found = {name.lower(): value for name, value in _RECEIPT.findall(message.short_message)}
        verdict = ENDED.get(found.get("stat", "").upper())
        if "id" in found and verdict is not None:
            await self._on_receipt(found["id"], verdict)

    def _answered(self, message: SubmitSmResp | GenericNack) -> None:
        future = self._waiting.get(message.log_id)
        if future is None or future.done():
            return
        status = message.command_status
        if status == SmppCommandStatus.ESME_ROK and isinstance(message, SubmitSmResp):
            future.set_result(Accepted(message.message_id or None))
        elif status in LATER:
            future.set_exception(TryLater(f"the SMS centre answered {status.name}"))
        else:
            future.set_exception(Refused(f"the SMS centre answered {status.name}"))

    def _failed(self, name: str, problem: Exception) -> None:
        future = self._waiting.get(name)
        if future is not None and not future.done():
            said: SendProblem = Unsure(f"the line to the SMS centre broke: {type(problem).__name__}")
            if isinstance(problem, ValueError):
                said = Refused("SMPP cannot say this number or text")
            future.set_exception(said)


class _Session(ESME):
    """The library's session, with two defects of 0.7 cured.

    It never closes a socket, and a receipt whose dates it cannot read ends the session (we read what we need
    ourselves).
    """

    async def connect(self) -> None:
        self.hang_up()
        await super().connect()

    async def _disconnect(self) -> None:
        writer = self._writer
        await super()._disconnect()
        if writer is not None:
            writer.close()

    def hang_up(self) -> None:
        """Close the socket, if there is one."""
        if self._writer is not None:
            self._writer.close()

    async def _handle_request(self, pdu: bytes, header: PduHeader) -> SmppMessage | None:
        try:
            return await super()._handle_request(pdu, header)
        except (ValueError, TypeError):
            message: SmppMessage = DeliverSm.from_pdu(pdu, header, self.default_encoding, self.custom_codecs)
            return message


class _Queue(AbstractBroker):
    """What is to be sent. A letter nobody waits for any more is not sent late: it has been counted as unsure."""

    def __init__(self, waiting: dict[str, asyncio.Future[Accepted]]) -> None:
        self._waiting = waiting
        self._queue: asyncio.Queue[SmppMessage] = asyncio.Queue()

    async def enqueue(self, message: SmppMessage) -> None:
        await self._queue.put(message)

    async def dequeue(self) -> SmppMessage:
        while True:
            message = await self._queue.get()
            if not isinstance(message, SubmitSm) or message.log_id in self._waiting:
                return message


class _Hook(AbstractHook):
    def __init__(
        self, heard: Callable[[SmppMessage | None], Awaitable[None]], failed: Callable[[str, Exception], None]
    ) -> None:
        self._heard, self._failed = heard, failed

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        pass

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:  # noqa: ARG002
        await self._heard(smpp_message)

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:  # noqa: ARG002
        if isinstance(smpp_message, SubmitSm):
            self._failed(smpp_message.log_id, error)


def _number(given: str) -> PhoneNumber:
    if given.startswith("+"):
        return PhoneNumber(given.removeprefix("+"), TON.INTERNATIONAL, NPI.ISDN)
    if given and not given.isdecimal():
        return PhoneNumber(given, TON.ALPHANUMERIC, NPI.UNKNOWN)
    return PhoneNumber(given)
