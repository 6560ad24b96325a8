"""Servers in separate processes, which can be killed at any moment."""

import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MAIN = "from ttsai_server.cli import main; main()"
GREETING = {"serve": r"Listening on (\S+)(?s:.+)/docs", "worker": r"Listening on (\S+), for other nodes"}


def start(
    data_dir: Path,
    log: IO[bytes],
    settings: Mapping[str, str],
    before: str = "",
    command: str = "serve",
    port: int = 0,
) -> "subprocess.Popen[str]":
    """Start a server process. before: code that it runs first. command: serve, or worker. port: 0 takes a free one."""
    environment = {f"TTSAI_SERVER__{name.upper()}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-c", before + MAIN, "--data-dir", str(data_dir), command, "--port", str(port)],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


class Server:
    """A running server. Its log goes to the file `log`: a pipe could fill up and block it."""

    def __init__(
        self, data_dir: Path, log: Path, settings: Mapping[str, str], command: str = "serve", port: int = 0
    ) -> None:
        self._log = log.open("ab")
        self.process = start(data_dir, self._log, settings, command=command, port=port)
        self.said = ""
        assert self.process.stdout
        while not (found := re.search(GREETING[command], self.said)):
            line = self.process.stdout.readline()
            assert line, f"the server ended: {log.read_text()[-3000:]}"
            self.said += line
        self.url = found[1].replace("localhost", "127.0.0.1")

    @property
    def key(self) -> str:
        """The key of the account `local`, printed at the first start on a database."""
        found = re.search(r"sk-tts-\w+", self.said)
        assert found
        return found[0]

    def kill(self) -> None:
        """Kill it with SIGKILL, like a power cut."""
        self.process.kill()
        self._ended()

    def stop(self) -> None:
        """Send SIGTERM, and wait until it has ended."""
        self.process.terminate()
        self._ended()

    def _ended(self) -> None:
        self.process.communicate(timeout=120)
        self._log.close()


@contextmanager
def serving(data_dir: Path, log: Path, settings: Mapping[str, str]) -> Generator[Server]:
    server = Server(data_dir, log, settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


@contextmanager
def working(data_dir: Path, log: Path, settings: Mapping[str, str]) -> Generator[Server]:
    """A worker: a node that has models, and answers no client."""
    server = Server(data_dir, log, settings, "worker")
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
