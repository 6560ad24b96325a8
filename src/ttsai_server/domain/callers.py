"""Who is asking."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an account, through one of its keys."""

    account: str
    plan: str
    key: str
    """Id of the key."""
    publishable: bool = False
    origins: tuple[str, ...] = ()
    """Origins that a publishable key may be used from."""
