"""`hotline ticket ...`, against a running interface."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from hotline.cli import app
from tests.desk.desks import TOKEN, Desk, a_desk


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as opened:
        yield opened


async def hotline(desk: Desk, *words: str) -> str:
    """What a command prints."""
    told = {"HOTLINE_URL": desk.origin, "HOTLINE_API__TOKEN": TOKEN, "COLUMNS": "250", "LANG": "C"}
    done = await asyncio.to_thread(CliRunner(env=told).invoke, app, ["ticket", *words])
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


async def opened(desk: Desk, *words: str) -> str:
    """Open a repair and return its code."""
    facts = ("-p", "厨房水管漏水", "-a", "幸福路12号", "-n", "王芳", "-t", "139 1234 5678")
    return "".join((await hotline(desk, "open", "repair", *facts, *words)).split()[:3])


async def test_a_ticket_goes_its_way_from_the_command_line(desk: Desk) -> None:
    code = await opened(desk)
    assert "dispatched  version 2" in await hotline(desk, "assign", code, "crew-3", "--as", "1024")
    await hotline(desk, "step", f"{code[:3]} {code[3:6]} {code[6:]}", "finish", "-o", "new seal")
    shown = await hotline(desk, "show", code)
    assert re.search(r"1024 +\S +dispatch", shown)
    assert all(word in shown for word in ("new seal", "王**", "139****5678", "possible now: ", "order-visit"))
    assert "13912345678" not in shown
    assert "13912345678" in await hotline(desk, "show", code, "--reveal")
    assert "已完成" in await hotline(desk, "show", code, "--lang", "zh")


async def test_tickets_are_listed_searched_and_counted(desk: Desk) -> None:
    code = await opened(desk)
    other = await opened(desk, "--urgent")
    await hotline(desk, "step", other, "cancel", "-w", "called twice")
    spaced = f"{code[:3]} {code[3:6]} {code[6:]}"
    assert spaced in await hotline(desk, "list", "--open")
    assert spaced not in await hotline(desk, "list", "--over", "-k", "repair")
    assert spaced in await hotline(desk, "search", "漏水")
    assert "No such ticket" in await hotline(desk, "search", "gas")
    assert "1 open, 1 earlier, 2 in the last week; 0 calls" in await hotline(desk, "caller", "13912345678")
    assert "0.0%" in await hotline(desk, "figures")
    assert "no slots" in await hotline(desk, "slots")


async def test_an_emergency_is_raised_and_others_are_attached(desk: Desk) -> None:
    code, other = await opened(desk), await opened(desk)
    emergency = "".join((await hotline(desk, "raise", code, "-w", "gas smell")).split()[:3])
    await hotline(desk, "attach", emergency, other)
    listed = await hotline(desk, "list", "--emergency", emergency)
    assert all(f"{each[:3]} {each[3:6]} {each[6:]}" in listed for each in (code, other))


@pytest.mark.parametrize("words", [["show", "12"], ["show", "123456789"], ["step", "123456789", "fly"]])
async def test_what_is_wrong_is_said_in_one_line(desk: Desk, words: list[str]) -> None:
    told = {"HOTLINE_URL": desk.origin, "HOTLINE_API__TOKEN": TOKEN}
    done = await asyncio.to_thread(CliRunner(env=told).invoke, app, ["ticket", *words])
    assert type(done.exception).__name__ == "ServerError"
    assert len(str(done.exception)) < 1000
