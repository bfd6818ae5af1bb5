"""The event log, its list of calls and its newest number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    key = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
    op.create_table(
        "events",
        sa.Column("seq", seq, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("call", key),
        sa.Column("agent", key),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
    )
    op.create_index("ix_events_call", "events", ["call", "seq"])
    op.create_index(
        "ix_events_no_call",
        "events",
        ["kind", "agent", "seq"],
        sqlite_where=sa.text("call IS NULL"),
        postgresql_where=sa.text("call IS NULL"),
    )
    op.create_table(
        "calls",
        sa.Column("call", key, nullable=False),
        sa.Column("first_seq", seq, nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("caller", key),
        sa.PrimaryKeyConstraint("call", name="pk_calls"),
    )
    op.create_index("ix_calls_first_seq", "calls", ["first_seq"], unique=True)
    op.create_index("ix_calls_began", "calls", ["began"])
    op.create_index("ix_calls_caller", "calls", ["caller", "first_seq"])
    head = op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("last_seq", seq, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
        sa.CheckConstraint("id = 1", name="ck_log_head_one_row"),
    )
    op.bulk_insert(head, [{"id": 1, "last_seq": 0}])
