"""Draft a step from what changed in the tables: python -m casework.migrations tickets_0002 "add a column"."""

from __future__ import annotations

import asyncio
import sys

from alembic import command

from casework.database import MemoryDatabase
from casework.migrations import config, upgrade


async def draft(name: str, title: str) -> None:
    """Write versions/<name>_<title>.py after the line's newest step, to be read and corrected."""
    line = name.partition("_")[0]
    database = MemoryDatabase()
    await upgrade(database)
    await database.write(
        lambda connection: command.revision(
            config(connection), title, rev_id=name, head=f"{line}@head", autogenerate=True
        )
    )
    await database.close()


if __name__ == "__main__":
    asyncio.run(draft(sys.argv[1], sys.argv[2]))
