"""The tables of the outbox, the same on SQLite and PostgreSQL.

`notices` has a row for each notice. `notice_attempts` has one for each try to send it, begun before anything leaves:
a try without an end is one we did not live to see. `notice_receipts` keeps what providers report, also about what we
do not know yet (a receipt can overtake the answer to its own message). `notice_replies` keeps each reply, once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from casework.schema import ID, METADATA

PROBLEM_LENGTH: Final = 300
"""Characters of why a notice could not be sent; what is longer is cut."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """To the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NOTICES: Final = Table(
    "notices",
    METADATA,
    Column("seq", ID, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("key", String(120), nullable=False, unique=True),
    Column("occasion", String(60), nullable=False),
    Column("language", String(20), nullable=False),
    Column("person", String(120), nullable=False),
    Column("ticket", String(60)),
    Column("ways", Text, nullable=False),
    Column("texts", Text, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("channel", String(60), nullable=False),
    Column("way", SmallInteger, nullable=False, server_default=text("0")),
    # Bit n is set when way n has refused it for good.
    Column("refused", Integer, nullable=False, server_default=text("0")),
    Column("created", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("deadline", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("lease_owner", String(40)),
    Column("lease_until", Moment),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    Column("maybe_double", Boolean, nullable=False, server_default=false()),
    Column("provider_id", String(200)),
    Column("sent_at", Moment),
    Column("delivered_at", Moment),
    Column("acknowledged_at", Moment),
    # Its ticket is done: it takes no more answers.
    Column("answered", Boolean, nullable=False, server_default=false()),
    Column("problem", String(PROBLEM_LENGTH)),
    Index("ix_notices_next", "channel", "state", "urgency", "due"),
    Index("ix_notices_state", "state", "seq"),
    Index("ix_notices_ticket", "ticket", "seq"),
    Index("ix_notices_person", "person", "seq"),
)

ATTEMPTS: Final = Table(
    "notice_attempts",
    METADATA,
    Column("notice", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(60), nullable=False),
    Column("address", String(400), nullable=False),
    Column("ticket", String(60)),
    Column("began", Moment, nullable=False),
    Column("ended", Moment),
    Column("outcome", String(40)),
    Column("provider_id", String(200)),
    Column("problem", String(PROBLEM_LENGTH)),
    Index("ix_notice_attempts_began", "began"),
    Index("ix_notice_attempts_address", "address", "began"),
    Index("ix_notice_attempts_ticket", "ticket", "began"),
    Index("ix_notice_attempts_provider", "channel", "provider_id"),
)

RECEIPTS: Final = Table(
    "notice_receipts",
    METADATA,
    Column("channel", String(60), primary_key=True),
    Column("provider_id", String(200), primary_key=True),
    Column("verdict", String(20), nullable=False),
    Column("at", Moment, nullable=False),
)

REPLIES: Final = Table(
    "notice_replies",
    METADATA,
    Column("seq", ID, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("via", String(60), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("sender", String(400), nullable=False),
    Column("text", Text, nullable=False),
    Column("outcome", String(40), nullable=False),
    Column("ticket", String(60)),
    Column("notice", String(40)),
    UniqueConstraint("via", "message_id", name="uq_notice_replies_once"),
)
