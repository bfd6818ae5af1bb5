"""A real Redis for tests, which can be killed and started again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket


class RedisServer:
    """A Redis of our own, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with closing(socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Start it, on the same port each time."""
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""],
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Kill it; what it held is gone."""
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def a_redis() -> Iterator[RedisServer]:
    """One Redis, for as long as the block lasts."""
    assert shutil.which("redis-server"), "redis-server is missing: make test installs it"
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        yield server
        server.kill()
