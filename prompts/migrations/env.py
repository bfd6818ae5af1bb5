"""What Alembic runs for each command: it works on the connection it was given, within that one's transaction."""

from __future__ import annotations

from alembic import context

from prompts.migrations import VERSION_TABLE
from prompts.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
context.run_migrations()
