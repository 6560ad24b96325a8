"""Who is signed in to the console: sessions in this process's memory, named by random cookies."""

import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

from ttsai_server.console.files import Files
from ttsai_server.domain import Caller

MOST_SESSIONS = 1000
"""One more ends the one that has been idle for longest."""


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

    def __init__(self, idle_seconds: float, folder: Path) -> None:
        """idle_seconds: after which a session ends; folder: of the sessions' files."""
        self._idle = idle_seconds
        self._folder = folder
        self._sessions: dict[bytes, Session] = {}
        """By the hash of the cookie; the one used last is last."""

    def open(self, caller: Caller) -> str:
        """Start a session. → its cookie."""
        cookie = token_urlsafe(32)
        self._make_room()
        self._sessions[_digest(cookie)] = Session(caller, Files(self._folder), time.monotonic())
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
            session.files.clear()

    def _make_room(self) -> None:
        """End what is idle, and as many more as one more session takes."""
        earliest = time.monotonic() - self._idle
        spare = len(self._sessions) + 1 - MOST_SESSIONS
        for number, (digest, session) in enumerate(list(self._sessions.items())):
            if number < spare or session.used_at < earliest:
                self._end(digest)


def _digest(cookie: str) -> bytes:
    return sha256(cookie.encode()).digest()
