"""Who is told what, by which channels: the site file's tables [notices] and [[notices.people]], checked as a whole.

[notices]
region = "CN"
concerned = ["lead-zhang"]              # told of every emergency
duty = ["lead-zhang", "chief-li"]       # rung one after the other when nobody accepts it

[[notices.channels]]
name = "sms"
kind = "gammu"
database = "sqlite:////srv/gammu/smsd.db"

[[notices.people]]
key = "crew-east"
name = "East crew"
ways = [{ channel = "sms", address = "13800138000" }, { channel = "mail", address = "east@example.org" }]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from casework.notices.notice import MOST_WAYS, Way
from casework.notices.numbers import BadNumber, can_have_sms, e164
from casework.notices.pace import Caps, QuietHours

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+$", max_length=500)]


class Part(BaseModel):
    """A part of the site file; a name we do not know is a mistake, not a wish."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Channel(Part):
    name: Key
    at_once: int = Field(
        1, ge=1, le=50, description="how many are sent at one time, and how many a crash can double at most"
    )


class Sms(_Channel):
    """An SMS provider over HTTP. Its secret is HOTLINE_CHANNEL_SECRETS__<NAME>."""

    kind: Literal["aliyun", "tencent", "twilio", "kannel"]
    account: str = Field(min_length=1, description="access key id, secret id, account SID, or Kannel's user")
    sender: str = Field("", description="sign name, or the number it comes from")
    app: str = Field("", description="Tencent's SmsSdkAppId")
    templates: dict[str, str] = Field(default_factory=dict, description="the provider's template by occasion")
    url: HttpUrl | None = Field(None, description="another address than the provider's own")
    receipts: bool = Field(
        False, description="it tells us what became of each message (needs page); Twilio does so whenever it can"
    )

    @model_validator(mode="after")
    def _what_each_needs(self) -> Self:
        if self.kind in ("aliyun", "tencent") and not self.templates:
            raise ValueError(f"{self.kind} sends by templates only: give templates.<occasion> = '<its template>'")
        if self.kind == "tencent" and not self.app:
            raise ValueError("tencent needs app, its SmsSdkAppId")
        if self.kind == "kannel" and self.url is None:
            raise ValueError("kannel needs url, e.g. http://127.0.0.1:13013/cgi-bin/sendsms")
        return self


class Smpp(_Channel):
    """A carrier's SMS centre, by SMPP 3.4. Its password is HOTLINE_CHANNEL_SECRETS__<NAME>."""

    kind: Literal["smpp"]
    host: str
    port: int = Field(2775, ge=1, le=65535)
    account: Annotated[str, StringConstraints(min_length=1, max_length=15)]
    sender: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z+]{0,20}$")] = ""


class Gammu(_Channel):
    """A GSM modem that gammu-smsd drives, through its database. A password in the address is a secret, see below."""

    kind: Literal["gammu"]
    database: str = Field(description="sqlite:////FOLDER/FILE.db, or postgresql://USER@HOST/NAME")
    receipts: bool = Field(False, description="ask the network for a receipt of each message; some charge for it")

    @field_validator("database")
    @classmethod
    def _no_password_here(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must be sqlite:////FOLDER/FILE.db or postgresql://USER@HOST/NAME")
        if ":" in url.partition("://")[2].partition("@")[0] and "@" in url:
            raise ValueError("holds a password; leave it out here and set HOTLINE_CHANNEL_SECRETS__<NAME>")
        return url


class Mail(_Channel):
    """E-mail by SMTP. Its password, if it wants one, is HOTLINE_CHANNEL_SECRETS__<NAME>."""

    kind: Literal["mail"]
    host: str
    port: int = Field(587, ge=1, le=65535)
    sender: Annotated[str, StringConstraints(pattern=r"^[^\s@<>]+@[^\s@<>]+$")]
    account: str = ""
    encryption: Literal["starttls", "tls", "none"] = "starttls"


class Webhook(_Channel):
    """Another system that is told by HTTP, signed with HOTLINE_CHANNEL_SECRETS__<NAME>."""

    kind: Literal["webhook"]


class Call(_Channel):
    """A phone that rings: the notice is read out, and key 1 acknowledges it."""

    kind: Literal["call"]
    ring_for: timedelta = Field(timedelta(seconds=30), ge=timedelta(seconds=5), le=timedelta(minutes=2))


AnyChannel = Annotated[Sms | Smpp | Gammu | Mail | Webhook | Call, Field(discriminator="kind")]
BY_NUMBER = ("aliyun", "tencent", "twilio", "kannel", "smpp", "gammu", "call")


class Address(Part):
    """One way to a person."""

    channel: Key
    address: Annotated[str, StringConstraints(min_length=3, max_length=300, strip_whitespace=True)] = Field(repr=False)


class Person(Part):
    """Somebody who is told: a crew, a lead, another system."""

    key: Key
    name: str = Field(min_length=1, max_length=80)
    language: str = Field("", description="the site's first language, if not said")
    ways: Sequence[Address] = Field(min_length=1, max_length=MOST_WAYS, description="tried in this order")
    handles: Sequence[str] = Field((), description="other names tickets are dispatched to this person by")


class Quiet(Part):
    """When people are left alone with what can wait."""

    begin: time = time(21)
    end: time = time(8)


class CapTable(Part):
    """How many may go out within any hour."""

    number: int = Field(20, ge=1)
    ticket: int = Field(100, ge=1)
    total: int = Field(3000, ge=1)
    for_emergencies: int = Field(3, ge=1, le=100, description="emergencies are held back at so many times as many")


class Notices(Part):
    """All about notices."""

    region: Region = Field("CN", description="whose numbers need no country code")
    language: str = "zh"
    brand: str = Field("", description="the name in front of each notice")
    brands: Mapping[Key, str] = Field(
        default_factory=dict, description="the name in front of what callers of a line are told, where it is another"
    )
    page: HttpUrl | None = Field(
        None, description="where people's phones reach our answer page, e.g. https://sms.example.org"
    )
    link_for: timedelta = Field(timedelta(hours=24), description="how long a link in a notice can be used")
    callers: Sequence[Key] = Field((), description="the channels by which callers are told, tried in this order")
    concerned: Sequence[Key] = Field((), description="told of every emergency")
    duty: Sequence[Key] = Field((), description="rung one after the other when nobody accepts an emergency")
    duty_after: timedelta = timedelta(minutes=5)
    quiet: Quiet = Quiet()
    caps: CapTable = CapTable()
    channels: Sequence[AnyChannel] = ()
    people: Sequence[Person] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if problems := list(self._contradictions()):
            raise ValueError("; ".join(problems))
        return self

    def person(self, name: str) -> Person | None:
        """The person of this key, or whom tickets are dispatched to by this name."""
        return next((each for each in self.people if name == each.key or name in each.handles), None)

    def ways_of(self, person: Person, *, by_phone: bool = False) -> tuple[Way, ...]:
        """How to reach a person: in writing, or (`by_phone`) by ringing."""
        ringing = {channel.name for channel in self.channels if channel.kind == "call"}
        return tuple(
            Way(each.channel, self._checked(each)) for each in person.ways if (each.channel in ringing) == by_phone
        )

    def ways_to_number(self, number: str) -> tuple[Way, ...]:
        """How to reach a caller of this number in writing; raises BadNumber."""
        return tuple(Way(channel, e164(number, self.region)) for channel in self.callers)

    def brand_of(self, line: str) -> str:
        """The name in front of what callers of this line are told."""
        return self.brands.get(line, self.brand)

    def can_tell(self, number: str) -> bool:
        """Whether a caller of this number can be sent a message."""
        return bool(self.callers) and can_have_sms(number, self.region)

    def quiet_hours(self, zone: ZoneInfo) -> QuietHours:
        """The quiet hours, in the site's zone."""
        return QuietHours(self.quiet.begin, self.quiet.end, zone)

    @property
    def limits(self) -> Caps:
        """The caps, as the sender takes them."""
        return Caps(**self.caps.model_dump())

    def _checked(self, way: Address) -> str:
        kind = next((channel.kind for channel in self.channels if channel.name == way.channel), "")
        return e164(way.address, self.region) if kind in BY_NUMBER else way.address

    def _contradictions(self) -> Iterator[str]:
        names = [channel.name for channel in self.channels]
        yield from _twice("channels.name", names)
        yield from _twice("people.key", [person.key for person in self.people])
        yield from _twice("people.handles", [name for person in self.people for name in person.handles])
        if self.page is None:
            for channel in self.channels:
                if isinstance(channel, Sms) and channel.receipts:
                    yield f"channels.{channel.name}: receipts reach us at [notices] page, which is not set"
        for person in self.people:
            for way in person.ways:
                yield from self._bad_way(person, way, names)
        for list_name in ("concerned", "duty"):
            for key in getattr(self, list_name):
                found = next((person for person in self.people if person.key == key), None)
                if found is None:
                    yield f"{list_name}: nobody is called {key!r} in people"
                elif list_name == "duty" and not self.ways_of(found, by_phone=True):
                    yield f"duty: {key!r} has no way by a channel of kind 'call'"
        for name in self.callers:
            if name not in names:
                yield f"callers: no channel is called {name!r}"

    def _bad_way(self, person: Person, way: Address, names: Sequence[str]) -> Iterator[str]:
        if way.channel not in names:
            yield f"people.{person.key}: no channel is called {way.channel!r}; there are {', '.join(names) or 'none'}"
            return
        kind = next(channel.kind for channel in self.channels if channel.name == way.channel)
        if kind in BY_NUMBER:
            try:
                e164(way.address, self.region)
            except BadNumber as problem:
                yield f"people.{person.key}: the number for {way.channel}: {problem}"
        elif kind == "mail" and not _is_mail(way.address):
            yield f"people.{person.key}: the address for {way.channel} must be name@domain"
        elif kind == "webhook" and not way.address.startswith(("https://", "http://")):
            yield f"people.{person.key}: the address for {way.channel} must begin with https:// or http://"


def _is_mail(address: str) -> bool:
    name, at, domain = address.partition("@")
    plain = not any(letter.isspace() or letter in "<>,;:\"'()[]\\@" for letter in name + domain)
    return bool(name and at and domain) and plain


def _twice(what: str, names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what}: {name!r} is used {count} times, but must be unique"
