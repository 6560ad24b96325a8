"""Who is signed in to the console: sessions in this process's memory, named by random cookies."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.console.files import Files
from ttsai_server.domain import Caller

MOST_SESSIONS = 1000
"""One more ends the one that has been idle for longest."""
MOST_OF_ACCOUNT = 100
"""So that one account can't end the sessions of others."""


@dataclass(eq=False, slots=True)
class Session:
    caller: Caller
    """The account, and the id of the key that was signed in with; the key itself is not kept."""
    files: Files
    used_at: float
    """Monotonic seconds."""
    dark: bool | None = None
    """Whether pages are dark; None: as the browser prefers."""
    ended: bool = False
    """Whether its visitor has signed out, or the key does not work any more."""


class Sessions:
    """All sessions. A cookie is 32 random bytes, made at each sign-in, and only its hash is kept."""

    def __init__(self, idle_seconds: float, folder: Path, disk_of: Callable[[Caller], TempDisk]) -> None:
        """idle_seconds: after which a session ends. folder: of the sessions' files. disk_of: counts their bytes."""
        self._idle = idle_seconds
        self._folder = folder
        self._disk_of = disk_of
        self._sessions: dict[bytes, Session] = {}
        """By the hash of the cookie; the one used last is last."""

    def open(self, caller: Caller) -> str:
        """Start a session. → its cookie."""
        cookie = token_urlsafe(32)
        self._make_room(caller.account)
        files = Files(self._folder, self._disk_of(caller))
        self._sessions[_digest(cookie)] = Session(caller, files, time.monotonic())
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session with this cookie, which counts as used; None if there is none, or none any more."""
        digest = _digest(cookie)
        session = self._sessions.get(digest)
        if session is None or session.ended or time.monotonic() - session.used_at > self._idle:
            self.end(cookie)
            return None
        session.used_at = time.monotonic()
        self._sessions[digest] = self._sessions.pop(digest)
        return session

    def end(self, cookie: str) -> None:
        """End the session with this cookie, and delete its files. Idempotent."""
        self._end(_digest(cookie))

    def _end(self, digest: bytes) -> None:
        if session := self._sessions.pop(digest, None):
            session.ended = True
            session.files.close()

    def _make_room(self, account: str) -> None:
        """End what is idle, and as many more as one more session of the account takes."""
        earliest = time.monotonic() - self._idle
        for digest, session in list(self._sessions.items()):
            if session.used_at < earliest:
                self._end(digest)
        own = [digest for digest, session in self._sessions.items() if session.caller.account == account]
        for sessions, most in ((own, MOST_OF_ACCOUNT), (list(self._sessions), MOST_SESSIONS)):
            for digest in sessions[: max(0, len(sessions) + 1 - most)]:
                self._end(digest)


def _digest(cookie: str) -> bytes:
    return sha256(cookie.encode()).digest()
