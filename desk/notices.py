"""Notices: what was told to whom, and how far it has come. Numbers and addresses are masked.

The last routes need no sign-in: the page behind a notice's signed link, where whoever has it answers, and where a
provider reports receipts and replies: signed, or at an address only it knows. What is forged changes nothing and is
kept.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Final

import structlog
from aiohttp import web
from pydantic import Field

from casework.notices.channels.providers import twilio_signature
from casework.notices.channels.receipts import TAKEN, BadReceipt
from casework.notices.channels.receipts import read as read_receipts
from casework.notices.directory import BY_NUMBER
from casework.notices.links import BadLink
from casework.notices.notice import Notice, NoticeUnknown, State
from casework.notices.post import Post
from casework.notices.replies import STEP_NAMES, Answer
from casework.phone_numbers import masked
from desk.access import LEAD_SHIFT, LEADERS, MANAGE, OPEN, TALK_TO_CALLERS, Role, only
from desk.errors import Refused
from desk.routes import Given, Shown, answer, get, given, post, who

log = structlog.get_logger()

POST: Final = web.AppKey("post", Post)
READ: Final = only(*LEADERS, *TALK_TO_CALLERS, Role.INSPECTOR)
DELIVERED: Final = {"delivered": True, "undelivered": False, "failed": False}
"""Twilio's final words."""


class Looking(Given):
    """Which notices are wanted."""

    state: State | None = None
    ticket: str | None = Field(None, pattern=r"^[0-9]{9}$")
    limit: int = Field(50, ge=1, le=500)


class Latest(Given):
    """How many are wanted."""

    limit: int = Field(50, ge=1, le=500)


class Testing(Given):
    """Where a test is to go."""

    channel: str = Field(max_length=40)
    address: str = Field(min_length=3, max_length=300)


class OneNotice(Shown):
    """A notice as it stands."""

    id: str
    occasion: str
    ticket: str | None
    to: str
    channel: str
    address: str
    state: State
    urgency: str
    created: datetime
    due: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    attempts: int
    maybe_double: bool
    """It may have reached its reader twice: we were stopped while it was being sent, and nobody could be asked."""
    problem: str | None


class OneTry(Shown):
    """One try to send it."""

    channel: str
    began: datetime
    ended: datetime | None
    outcome: str | None
    problem: str | None


class Story(Shown):
    """A notice, what it says, how long that is, and every try to send it."""

    notice: OneNotice
    text: str
    alphabet: str
    length: int
    segments: int
    tries: Sequence[OneTry]


class SomeNotices(Shown):
    """Notices, newest first, and how many there are in each state."""

    notices: Sequence[OneNotice]
    counts: Mapping[State, int]


class OneCallback(Shown):
    """Where the provider of a channel is to come."""

    channel: str
    kind: str
    address: str


class AllCallbacks(Shown):
    """Every channel whose provider comes to us."""

    callbacks: Sequence[OneCallback]


class OneText(Shown):
    """A text before its values are filled in."""

    occasion: str
    language: str
    text: str
    alphabet: str
    length: int
    segments: int


class AllTexts(Shown):
    """What notices say."""

    texts: Sequence[OneText]


class OneReply(Shown):
    """What somebody answered, and what became of it."""

    at: datetime
    via: str
    sender: str
    text: str
    outcome: str
    ticket: str | None


class SomeReplies(Shown):
    """Replies, newest first."""

    replies: Sequence[OneReply]


class Sent(Shown):
    """The notice that was written."""

    id: str


async def listed(request: web.Request) -> web.StreamResponse:
    """Notices, newest first."""
    wanted, room = given(request, Looking), request.app[POST]
    found = await room.listed(state=wanted.state, ticket=wanted.ticket, limit=wanted.limit)
    return answer(SomeNotices(notices=[_shown(notice, room) for notice in found], counts=await room.counts()))


async def story(request: web.Request) -> web.StreamResponse:
    """One notice, by the beginning of its id."""
    room = request.app[POST]
    told = await room.told(request.match_info["notice"])
    said, size = room.words(told.notice)
    tries = [OneTry(**{name: each[name] for name in OneTry.model_fields}) for each in told.attempts]
    shown = _shown(told.notice, room)
    return answer(
        Story(notice=shown, text=said, alphabet=size.alphabet, length=size.length, segments=size.segments, tries=tries)
    )


async def retry(request: web.Request) -> web.StreamResponse:
    """Send a notice after all that was given up."""
    room = request.app[POST]
    return answer(_shown(await room.retry(request.match_info["notice"]), room))


async def dismiss(request: web.Request) -> web.StreamResponse:
    """Let a notice rest that was given up: somebody has seen to it, and its alarm ends."""
    room = request.app[POST]
    return answer(_shown(await room.dismiss(request.match_info["notice"], who=who(request).name), room))


async def test(request: web.Request) -> web.StreamResponse:
    """Send a test by one channel."""
    wanted = given(request, Testing)
    return answer(Sent(id=await request.app[POST].test(wanted.channel, wanted.address)), status=201)


async def texts(request: web.Request) -> web.StreamResponse:
    """What notices say, with the length of each as an SMS."""
    return answer(
        AllTexts(
            texts=[
                OneText(
                    occasion=each.occasion,
                    language=each.language,
                    text=each.text,
                    alphabet=each.size.alphabet,
                    length=each.size.length,
                    segments=each.size.segments,
                )
                for each in request.app[POST].texts.measured()
            ]
        )
    )


async def replies(request: web.Request) -> web.StreamResponse:
    """What people answered, newest first, what changed nothing too."""
    found = await request.app[POST].replies.latest(given(request, Latest).limit)
    return answer(
        SomeReplies(
            replies=[
                OneReply(
                    at=each["at"],
                    via=each["via"],
                    sender=masked(each["sender"]) if each["sender"].startswith("+") else each["sender"],
                    text=each["text"],
                    outcome=each["outcome"],
                    ticket=each["ticket"],
                )
                for each in found
            ]
        )
    )


async def callbacks(request: web.Request) -> web.StreamResponse:
    """Where providers are to come with receipts and replies. Whoever has one of the long addresses is believed."""
    known = request.app[POST].callbacks
    return answer(
        AllCallbacks(
            callbacks=[OneCallback(channel=name, kind=known[name].kind, address=known[name].address) for name in known]
        )
    )


# ── the page behind a link ──


async def page(request: web.Request) -> web.StreamResponse:
    """What the notice said, and a button for each answer."""
    room = request.app[POST]
    notice = await _linked(request)
    said, _ = room.words(notice)
    names = {step: name.get(notice.language, name["en"]) for step, name in STEP_NAMES.items()}
    press = secrets.token_hex(8)
    buttons = "".join(
        f'<button name="answer" value="{escape(step)}">{escape(name)}</button>' for step, name in names.items()
    )
    return _html(
        notice.language,
        f'<p>{escape(said)}</p><form method="post"><input type="hidden" name="press" value="{press}">{buttons}</form>',
    )


async def press(request: web.Request) -> web.StreamResponse:
    """A button of the page was pressed."""
    notice = await _linked(request)
    form = await request.post()
    chosen, pressed = form.get("answer"), form.get("press")
    if chosen not in list(Answer) or not isinstance(pressed, str) or not 1 <= len(pressed) <= 40:
        raise Refused(422, "bad-request", f"answer must be one of {', '.join(Answer)}")
    outcome = await request.app[POST].replies.by_link(notice.id, Answer(str(chosen)), press=pressed)
    said = SAID[outcome == "taken"].get(notice.language, SAID[outcome == "taken"]["en"])
    return _html(notice.language, f"<p>{escape(said)}</p>")


SAID: Final[Mapping[bool, Mapping[str, str]]] = {
    True: {"zh": "已登记，谢谢。", "en": "Noted, thank you.", "es": "Anotado, gracias."},
    False: {
        "zh": "未能登记，请致电值班长。",
        "en": "This could not be noted. Please call the shift lead.",
        "es": "No se ha podido anotar. Llame al jefe de turno.",
    },
}


async def style(_: web.Request) -> web.StreamResponse:
    """How the page looks: large letters, large buttons."""
    return web.Response(text=STYLE, content_type="text/css")


STYLE: Final = """\
body { font: 1.2rem/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 32rem; padding: 0 1rem; }
button { display: block; width: 100%; margin: 1rem 0; padding: 1rem; font: inherit; }
"""


async def _linked(request: web.Request) -> Notice:
    """The notice a link is for; what was not made here is kept, and refused."""
    room = request.app[POST]
    try:
        if room.links is None:
            raise BadLink("there are no links here")
        return (await room.told(room.links.read(request.match_info["token"], room.now()))).notice
    except (BadLink, NoticeUnknown) as bad:
        await room.replies.forged("link")
        raise Refused(404, BadLink.code, str(bad)) from bad


def _html(language: str, body: str) -> web.Response:
    text = (
        f'<!doctype html><html lang="{escape(language)}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<link rel="stylesheet" href="/n.css"><title>Hotline</title>{body}</html>'
    )
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})


# ── a provider comes to us ──


async def callback(request: web.Request) -> web.StreamResponse:
    """A receipt or a reply from a provider that signs what it sends (Twilio)."""
    room, channel = request.app[POST], request.match_info["channel"]
    form = {name: str(value) for name, value in (await request.post()).items()}
    meant = room.callbacks.get(channel)
    if meant is None or not hmac.compare_digest(
        request.headers.get("X-Twilio-Signature", "").encode("utf-8", "replace"),
        twilio_signature(meant.address, form, meant.secret).encode(),
    ):
        await room.replies.forged("callback")
        raise Refused(403, "signature", "this was not signed by the provider of this channel")
    if (verdict := DELIVERED.get(form.get("MessageStatus", ""))) is not None:
        await room.receipt(channel, form.get("MessageSid", ""), verdict)
    elif "Body" in form and "MessageStatus" not in form:
        await room.replies.by_sms(channel, form.get("MessageSid", ""), form.get("From", ""), form["Body"])
    return web.Response(text="<Response/>", content_type="text/xml")


async def receipts(request: web.Request) -> web.StreamResponse:
    """Receipts from a provider that signs nothing, at an address only it knows (Aliyun, Tencent, Kannel)."""
    room, channel = request.app[POST], request.match_info["channel"]
    meant = room.callbacks.get(channel)
    if meant is None or meant.kind == "twilio" or not meant.is_meant(request.match_info["token"]):
        await room.replies.forged("callback")
        raise Refused(403, "address", "no provider of this channel was given this address")
    try:
        told = read_receipts(meant.kind, request.query, await request.read())
    except BadReceipt as bad:
        log.warning("a receipt cannot be read", channel=channel, problem=str(bad))
        raise Refused(422, bad.code, str(bad)) from bad
    for each in told:
        await room.receipt(channel, each.provider_id, each.there)
    return web.json_response(TAKEN[meant.kind])


def _shown(notice: Notice, room: Post) -> OneNotice:
    kind = next((each.kind for each in room.site.channels if each.name == notice.current.channel), "")
    address = notice.current.address
    return OneNotice(
        **{name: getattr(notice, name) for name in OneNotice.model_fields.keys() - {"channel", "address", "urgency"}},
        channel=notice.current.channel,
        address=masked(address) if kind in BY_NUMBER else _hidden(address),
        urgency=notice.urgency.name.lower().replace("_", "-"),
    )


def _hidden(address: str) -> str:
    """A mail address by its domain, a web address by its host."""
    if "://" in address:
        return "/".join(address.split("/")[:3])
    return "****@" + address.rpartition("@")[2] if "@" in address else "****"


ROUTES: Final = (
    get("/api/notices", listed, READ, query=Looking, answer=SomeNotices),
    get("/api/notices/texts", texts, READ, answer=AllTexts),
    get("/api/notices/replies", replies, READ, query=Latest, answer=SomeReplies),
    post("/api/notices/test", test, LEAD_SHIFT, body=Testing, answer=Sent, status=201, refusals=(404,)),
    get("/api/notices/callbacks", callbacks, MANAGE, answer=AllCallbacks),
    get("/api/notices/{notice}", story, READ, answer=Story, refusals=(404,)),
    post("/api/notices/{notice}/retry", retry, LEAD_SHIFT, answer=OneNotice, refusals=(404, 409)),
    post("/api/notices/{notice}/dismiss", dismiss, LEAD_SHIFT, answer=OneNotice, refusals=(404, 409)),
    get("/n.css", style, OPEN, answer="text/css"),
    get("/n/{token}", page, OPEN, answer="text/html", refusals=(404,)),
    post("/n/{token}", press, OPEN, answer="text/html", refusals=(404, 422)),
    post("/sms/{channel}", callback, OPEN, answer="text/xml", refusals=(403,)),
    get("/sms/{channel}/{token}", receipts, OPEN, answer="application/json", refusals=(403, 422)),
    post("/sms/{channel}/{token}", receipts, OPEN, answer="application/json", refusals=(403, 422)),
)
