"""Each channel against a real peer: a modem's daemon, a gateway, an SMS centre, a mail server, a web server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from casework.notices.channel import ChannelDown, Letter, Refused, SendProblem, TryLater, Unsure
from casework.notices.channels.gammu import GammuSms
from casework.notices.channels.mail import SmtpMail
from casework.notices.channels.providers import Kannel
from casework.notices.channels.smpp import SmppSms
from casework.notices.channels.sms import HttpSms
from casework.notices.channels.webhook import Webhook, signature
from casework.notices.directory import Gammu, Mail, Smpp, Sms
from casework.notices.notice import Urgency
from tests.casework.notices.pretend import NOON
from tests.casework.notices.sms_centre import Centre, a_centre
from tests.casework.notices.sms_peers import a_gateway, a_modem, until

LETTER = Letter(
    id="0123456789abcdef0123456789abcdef",
    address="+8613800138000",
    text="T1: burst pipe",
    title="Ticket T1",
    occasion="dispatched",
    language="en",
    urgency=Urgency.SOON,
    values={"code": "T1"},
    ticket="271828188",
)
LONG = "抢修单，" * 40


@pytest_asyncio.fixture
async def web_session() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


# ── a modem ──


async def test_a_modem_sends_long_and_short_texts_once_and_says_what_came_in(tmp_path: Path) -> None:
    async with a_modem(tmp_path) as modem:
        channel = GammuSms(Gammu(name="sms", kind="gammu", database=modem.database))
        long = replace(LETTER, id=LETTER.id[::-1], text=LONG)
        assert await channel.ask(LETTER) is None
        for _ in range(2):
            accepted = await channel.send(LETTER)
        await channel.send(long)
        assert accepted.provider_id == LETTER.id
        sent = [(LETTER.address, LETTER.text), (LETTER.address, LONG)]
        await until(lambda: True if modem.sent() == sent else None, "both are sent, whole")
        assert await channel.ask(LETTER) is not None

        receipts: list[tuple[str, bool]] = []
        replies: asyncio.Queue[tuple[str, str, str]] = asyncio.Queue()

        async def open_letters() -> Sequence[str]:
            return [LETTER.id, long.id]

        async def on_receipt(letter: str, there: bool) -> None:
            receipts.append((letter, there))

        async def on_reply(*reply: str) -> None:
            await replies.put((reply[0], reply[1], reply[2]))

        watching = asyncio.create_task(
            channel.watch(open_letters=open_letters, on_receipt=on_receipt, on_reply=on_reply)
        )
        modem.receive("+8613900139000", "完成 271828188")
        async with asyncio.timeout(30):
            _, sender, said = await replies.get()
        assert (sender, said) == ("+8613900139000", "完成 271828188")
        assert {(LETTER.id, True), (long.id, True)} <= set(receipts)
        watching.cancel()
        await asyncio.wait({watching})
        assert replies.empty(), "a reply is handed over once"
        await channel.close()


async def test_a_modem_whose_database_is_gone_is_down(tmp_path: Path) -> None:
    channel = GammuSms(Gammu(name="sms", kind="gammu", database=f"sqlite:///{tmp_path}/nothing.db"))
    with pytest.raises(ChannelDown):
        await channel.send(LETTER)
    await channel.close()


# ── a gateway over HTTP ──


async def test_kannel_hands_texts_of_both_alphabets_to_its_centre(web_session: aiohttp.ClientSession) -> None:
    async with a_gateway() as gateway:
        await until(gateway.up, "Kannel and its centre are up")
        url = f"http://127.0.0.1:{gateway.port}/cgi-bin/sendsms"
        site = Sms(name="sms", kind="kannel", account="hotline", sender="95533", url=url)
        channel = HttpSms(Kannel(site, SecretStr(gateway.password)), web_session)
        await channel.send(LETTER)
        await channel.send(replace(LETTER, text="抢修"))
        taken = await until(lambda: found if len(found := gateway.taken()) >= 3 else None, "both arrived")
        assert "<95533 +8613800138000 text T1: burst pipe>" in taken[-2]
        assert "ucs-2 b%A2O%EE" in taken[-1]
        stranger = HttpSms(Kannel(site, SecretStr("wrong")), web_session)
        with pytest.raises(ChannelDown, match="account"):
            await stranger.send(LETTER)


async def test_a_provider_that_nobody_answers_for_is_down_and_one_that_breaks_off_leaves_us_unsure(
    web_session: aiohttp.ClientSession,
) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    site = Sms(name="sms", kind="kannel", account="hotline", url=f"http://127.0.0.1:{port}/")
    channel = HttpSms(Kannel(site, SecretStr("secret")), web_session)
    with pytest.raises(Unsure):
        await channel.send(LETTER)
    server.close()
    await server.wait_closed()
    with pytest.raises(ChannelDown):
        await channel.send(LETTER)


# ── an SMS centre ──


class Line:
    """Our end of a session with the centre, and what it told us."""

    def __init__(self, centre: Centre, *, password: str = "pass") -> None:
        self.receipts: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        self.replies: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        site = Smpp(name="sms", kind="smpp", host="127.0.0.1", port=centre.port, account="hotline", sender="95533")
        self.channel = SmppSms(
            site, SecretStr(password), on_receipt=lambda *said: self.receipts.put(said), on_reply=self._reply
        )
        self.channel.start()

    async def _reply(self, _: str, sender: str, said: str) -> None:
        await self.replies.put((sender, said))

    async def up(self) -> None:
        async with asyncio.timeout(30):
            while not self.channel.up:
                await asyncio.sleep(0.01)


async def test_an_sms_centre_takes_texts_of_any_length_and_both_alphabets() -> None:
    async with a_centre() as centre:
        line = Line(centre)
        await line.up()
        for text in (LETTER.text, LONG, "x" * 400):
            await line.channel.send(replace(LETTER, text=text))
        assert [(each.number, each.text) for each in centre.taken] == [
            ("+8613800138000", LETTER.text),
            ("+8613800138000", LONG),
            ("+8613800138000", "x" * 400),
        ]
        assert all(each.receipt_wanted for each in centre.taken)
        await line.channel.close()


async def test_an_sms_centre_says_what_became_of_a_message_and_passes_replies_on() -> None:
    async with a_centre() as centre:
        line = Line(centre)
        await line.up()
        accepted = await line.channel.send(LETTER)
        assert accepted.provider_id == "m1"
        centre.receipt("m1", "ENROUTE")
        centre.receipt("m1", "DELIVRD")
        # Dates with seconds, which the library cannot read, and then a message: the session goes on.
        centre.receipt("m2", "UNDELIV", dates="261121210000")
        centre.message("8613900139000", "完成 271828188")
        async with asyncio.timeout(30):
            assert [await line.receipts.get(), await line.receipts.get()] == [("m1", True), ("m2", False)]
            assert await line.replies.get() == ("8613900139000", "完成 271828188")
            while len(centre.confirmed) < 4:
                await asyncio.sleep(0.01)
        assert set(centre.confirmed) == {0}
        await line.channel.close()


@pytest.mark.parametrize(("status", "problem"), [(0x58, TryLater), (0x14, TryLater), (0x0B, Refused), (-1, Unsure)])
async def test_an_sms_centres_refusals_are_understood(status: int, problem: type[SendProblem]) -> None:
    async with a_centre() as centre:
        line = Line(centre)
        await line.up()
        centre.answers = [status]
        line.channel.answer_within = 1.0
        with pytest.raises(problem):
            await line.channel.send(LETTER)
        assert not centre.taken
        await line.channel.close()


async def test_a_session_that_is_cut_comes_back_and_meanwhile_the_centre_is_down() -> None:
    async with a_centre() as centre:
        line = Line(centre)
        await line.up()
        centre.hang_up()
        async with asyncio.timeout(30):
            while line.channel.up:
                await asyncio.sleep(0.01)
        with pytest.raises(ChannelDown):
            await line.channel.send(LETTER)
        await line.up()
        await line.channel.send(LETTER)
        assert len(centre.taken) == 1
        await line.channel.close()


async def test_a_wrong_password_is_a_channel_that_is_down() -> None:
    async with a_centre() as centre:
        line = Line(centre, password="wrong")
        with pytest.raises(ChannelDown):
            await line.channel.send(LETTER)
        await line.channel.close()


# ── a mail server ──


class Mailbox:
    """What the mail server took, and what it says to whom."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("full"):
            return "452 mailbox full"
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=default))
        return "250 OK"


def mail_channel(port: int) -> SmtpMail:
    site = Mail(name="mail", kind="mail", host="127.0.0.1", port=port, sender="hotline@example.org", encryption="none")
    return SmtpMail(site, None, now=lambda: NOON)


@pytest_asyncio.fixture
async def mailbox() -> AsyncGenerator[Mailbox]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()
    await server.wait_closed()


async def test_mail_says_title_and_text_in_any_language_under_the_notices_id(mailbox: Mailbox) -> None:
    channel = mail_channel(mailbox.port)
    await channel.send(replace(LETTER, address="crew@example.org", text="抢修单1：爆管", title="抢修 1"))
    [mail] = mailbox.mails
    assert (mail["Subject"], mail["To"], mail["Message-ID"]) == (
        "抢修 1",
        "crew@example.org",
        f"<{LETTER.id}@example.org>",
    )
    assert mail.get_content().strip() == "抢修单1：爆管"


@pytest.mark.parametrize(
    ("address", "problem"),
    [("full@example.org", TryLater), ("nobody@example.org", Refused), ("x@y\r\nBcc: z@example.org", Refused)],
)
async def test_what_a_mail_server_refuses_is_understood(
    mailbox: Mailbox, address: str, problem: type[SendProblem]
) -> None:
    with pytest.raises(problem) as refused:
        await mail_channel(mailbox.port).send(replace(LETTER, address=address))
    assert "@" not in str(refused.value)
    assert not mailbox.mails


async def test_a_mail_server_that_is_not_there_is_down() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(ChannelDown):
        await mail_channel(port).send(replace(LETTER, address="crew@example.org"))


# ── another system ──


async def test_another_system_is_told_with_our_key_and_a_signature_it_can_check(
    web_session: aiohttp.ClientSession,
) -> None:
    secret, told, status = SecretStr("shared"), list[dict[str, Any]](), [200]

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        seconds, given = request.headers["X-Hotline-Signature"].removeprefix("t=").split(",v1=")
        assert given == signature(body, int(seconds), secret)
        told.append({"key": request.headers["X-Hotline-Key"], **json.loads(body)})
        return web.Response(status=status[0])

    app = web.Application()
    app.add_routes([web.post("/", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [address] = runner.addresses
    letter = replace(LETTER, address=f"http://127.0.0.1:{address[1]}/")
    channel = Webhook(secret, web_session, now=lambda: NOON)
    await channel.send(letter)
    assert (told[0]["key"], told[0]["ticket"], told[0]["values"]) == (LETTER.id, "271828188", {"code": "T1"})
    for given, problem in ((400, Refused), (401, ChannelDown), (503, TryLater), (500, Unsure), (302, Refused)):
        status[0] = given
        with pytest.raises(problem):
            await channel.send(letter)
    await runner.cleanup()
