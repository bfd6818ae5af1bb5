"""One telephone world for all tests on real Asterisks, started by the first that asks for it; each finds it fresh."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.asterisk.world import World, a_world


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
