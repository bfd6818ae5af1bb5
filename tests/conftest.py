"""One telephone world for all tests on real Asterisks, started by the first that asks for it; each finds it fresh."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings

from tests.asterisk.world import World, a_world

# A loaded machine is slow now and then; how long an example takes is no finding.
settings.register_profile("hotline", deadline=None)
settings.load_profile("hotline")


@pytest_asyncio.fixture(scope="session")
async def one_world() -> AsyncIterator[World]:
    """The world, started once."""
    async with a_world() as world:
        yield world


@pytest_asyncio.fixture
async def world(one_world: World) -> World:
    """The world with nobody on a line and nobody signed in."""
    await one_world.fresh()
    return one_world


@pytest.fixture(autouse=True)
def logging_of_its_own() -> Iterator[None]:
    """A test that runs a command sets up logging to its own captured output; the next test must not write there."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(tryfirst=True)  # before the marks are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes (`make test`), one has the telephone world and the others run the rest meanwhile."""
    for item in items:
        if _is_on_the_line(item):
            item.add_marker(pytest.mark.xdist_group("telephone world"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A talk goes on in real time, arithmetic can wait."""
    if "PYTEST_XDIST_WORKER" in os.environ and not _is_on_the_line(item) and os.nice(0) == 0:
        os.nice(10)


def _is_on_the_line(item: pytest.Item) -> bool:
    return item.path.parent.name in ("asterisk", "faults") or "world" in getattr(item, "fixturenames", ())
