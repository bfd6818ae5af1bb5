"""Commands inside a container, through one shell that stays: asked many times a second, `docker exec` is heavy."""

from __future__ import annotations

import os
import re
import secrets
import select
import shlex
import subprocess
import time
from contextlib import suppress
from threading import Lock
from typing import Final

A_READ: Final = 1 << 16


class ShellGone(AssertionError):
    """The shell has ended: the container was stopped or started anew."""


class Shell:
    """A shell in one container. It is opened when it is needed, also after the container was started anew."""

    def __init__(self, container: str) -> None:
        self.container = container
        self._open: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = Lock()

    def run(self, *command: str, within: float = 30.0) -> bytes:
        """Run a command; return what it says. Raises AssertionError when it fails, TimeoutError when it hangs."""
        with self._one_at_a_time:
            try:
                status, said = self._ask(command, within)
            except ShellGone:
                self.close()
                status, said = self._ask(command, within)
            except BaseException:
                self.close()  # its answer would be taken for the next one's
                raise
        assert status == 0, f"{self.container}: {command}: {said.decode(errors='replace')}"
        return said

    def close(self) -> None:
        """Let go of the shell."""
        if self._open is not None:
            self._open.kill()
            self._open.communicate()
            self._open = None

    def _ask(self, command: tuple[str, ...], within: float) -> tuple[int, bytes]:
        if self._open is None:
            self._open = subprocess.Popen(
                ["docker", "exec", "-i", self.container, "sh"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        assert self._open.stdin is not None
        mark = secrets.token_hex(8)
        with suppress(BrokenPipeError):
            self._open.stdin.write(f"{shlex.join(command)} </dev/null 2>&1; echo {mark} $?\n".encode())
            self._open.stdin.flush()
        return self._answer(mark, time.monotonic() + within)

    def _answer(self, mark: str, until: float) -> tuple[int, bytes]:
        assert self._open is not None
        assert self._open.stdout is not None
        file, said = self._open.stdout.fileno(), bytearray()
        end = re.compile(mark.encode() + rb" (\d+)\n\Z")
        while (found := end.search(said, max(0, len(said) - 64))) is None:
            if not select.select([file], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError(f"{self.container} does not answer: {bytes(said[-200:])!r}")
            if not (piece := os.read(file, A_READ)):
                raise ShellGone(f"{self.container}: {bytes(said[-200:])!r}")
            said += piece
        return int(found[1]), bytes(said[: found.start()])
