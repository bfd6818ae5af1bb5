"""Words are found by their beginnings without collecting every word that begins so (SQLite).

Each search asks for a beginning, for its last word may not be whole yet. Among a million tickets that took a second.
"""

from __future__ import annotations

from alembic import op

revision = "tickets_0004"
down_revision = "tickets_0003"
branch_labels = None
depends_on = None

ON_SQLITE = (
    # The triggers that keep it in step with the table stay as they are: they know it by its name.
    "DROP TABLE ticket_words",
    "CREATE VIRTUAL TABLE ticket_words"
    " USING fts5(words, content='tickets', content_rowid='id', detail='none', prefix='1 2')",
    "INSERT INTO ticket_words (ticket_words) VALUES ('rebuild')",
)


def upgrade() -> None:
    """Apply this step."""
    if op.get_bind().dialect.name == "sqlite":
        for statement in ON_SQLITE:
            op.execute(statement)
