"""How far the event log was read, and talks that may not have their ticket yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "tickets_0002"
down_revision = "tickets_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    key = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
    op.create_table(
        "ticket_log_read",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_log_read"),
    )
    op.create_table(
        "ticket_calls_over",
        sa.Column("call", key, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call", name="pk_ticket_calls_over"),
    )
    op.create_index("ix_ticket_calls_over_at", "ticket_calls_over", ["at"])
