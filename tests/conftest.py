"""One telephone world for all tests on real Asterisks, started by the first that asks for it; each finds it fresh."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.asterisk.world import World, a_world

ON_THE_LINE = ("tests/asterisk/", "tests/faults/")
"""Tests on real Asterisks."""
LONGEST_FIRST = tuple(
    f"tests/{name}.py"
    for name in (
        "asterisk/test_calendar",
        "faults/test_kill",
        "faults/test_dialler",
        "asterisk/test_board",
        "asterisk/test_booth",
        "asterisk/test_menu",
        "asterisk/test_queue",
        "asterisk/test_command_line",
        "asterisk/test_message",
        "asterisk/test_transfer",
        "asterisk/test_agents",
        "asterisk/test_visits",
    )
)
"""The files that take minutes each."""

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


class TelephoneWorlds(LoadScopeScheduling):  # type: ignore[misc]
    """With several processes (`make test`), one runs all that needs no telephone; each of the others has a world of its
    own and takes the tests on real Asterisks file by file.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(ON_THE_LINE) else "no telephone"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TelephoneWorlds:
    """See pytest-xdist."""
    config.option.loadscopereorder = False
    return TelephoneWorlds(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A call takes seconds of real time, which a crowded machine may not have: such a test gets a second try.

    Each is counted in the report; `-p no:rerunfailures` shows which need it, and on a quiet machine that is a bug.
    """
    items.sort(key=_turn)
    for item in items:
        if item.nodeid.startswith(ON_THE_LINE) and item.config.pluginmanager.hasplugin("rerunfailures"):
            item.add_marker(pytest.mark.flaky(reruns=2))


def _turn(item: pytest.Item) -> int:
    """All that needs no telephone in one go; then the rest file by file, so that none is left alone with a long one."""
    file = item.nodeid.partition("::")[0]
    if not file.startswith(ON_THE_LINE):
        return 0
    return 1 + (LONGEST_FIRST.index(file) if file in LONGEST_FIRST else len(LONGEST_FIRST))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A talk goes on in real time, arithmetic can wait."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.nodeid.startswith(ON_THE_LINE) and os.nice(0) == 0:
        os.nice(10)
