"""What people answer to a notice: they accept the ticket, are on site, are done. By SMS, by link, by key.

Each reply is kept once, whatever becomes of it. It counts only from somebody who was told of that ticket; anything
else (a stranger, an unknown word, a ticket that cannot take this step) changes nothing and is kept with its reason.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal

import structlog
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from casework.errors import CaseworkError
from casework.notices import lookup, outbox
from casework.notices.directory import Notices
from casework.notices.notice import NewNotice, Notice, State, Urgency
from casework.notices.numbers import BadNumber, e164
from casework.notices.tables import ATTEMPTS, NOTICES, REPLIES
from storage.database import Database

LONGEST: Final = 500
"""Letters of a reply that are kept."""
MOST_STRANGERS: Final = 10_000
TOLD_WITHIN: Final = timedelta(days=7)
"""Only who was told so lately may answer by SMS."""

log = structlog.get_logger()


class Answer(StrEnum):
    """What somebody can answer, as the tickets' steps are called."""

    ACCEPT = "accept"
    ON_SITE = "on-site"
    DONE = "done"


Outcome = Literal["taken", "unknown-sender", "unknown-word", "which-ticket", "refused", "bad-link"]

WORDS: Final[Mapping[str, Answer]] = {
    **dict.fromkeys(("1", "接单", "接受", "收到", "accept", "accepted", "ok", "acepto", "aceptado"), Answer.ACCEPT),
    **dict.fromkeys(("2", "到场", "到达", "已到", "onsite", "on site", "arrived", "llegué", "llegue"), Answer.ON_SITE),
    **dict.fromkeys(("3", "完成", "修好", "已完成", "done", "finished", "hecho", "listo"), Answer.DONE),
}
_CODE: Final = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９，。！　", "0123456789,.! ")


@dataclass(frozen=True, slots=True)
class Said:
    """A reply as it was understood."""

    answer: Answer | None
    ticket: str | None


def understood(text: str) -> Said:
    """Read a reply: a word for the step, and the ticket's code if it is given, in any order."""
    plain = text.translate(_FULL_WIDTH).lower()
    code = _CODE.search(plain)
    words = _CODE.sub(" ", plain)
    words = re.sub(r"[^\w]+", " ", words).strip()
    return Said(WORDS.get(words), code[0] if code else None)


TakeStep = Callable[[Connection, str, Answer, str], None]
"""Move a ticket on, in this transaction: its code, the answer, and who it was. Raises CaseworkError."""


class Replies:
    """Takes replies in."""

    def __init__(
        self,
        database: Database,
        site: Notices,
        take_step: TakeStep,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        news: Callable[[], None] = lambda: None,
    ) -> None:
        """`news` is called when something was written into the outbox."""
        self._database, self._site, self._take_step = database, site, take_step
        self._now, self._news = now, news

    async def by_sms(self, via: str, message_id: str, sender: str, text: str) -> Outcome:
        """Take in an SMS; the same message again changes nothing. Raises SQLAlchemyError or OSError: it is not kept."""
        try:
            number = e164(sender, self._site.region)
        except BadNumber:
            number = sender[:40]
        said = understood(text)

        def take(transaction: Connection) -> Outcome:
            return self._once(
                transaction, via, message_id, number, text, lambda: self._of_number(transaction, via, number, said)
            )

        return await self._take(take, via)

    async def by_link(self, notice_id: str, answer: Answer, *, press: str) -> Outcome:
        """Take in an answer from a phone's page; `press` is one pressing of the button, however often it is sent."""

        def take(transaction: Connection) -> Outcome:
            notice = lookup.found(transaction, notice_id)
            return self._once(
                transaction, "link", press, notice.to, answer, lambda: self._step(transaction, notice, answer)
            )

        return await self._take(take, "link")

    async def by_key(self, notice_id: str, call: str) -> Outcome:
        """Take in key 1 of somebody whom we rang."""

        def take(transaction: Connection) -> Outcome:
            notice = lookup.found(transaction, notice_id)
            return self._once(
                transaction, "call", call, notice.to, "1", lambda: self._step(transaction, notice, Answer.ACCEPT)
            )

        return await self._take(take, "call")

    async def forged(self, via: str) -> None:
        """Keep that somebody came with what was not made here, or is too old."""
        log.warning("a reply was forged or too old", via=via)
        row = {"at": self._now(), "via": via, "message_id": uuid.uuid4().hex, "sender": "unknown", "text": ""}
        await self._database.write(lambda transaction: _keep(transaction, row | {"outcome": "bad-link"}))

    async def latest(self, limit: int = 50) -> Sequence[Mapping[str, Any]]:
        """Return the newest replies."""
        query = select(REPLIES).order_by(REPLIES.c.seq.desc()).limit(limit)
        return await self._database.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])

    async def _take(self, take: Callable[[Connection], Outcome], via: str) -> Outcome:
        outcome = await self._database.write(take)
        if outcome == "taken":
            log.info("a reply was taken", via=via)
        else:
            log.warning("a reply changed nothing", via=via, outcome=outcome)
        self._news()
        return outcome

    def _once(
        self,
        transaction: Connection,
        via: str,
        message_id: str,
        sender: str,
        text: str,
        do: Callable[[], tuple[Outcome, Notice | None]],
    ) -> Outcome:
        """Do it unless this very message was taken in before, and keep it with what became of it."""
        known = select(REPLIES.c.outcome).where(REPLIES.c.via == via, REPLIES.c.message_id == message_id[:200])
        make = postgresql_insert if transaction.dialect.name == "postgresql" else sqlite_insert
        row = {
            "at": self._now(),
            "via": via,
            "message_id": message_id[:200],
            "sender": sender,
            "text": _storable(text),
            "outcome": "refused",
        }
        if not transaction.execute(make(REPLIES).values(row).on_conflict_do_nothing()).rowcount:
            before: Outcome = transaction.execute(known).scalar_one()
            return before
        outcome, notice = do()
        transaction.execute(
            update(REPLIES)
            .where(REPLIES.c.via == via, REPLIES.c.message_id == message_id[:200])
            .values(
                outcome=outcome,
                ticket=None if notice is None else notice.ticket,
                notice=None if notice is None else notice.id,
            )
        )
        return outcome

    def _of_number(self, transaction: Connection, via: str, number: str, said: Said) -> tuple[Outcome, Notice | None]:
        """Find what this number was told of, and take the step."""
        told = self._told(transaction, number)
        if not told:
            return "unknown-sender", None
        if said.answer is None:
            return "unknown-word", None
        if said.ticket is not None:
            told = [notice for notice in told if notice.ticket == said.ticket]
            if not told:
                return "unknown-sender", None
        elif len({notice.ticket for notice in told}) > 1:
            still = [notice for notice in told if notice.acknowledged_at is None]
            if said.answer is not Answer.ACCEPT or len({notice.ticket for notice in still}) != 1:
                self._answer(transaction, via, told[0], "which_ticket", said.answer)
                return "which-ticket", told[0]
            told = still
        outcome, notice = self._step(transaction, told[0], said.answer)
        self._answer(transaction, via, told[0], "reply_taken" if outcome == "taken" else "reply_refused", said.answer)
        return outcome, notice

    def _told(self, transaction: Connection, number: str) -> list[Notice]:
        """The notices this number was sent that can be answered, newest first, of tickets that are not done."""
        query = (
            select(NOTICES.c.id)
            .join(ATTEMPTS, ATTEMPTS.c.notice == NOTICES.c.id)
            .where(
                ATTEMPTS.c.address == number,
                ATTEMPTS.c.began > self._now() - TOLD_WITHIN,
                NOTICES.c.occasion.in_(CAN_BE_ANSWERED),
                NOTICES.c.ticket.is_not(None),
                NOTICES.c.answered.is_(False),
            )
            .group_by(NOTICES.c.id, NOTICES.c.seq)
            .order_by(NOTICES.c.seq.desc())
            .limit(50)
        )
        return [lookup.found(transaction, notice_id) for notice_id in transaction.execute(query).scalars().all()]

    def _step(self, transaction: Connection, notice: Notice, answer: Answer) -> tuple[Outcome, Notice]:
        """Take the ticket's step, and what follows for its notices; a step it cannot take changes nothing."""
        assert notice.ticket is not None, "only what is about a ticket can be answered"
        try:
            with transaction.begin_nested():
                self._take_step(transaction, notice.ticket, answer, notice.to)
        except CaseworkError as refused:
            log.info("a ticket did not take a reply", ticket=notice.ticket, answer=answer, problem=refused.code)
            return "refused", notice
        acknowledged(transaction, notice.ticket, now=self._now(), over=answer is Answer.DONE)
        return "taken", notice

    def _answer(self, transaction: Connection, via: str, notice: Notice, occasion: str, answer: Answer) -> None:
        """Say by SMS what became of it, once for each reply, by the way it came."""
        ways = tuple(way for way in notice.ways if way.channel == via)
        if ways:
            new = NewNotice(
                key=f"{notice.id}:{occasion}:{self._now().timestamp():.3f}",
                occasion=occasion,
                language=notice.language,
                to=notice.to,
                ways=ways,
                ticket=notice.ticket,
                urgency=Urgency.SOON,
                values={"code": notice.ticket or "", "step": STEP_NAMES[answer].get(notice.language, answer)},
                keep_trying=timedelta(hours=1),
            )
            outbox.write(transaction, new, now=self._now())


CAN_BE_ANSWERED: Final = ("emergency_opened", "dispatched", "duty_call")
STEP_NAMES: Final[Mapping[Answer, Mapping[str, str]]] = {
    Answer.ACCEPT: {"zh": "接单", "en": "accept", "es": "acepto"},
    Answer.ON_SITE: {"zh": "到场", "en": "on site", "es": "llegué"},
    Answer.DONE: {"zh": "完成", "en": "done", "es": "hecho"},
}


def acknowledged(transaction: Connection, ticket: str, *, now: datetime, over: bool = False) -> None:
    """Somebody has a ticket in hand: nobody needs to be rung for it any more. `over`: it needs no answer either."""
    outbox.call_off(transaction, ticket, "duty_call")
    about = (NOTICES.c.ticket == ticket, NOTICES.c.occasion.in_(CAN_BE_ANSWERED))
    transaction.execute(update(NOTICES).where(*about, NOTICES.c.acknowledged_at.is_(None)).values(acknowledged_at=now))
    if over:
        transaction.execute(update(NOTICES).where(*about).values(answered=True))
        transaction.execute(
            update(NOTICES).where(*about, NOTICES.c.state == State.WAITING).values(state=State.CALLED_OFF)
        )


def _keep(transaction: Connection, row: Mapping[str, Any]) -> None:
    """Keep a reply that changes nothing; so many strangers' are kept in all, and then only counted in our log."""
    strangers = select(func.count()).select_from(REPLIES).where(REPLIES.c.outcome == "bad-link")
    if transaction.execute(strangers).scalar_one() < MOST_STRANGERS:
        transaction.execute(insert(REPLIES).values(row))


def _storable(text: str) -> str:
    """What a database takes of a text: no NUL, no half characters."""
    return text[:LONGEST].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
