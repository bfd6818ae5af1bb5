"""Visits: whom we call, each call, what was answered and what follows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "visits_0001"
down_revision = None
branch_labels = ("visits",)
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    _visits()
    _calls()
    op.create_table(
        "do_not_call",
        sa.Column("number", _key(), nullable=False),
        sa.Column("since", _at(), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_do_not_call"),
    )
    op.create_table(
        "visit_pauses",
        sa.Column("script", sa.String(40), nullable=False),
        sa.Column("since", _at(), nullable=False),
        sa.Column("who", _key(), nullable=False),
        sa.PrimaryKeyConstraint("script", name="pk_visit_pauses"),
    )


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("id", _id(), nullable=False),
        sa.Column("key", _key()),
        sa.Column("script", sa.String(40), nullable=False),
        sa.Column("number", _key(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("due", _at(), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("lease", _at()),
        sa.Column("ticket", _key()),
        sa.Column("crew", _key()),
        sa.Column("area", _key()),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("created", _at(), nullable=False),
        sa.Column("changed", _at(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visits"),
    )
    op.create_index("ix_visits_key", "visits", ["key"], unique=True)
    op.create_index("ix_visits_state", "visits", ["state", "due"])
    op.create_index("ix_visits_ticket", "visits", ["ticket"])
    live = sa.text("state IN ('calling', 'talking')")
    op.create_index("ix_visits_live", "visits", ["number"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_table(
        "visit_steps",
        sa.Column("id", _id(), nullable=False),
        sa.Column("visit", _id(), nullable=False),
        sa.Column("at", _at(), nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("who", _key(), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visit_steps"),
        sa.ForeignKeyConstraint(["visit"], ["visits.id"], name="fk_visit_steps_visit"),
    )
    op.create_index("ix_visit_steps_visit", "visit_steps", ["visit", "id"])


def _calls() -> None:
    op.create_table(
        "visit_calls",
        sa.Column("call", _key(), nullable=False),
        sa.Column("visit", _id()),
        sa.Column("script", sa.String(40), nullable=False),
        sa.Column("began", _at(), nullable=False),
        sa.Column("answered", _at()),
        sa.Column("ended", _at()),
        sa.Column("fate", sa.String(20)),
        sa.Column("cause", sa.Integer),
        sa.Column("tech_cause", sa.String(80)),
        sa.Column("hint", sa.String(20)),
        sa.Column("outcome", sa.String(20)),
        sa.PrimaryKeyConstraint("call", name="pk_visit_calls"),
        sa.ForeignKeyConstraint(["visit"], ["visits.id"], name="fk_visit_calls_visit"),
    )
    op.create_index("ix_visit_calls_visit", "visit_calls", ["visit", "began"])
    op.create_index("ix_visit_calls_began", "visit_calls", ["began"])
    op.create_table(
        "visit_answers",
        sa.Column("call", _key(), nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("value", _key(), nullable=False),
        sa.Column("length_ms", sa.Integer),
        sa.Column("at", _at(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["visit_calls.call"], name="fk_visit_answers_call"),
        sa.UniqueConstraint("call", "step", name="uq_visit_answers"),
    )
    op.create_table(
        "visit_consequences",
        sa.Column("id", _id(), nullable=False),
        sa.Column("call", _key(), nullable=False),
        sa.Column("do", sa.String(20), nullable=False),
        sa.Column("made", _at(), nullable=False),
        sa.Column("done", _at()),
        sa.Column("what", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visit_consequences"),
        sa.ForeignKeyConstraint(["call"], ["visit_calls.call"], name="fk_visit_consequences_call"),
        sa.UniqueConstraint("call", "do", name="uq_visit_consequences"),
    )
    op.create_index("ix_visit_consequences_done", "visit_consequences", ["done"])


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key() -> sa.types.TypeEngine[str]:
    return sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def _at() -> sa.DateTime:
    return sa.DateTime(timezone=True)
