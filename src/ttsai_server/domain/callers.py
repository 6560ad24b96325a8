"""Callers of the API."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller: an account, and the key that was used."""

    account: str
    plan: str
    key: str
    """Id of the key; empty on a server without keys."""
    publishable: bool = False
    """Whether the key may be visible in a web page; such a key is restricted to text to speech."""
    origins: tuple[str, ...] = ()
    """Web origins from which a publishable key works."""
    admin: bool = False
    """Whether it may administer the server."""

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return self.key or "console"
