"""Imports: how far each has come, and the rows that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "tickets_0003"
down_revision = "tickets_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    key = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
    op.create_table(
        "ticket_imports",
        sa.Column("key", key, nullable=False),
        sa.Column("source", key, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("line", "opened", "known", "refused")),
        sa.PrimaryKeyConstraint("key", name="pk_ticket_imports"),
    )
    op.create_table(
        "ticket_import_errors",
        sa.Column("key", key, nullable=False),
        sa.Column("line", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("key", "line", name="pk_ticket_import_errors"),
        sa.ForeignKeyConstraint(["key"], ["ticket_imports.key"], name="fk_ticket_import_errors_import"),
    )
