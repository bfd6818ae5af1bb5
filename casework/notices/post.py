"""The post room: everything that people and other rooms ask of notices, in one place."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from casework.notices import afterwards, lookup, outbox
from casework.notices.channels.receipts import Callback
from casework.notices.directory import BY_NUMBER, Notices
from casework.notices.links import Links
from casework.notices.notice import NewNotice, Notice, NoticeError, State, Urgency, Way
from casework.notices.numbers import e164
from casework.notices.replies import Replies
from casework.notices.segments import Size, size
from casework.notices.texts import Texts
from storage.database import Database

RETRY_FOR: Final = timedelta(hours=24)
TEST_FOR: Final = timedelta(minutes=10)
STUCK_AFTER: Final = timedelta(minutes=5)
"""A notice that should have left so long ago, and has not, does not leave by itself."""


class ChannelUnknown(NoticeError):
    """The site has no channel of this name."""

    code = "channel-unknown"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no channel {name!r:.40}; there are {', '.join(known) or 'none'}")


@dataclass(frozen=True, slots=True)
class Told:
    """A notice with every try to send it."""

    notice: Notice
    attempts: Sequence[Mapping[str, Any]]


class Post:
    """Looks into the outbox and writes into it."""

    def __init__(
        self,
        database: Database,
        site: Notices,
        texts: Texts,
        replies: Replies,
        *,
        links: Links | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        news: Callable[[], None] = lambda: None,
    ) -> None:
        self.site, self.texts, self.replies, self.links, self.now = site, texts, replies, links, now
        self._database, self._news = database, news
        self.callbacks: dict[str, Callback] = {}
        """Where providers come to us, by channel."""

    async def listed(
        self, *, state: State | None = None, ticket: str | None = None, limit: int = 50
    ) -> Sequence[Notice]:
        """Return notices, newest first."""
        return await self._database.read(partial(lookup.listed, state=state, ticket=ticket, limit=limit))

    def words(self, notice: Notice) -> tuple[str, Size]:
        """Return what a notice says, its link left out, and how long that is as an SMS."""
        text = self.texts.letter(notice).text
        return text, size(text)

    async def counts(self) -> Mapping[State, int]:
        """Return how many notices there are in each state."""
        return await self._database.read(lookup.counts)

    async def oldest_stuck(self) -> datetime | None:
        """Return when the oldest notice was written that was given up, or should have left long ago; else None."""
        return await self._database.read(partial(lookup.oldest_stuck, before=self.now() - STUCK_AFTER))

    async def told(self, beginning: str) -> Told:
        """Return one notice with its tries; raises NoticeUnknown."""

        def look(connection: Any) -> Told:
            notice = lookup.found(connection, beginning)
            return Told(notice, lookup.attempts(connection, notice.id))

        return await self._database.read(look)

    async def retry(self, beginning: str) -> Notice:
        """Send a notice after all that was given up; raises NoticeUnknown, NoticeCannot."""
        notice = (await self.told(beginning)).notice
        again = await self._database.write(
            partial(afterwards.retry, notice_id=notice.id, now=self.now(), keep_trying=RETRY_FOR)
        )
        self._news()
        return again

    async def dismiss(self, beginning: str, *, who: str) -> Notice:
        """Let a notice rest that was given up: somebody has seen to it. Raises NoticeUnknown, NoticeCannot."""
        notice = (await self.told(beginning)).notice
        return await self._database.write(partial(afterwards.dismiss, notice_id=notice.id, who=who))

    async def test(self, channel: str, address: str) -> str:
        """Send a test by one channel; return the notice's id. Raises ChannelUnknown, BadNumber."""
        known = {each.name: each.kind for each in self.site.channels}
        if channel not in known:
            raise ChannelUnknown(channel, sorted(known))
        if known[channel] in BY_NUMBER:
            address = e164(address, self.site.region)
        new = NewNotice(
            key=f"test:{uuid.uuid4().hex}",
            occasion="test",
            language=self.site.language,
            to="test",
            ways=(Way(channel, address),),
            urgency=Urgency.EMERGENCY,
            values={"brand": self.site.brand},
            keep_trying=TEST_FOR,
        )
        notice_id = await self._database.write(partial(outbox.write, new=new, now=self.now()))
        self._news()
        return notice_id

    async def receipt(self, channel: str, provider_id: str, there: bool) -> None:
        """A provider says what became of a message; one we do not know changes nothing."""
        verdict = afterwards.delivered if there else afterwards.undelivered
        await self._database.write(partial(verdict, channel=channel, provider_id=provider_id, now=self.now()))
        if not there:
            self._news()

    async def open_letters(self, channel: str) -> Sequence[str]:
        """Return what a channel's provider has taken and said nothing of since, newest first."""
        return await self._database.read(partial(afterwards.without_receipt, channel=channel, now=self.now()))
