"""What the benches measure on: a small site, and containers of its own for it, started fresh and taken down."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from hotline import prepare
from hotline.cli.stack import start
from hotline.stack import Stack, stack_for_tests

NUMBER: Final = "4001234567"
SITE: Final = f"""
[site]
name = "bench"
fallback_queue = "consult"
[[numbers]]
key = "heating"
name = "hotline"
dialled = ["{NUMBER}"]
brand = {{ zh = "阳光供热" }}
languages = ["zh"]
menu = "main"
[menus.main]
prompt = "main_menu"
keys.1 = {{ topic = "consult", queue = "consult" }}
[[queues]]
name = "consult"
transfer_code = "701"
wrap_up = "PT0S"
"""
"""One number, one menu, one queue, and nobody to serve it."""


def agents(work_numbers: Iterable[str]) -> str:
    """Agents to add to the site; the phone of 2000 is `desk-2000`."""
    return "".join(
        f'[[agents]]\nwork_number = "{number}"\nname = "Agent {number}"\nphone = "desk-{number}"\n'
        "queues = { consult = 0 }\n"
        for number in work_numbers
    )


def own_stack() -> Stack:
    """The stack of the benches: HOTLINE_TEST_STACK, or 9."""
    return stack_for_tests(int(os.environ.get("HOTLINE_TEST_STACK", "9")))


@contextmanager
def fresh_stack(site: str) -> Iterator[Stack]:
    """The containers with this site: Asterisk does not give memory back after a load, so none is used twice."""
    stack = own_stack()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "site.toml"
        file.write_text(site, encoding="utf-8")
        try:
            Console(stderr=True).print("starting a fresh stack")
            start(stack, file, tryout=True)
            yield stack
        finally:
            with suppress(Exception):
                stack.compose("down", "--volumes")
            prepare.forget(stack)
