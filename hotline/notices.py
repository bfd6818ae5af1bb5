"""Notices bound to the rest of the house: their channels, the duty officer's call by Asterisk, and the sender."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import aiohttp
import structlog
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from casework.notices import work
from casework.notices.channel import Channel, ChannelDown
from casework.notices.channels.call import PREFIX, PhoneCall, notice_of
from casework.notices.channels.gammu import GammuSms
from casework.notices.channels.mail import SmtpMail
from casework.notices.channels.providers import PROFILES
from casework.notices.channels.receipts import callback_of
from casework.notices.channels.smpp import SmppSms
from casework.notices.channels.sms import HttpSms
from casework.notices.channels.webhook import Webhook
from casework.notices.directory import AnyChannel, Call, Gammu, Mail, Notices, Smpp, Sms
from casework.notices.directory import Webhook as WebhookSite
from casework.notices.links import Links
from casework.notices.notice import NoticeError, State
from casework.notices.post import Post
from casework.notices.replies import Replies
from casework.notices.sender import Lane, Sender
from casework.notices.texts import Texts
from hotline.asterisk_files import PRETEND, way_out
from hotline.casework import Casework
from hotline.settings import Settings
from hotline.site import Site
from ivr.rooms import Emergency
from routing.ami import AmiError, Link

COUNT_EVERY: Final = 5.0
SPOKEN: Final = ("zh", "en", "es")

log = structlog.get_logger()


class SecretMissing(ValueError):
    """A channel of the site needs a secret that is not set."""

    code = "channel-secret"

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the channel {channel!r} needs a secret: set HOTLINE_CHANNEL_SECRETS__{channel.upper().replace('-', '_')}"
        )


class MakeLink(Protocol):
    """Makes the link of an account of Asterisk's manager interface."""

    def __call__(
        self, account: str, *, on_event: Callable[[Mapping[str, str]], None], on_up: Callable[[], Awaitable[None]]
    ) -> Link:
        """Return a link that is not yet started."""


class PostRoom:
    """The running post room. `post` is what others ask; `start` begins to send."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        casework: Casework,
        make_link: MakeLink,
        once_out: Callable[[str, Callable[[], None]], None],
    ) -> None:
        """`once_out` holds what is told of a call until no flow has it any more."""
        self._settings, self._site, self._casework, self._once_out = settings, site, casework, once_out
        self._texts = Texts.read()
        self._links = _links(settings, site.notices)
        self.sender: Sender | None = None
        self.post = Post(
            casework.database,
            site.notices,
            self._texts,
            Replies(casework.database, site.notices, work.by(casework.register), news=self._news),
            links=self._links,
            news=self._news,
        )
        self._phones: dict[str, PhoneCall] = {}
        self._counts: Mapping[State, int] = {}
        self._oldest: datetime | None = None
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._dial = make_link("dial", on_event=self._hear, on_up=_nothing)

    async def start(self) -> None:
        """Open the channels and begin to send. Raises SecretMissing."""
        session = aiohttp.ClientSession()
        self._closing.append(session.close)
        lanes = {each.name: self._lane(each, session) for each in self._site.notices.channels}
        link = self._links.make if self._links is not None else lambda _notice, _now: ""
        self.sender = Sender(self._casework.database, lanes, self._texts, caps=self._site.notices.limits, link=link)
        self._casework.bell.hung(asyncio.get_running_loop(), self._news)
        if self._phones:
            await self._dial.start()
            self._closing.append(self._dial.stop)
        self.sender.start()
        self._tasks.append(asyncio.create_task(self._keep_counting(), name="notices counted"))

    async def stop(self) -> None:
        """Let what is under way end, and close the channels."""
        if self.sender is not None:
            await self.sender.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for close in reversed(self._closing):
            await close()

    async def count(self) -> None:
        """Know, for the alarms, how many notices were not sent, and since when one does not leave."""
        self._counts, self._oldest = await self.post.counts(), await self.post.oldest_stuck()

    def stuck(self) -> timedelta | None:
        """See `routing/findings.py`: Outbox. How long ago the oldest notice that does not leave was written."""
        return None if self._oldest is None else max(timedelta(0), self.post.now() - self._oldest)

    def alarms(self) -> dict[str, str]:
        """What a person must look at, by part."""
        wrong = {}
        if self._counts.get(State.NOT_SENT):
            wrong["notices-not-sent"] = (
                f"{self._counts[State.NOT_SENT]} notices were not sent; see: hotline notices list --state not-sent"
            )
        if self.sender is not None:
            wrong |= {f"channel-{name}": why for name, why in self.sender.down.items()}
            if self.sender.storage_problem is not None:
                wrong["notices"] = f"the outbox cannot be used: {self.sender.storage_problem}"
        return wrong

    # ── the duty officer's call (`ivr/rooms.py`: Duty) ──

    async def about(self, call: str) -> Emergency | None:
        """See Duty."""
        notice_id = notice_of(call)
        if notice_id is None:
            return None
        try:
            notice = (await self.post.told(notice_id)).notice
        except NoticeError:
            return None
        language = notice.language.partition("-")[0]
        language = language if language in SPOKEN else "en"
        said = ". ".join(filter(None, (notice.values.get("problem"), notice.values.get("address"))))
        return Emergency(notice.values.get("code", ""), _sayable(said, language), language)

    async def accept(self, call: str) -> bool:
        """See Duty."""
        notice_id = notice_of(call)
        assert notice_id is not None, "it was asked what the call is about"
        outcome = await self.post.replies.by_key(notice_id, call)
        for phone in self._phones.values():
            phone.acknowledged(call)
        return outcome == "taken"

    async def ring(self, call: str, number: str, *, ring_for: timedelta) -> None:
        """See Ringer."""
        carrier = self._site.carriers[0].name if self._site.carriers else PRETEND
        try:
            await self._dial.originate(
                f"PJSIP/{number}@{way_out(carrier)}",
                channel_id=call,
                ring_for=ring_for,
                Context="duty",
                Exten="talk",
                Priority="1",
                CallerID=self._site.numbers[0].dialled[0],
            )
        except AmiError as problem:
            raise ChannelDown(f"Asterisk cannot be asked to call: {problem.code}") from problem

    def _hear(self, event: Mapping[str, str]) -> None:
        """A line of ours is down. What its flow still has to write comes first."""
        call = event.get("Uniqueid", "")
        if event.get("Event") == "Hangup" and call.startswith(PREFIX):
            for phone in self._phones.values():
                self._once_out(call, partial(phone.over, call))

    # ── channels ──

    def _lane(self, site: AnyChannel, session: aiohttp.ClientSession) -> Lane:
        return Lane(self._channel(site, session), at_once=site.at_once, tries=1 if isinstance(site, Call) else 3)

    def _channel(self, site: AnyChannel, session: aiohttp.ClientSession) -> Channel:
        secret = self._settings.channel_secrets.get(site.name.replace("-", "_"))
        match site:
            case Call():
                self._phones[site.name] = PhoneCall(site, self, region=self._site.notices.region)
                return self._phones[site.name]
            case Gammu():
                return self._modem(site, secret)
            case Mail():
                return SmtpMail(site, _needed(site, secret) if site.account else None)
            case Smpp():
                return self._centre(site, _needed(site, secret))
            case WebhookSite():
                return Webhook(_needed(site, secret), session)
            case Sms():
                return self._provider(site, _needed(site, secret), session)

    def _modem(self, site: Gammu, secret: SecretStr | None) -> GammuSms:
        modem = GammuSms(site, secret)
        watching = modem.watch(
            open_letters=partial(self.post.open_letters, site.name),
            on_receipt=partial(self.post.receipt, site.name),
            on_reply=partial(self._reply, site.name),
        )
        self._tasks.append(asyncio.create_task(watching, name=f"modem {site.name}"))
        self._closing.append(modem.close)
        return modem

    def _centre(self, site: Smpp, secret: SecretStr) -> SmppSms:
        centre = SmppSms(
            site, secret, on_receipt=partial(self.post.receipt, site.name), on_reply=partial(self._reply, site.name)
        )
        centre.start()
        self._closing.append(centre.close)
        return centre

    def _provider(self, site: Sms, secret: SecretStr, session: aiohttp.ClientSession) -> HttpSms:
        callback = callback_of(site, self._site.notices.page, secret)
        if callback is not None:
            self.post.callbacks[site.name] = callback
        return HttpSms(PROFILES[site.kind](site, secret, callback.address if callback else None), session)

    async def _reply(self, channel: str, message_id: str, sender: str, text: str) -> None:
        await self.post.replies.by_sms(channel, message_id, sender, text)

    def _news(self) -> None:
        if self.sender is not None:
            self.sender.news()

    async def _keep_counting(self) -> None:
        while True:
            try:
                await self.count()
            except (SQLAlchemyError, OSError) as problem:
                log.warning("notices cannot be counted", problem=type(problem).__name__)
            await asyncio.sleep(COUNT_EVERY)


async def _nothing() -> None:
    """What is to be done when the `dial` link comes up."""


def _links(settings: Settings, site: Notices) -> Links | None:
    if site.page is None:
        return None
    if settings.link_secret is None:
        raise SecretMissing("the answer page (notices.page): HOTLINE_LINK_SECRET")
    return Links(settings.link_secret, page=site.page, good_for=site.link_for)


def _needed(site: AnyChannel, secret: SecretStr | None) -> SecretStr:
    if secret is None:
        raise SecretMissing(site.name)
    return secret


def _sayable(text: str, language: str) -> str:
    """What a voice of this language can read; a text in other letters is left out, the code is said in any case."""
    if language != "zh" and any(letter.isalpha() and ord(letter) > 0x24F for letter in text):
        return ""
    return text[:280]
