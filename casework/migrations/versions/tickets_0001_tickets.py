"""Tickets, their events, what was asked under which key, and what is taken of each appointment slot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "tickets_0001"
down_revision = None
branch_labels = ("tickets",)
depends_on = None

ON_SQLITE = (
    # Words are found through an index of their own, which keeps itself in step with the table.
    "CREATE VIRTUAL TABLE ticket_words USING fts5(words, content='tickets', content_rowid='id', detail='none')",
    "CREATE TRIGGER ticket_words_added AFTER INSERT ON tickets BEGIN"
    " INSERT INTO ticket_words (rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER ticket_words_changed AFTER UPDATE OF words ON tickets WHEN old.words <> new.words BEGIN"
    " INSERT INTO ticket_words (ticket_words, rowid, words) VALUES ('delete', old.id, old.words);"
    " INSERT INTO ticket_words (rowid, words) VALUES (new.id, new.words); END",
)


def upgrade() -> None:
    """Apply this step."""
    _tickets()
    op.create_table(
        "ticket_events",
        sa.Column("ticket", _id(), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("ticket", "version", name="pk_ticket_events"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_ticket_events_ticket"),
    )
    op.create_table(
        "ticket_requests",
        sa.Column("asker", _key(), nullable=False),
        sa.Column("key", _key(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("ticket", _id(), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("asker", "key", name="pk_ticket_requests"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name="fk_ticket_requests_ticket"),
    )
    op.create_index("ix_ticket_requests_at", "ticket_requests", ["at"])
    op.create_table(
        "ticket_slots",
        sa.Column("begins", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("begins", name="pk_ticket_slots"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE ticket_numbers")
        op.execute(
            "CREATE INDEX ix_tickets_words ON tickets USING gin (array_to_tsvector(string_to_array(words, ' ')))"
        )
    else:
        for statement in ON_SQLITE:
            op.execute(statement)


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("level", sa.String(20)),
        sa.Column("phone", _key()),
        sa.Column("caller", _key()),
        sa.Column("handler", _key()),
        sa.Column("parent", _id()),
        sa.Column("call", _key()),
        sa.Column("source", _key(), nullable=False),
        sa.Column("external_id", _key()),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True)),
        sa.Column("due", sa.DateTime(timezone=True)),
        sa.Column("answer_due", sa.DateTime(timezone=True)),
        sa.Column("done", sa.DateTime(timezone=True)),
        sa.Column("overdue", sa.Boolean, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    for column in ("state", "kind", "phone", "caller", "handler"):
        op.create_index(f"ix_tickets_{column}", "tickets", [column, "id"])
    op.create_index("ix_tickets_opened", "tickets", ["kind", "opened"])
    _index_where("ix_tickets_parent", ["parent", "id"], "parent IS NOT NULL")
    _index_where("ix_tickets_call", ["call"], "call IS NOT NULL")
    _index_where("ix_tickets_external", ["source", "external_id"], "external_id IS NOT NULL", unique=True)
    _index_where("ix_tickets_due", ["due"], "done IS NULL AND NOT overdue AND due IS NOT NULL")
    _index_where("ix_tickets_answer_due", ["answer_due"], "answer_due IS NOT NULL")


def _index_where(name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, "tickets", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key() -> sa.types.TypeEngine[str]:
    return sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
