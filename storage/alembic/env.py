"""What Alembic runs for each command: it works on the connection it was given, within that one's transaction."""

from __future__ import annotations

from alembic import context

asked = context.config.attributes
context.configure(
    connection=asked["connection"],
    target_metadata=asked["tables"],
    version_table=asked["version_table"],
)
context.run_migrations()
