"""What Alembic runs for each command: it works on the connection it was given, within that one's transaction."""

from __future__ import annotations

from alembic import context

from casework import tables  # noqa: F401  every module with tables of casework
from casework.database import METADATA
from casework.migrations import VERSION_TABLE
from casework.notices import tables as notices_tables  # noqa: F401
from casework.visits import tables as visit_tables  # noqa: F401

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
context.run_migrations()
