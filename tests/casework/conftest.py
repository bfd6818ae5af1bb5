"""An office on each of the databases."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.casework.cases import Office
from tests.casework.databases import EVERYWHERE, a_database


@pytest.fixture(params=EVERYWHERE)
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Office]:
    async with a_database(request.param, tmp_path) as database:
        yield Office(database)
