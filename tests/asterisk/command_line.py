"""The command line as an operator uses it."""

from __future__ import annotations

import asyncio
import sys

from hotline.stack import ROOT
from tests.asterisk.world import World


async def hotline(world: World, *words: str, status: int = 0) -> str:
    """Run the command line as an operator would, on the tests' stack."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hotline", *words, "--stack", world.stack.name),
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "200", "HOME": "/root"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == status, f"{words}: {out.decode()}\n{err.decode()}"
    return (out + err).decode()
