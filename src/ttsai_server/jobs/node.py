"""The name of this server, which distinguishes it from others on the same database."""

import fcntl
import logging
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Self
from urllib.parse import quote

from ttsai_server.settings import Settings

logger = logging.getLogger(__name__)


class NodeNameTaken(Exception):
    """Another server that is running uses the same `data_dir` and the same `jobs.node`."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(
            f"Another server with the name {name!r} (jobs.node) runs on {folder}. Give each a name of its own, or none."
        )


class Node:
    """A name, and the lock on it: of the servers that run on one `data_dir`, each has another.

    A server resumes the work that its name has left, so a name may only be given again once its server has ended; the
    system frees the lock then, however it ends.
    """

    def __init__(self, name: str, lock: BinaryIO | None) -> None:
        """lock: the locked file, closed by `close`; None where the file system has no locks."""
        self.name = name
        self._lock = lock

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The server's name: `jobs.node`, or one that is kept in `data_dir`, the same at each start; of further
        servers there with a number behind it.

        Raises NodeNameTaken if another server that runs on this `data_dir` has the name of the settings.
        """
        folder = settings.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        if name := settings.jobs.node:
            node = cls._locked(name, folder / f"node.{quote(name, safe='')}.lock")
            if node is None:
                raise NodeNameTaken(name, folder)
            return node
        name = _kept(folder / "node")
        numbered = (cls._locked(f"{name}-{n}" if n > 1 else name, folder / f"node-{n}.lock") for n in count(1))
        return next(node for node in numbered if node)

    @classmethod
    def _locked(cls, name: str, file: Path) -> Self | None:
        """None if another process has locked the file."""
        lock = file.open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        except OSError as error:
            logger.warning("%s can't be locked: servers that share its folder need a jobs.node each: %s", file, error)
            lock.close()
            return cls(name, None)
        return cls(name, lock)

    def close(self) -> None:
        """Let another server have the name."""
        if self._lock:
            self._lock.close()


def _kept(file: Path) -> str:
    if not file.exists():
        _write(file, f"node_{token_hex(8)}")
    return file.read_text().strip()


def _write(file: Path, name: str) -> None:
    """Write the file atomically: with half a name, the next start would not find its jobs."""
    whole = file.with_suffix(f".{token_hex(4)}")
    whole.write_text(name)
    whole.rename(file)
