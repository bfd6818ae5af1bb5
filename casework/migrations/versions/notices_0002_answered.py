"""A notice whose ticket is done takes no more answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "notices_0002"
down_revision = "notices_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("notices", sa.Column("answered", sa.Boolean, nullable=False, server_default=sa.false()))
