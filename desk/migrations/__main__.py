"""Draft the next version from what changed in desk/tables.py: python -m desk.migrations "add a table"."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command

from desk.migrations import config, upgrade
from routing.database import open_database


async def draft(title: str) -> None:
    """Write versions/<id>_<title>.py: the step from the newest version to today's tables, to be read and corrected."""
    with TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'empty.db'}")
        await upgrade(database)
        await database.write(lambda connection: command.revision(config(connection), title, autogenerate=True))
        await database.close()


if __name__ == "__main__":
    asyncio.run(draft(sys.argv[1]))
