"""Notices, the tries to send them, receipts and replies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "notices_0001"
down_revision = None
branch_labels = "notices"
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "notices",
        sa.Column("seq", number, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(40), nullable=False, unique=True),
        sa.Column("key", sa.String(120), nullable=False, unique=True),
        sa.Column("occasion", sa.String(60), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("ticket", sa.String(60)),
        sa.Column("ways", sa.Text, nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
        sa.Column("urgency", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("way", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("refused", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("created", moment, nullable=False),
        sa.Column("due", moment, nullable=False),
        sa.Column("deadline", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("lease_owner", sa.String(40)),
        sa.Column("lease_until", moment),
        sa.Column("in_doubt", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("maybe_double", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("provider_id", sa.String(200)),
        sa.Column("sent_at", moment),
        sa.Column("delivered_at", moment),
        sa.Column("acknowledged_at", moment),
        sa.Column("problem", sa.String(300)),
        sa.PrimaryKeyConstraint("seq", name="pk_notices"),
    )
    op.create_index("ix_notices_next", "notices", ["channel", "state", "urgency", "due"])
    op.create_index("ix_notices_state", "notices", ["state", "seq"])
    op.create_index("ix_notices_ticket", "notices", ["ticket", "seq"])
    op.create_index("ix_notices_person", "notices", ["person", "seq"])
    op.create_table(
        "notice_attempts",
        sa.Column("notice", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("address", sa.String(400), nullable=False),
        sa.Column("ticket", sa.String(60)),
        sa.Column("began", moment, nullable=False),
        sa.Column("ended", moment),
        sa.Column("outcome", sa.String(40)),
        sa.Column("provider_id", sa.String(200)),
        sa.Column("problem", sa.String(300)),
        sa.PrimaryKeyConstraint("notice", "number", name="pk_notice_attempts"),
    )
    op.create_index("ix_notice_attempts_began", "notice_attempts", ["began"])
    op.create_index("ix_notice_attempts_address", "notice_attempts", ["address", "began"])
    op.create_index("ix_notice_attempts_ticket", "notice_attempts", ["ticket", "began"])
    op.create_index("ix_notice_attempts_provider", "notice_attempts", ["channel", "provider_id"])
    op.create_table(
        "notice_receipts",
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("provider_id", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("channel", "provider_id", name="pk_notice_receipts"),
    )
    op.create_table(
        "notice_replies",
        sa.Column("seq", number, autoincrement=True, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("via", sa.String(60), nullable=False),
        sa.Column("message_id", sa.String(200), nullable=False),
        sa.Column("sender", sa.String(400), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("ticket", sa.String(60)),
        sa.Column("notice", sa.String(40)),
        sa.PrimaryKeyConstraint("seq", name="pk_notice_replies"),
        sa.UniqueConstraint("via", "message_id", name="uq_notice_replies_once"),
    )
