"""How long it may take to say a text: language models that speak sometimes never stop, and have to be stopped.

What was stopped may lack words, so it is never the answer: the model tries again, or fails.
"""

from collections.abc import Callable
from typing import TypeVar

from ttsai_server.errors import EngineFailed

Made = TypeVar("Made")
ATTEMPTS = 3
"""How often a text is spoken before it counts as one that the model does not come to the end of."""


def most_seconds(text: str) -> float:
    """Generous for any language: a second, .1 s for each byte of UTF-8, and .6 s for each digit."""
    return 1 + 0.1 * len(text.encode()) + 0.6 * sum(map(str.isdigit, text))


def most_tokens(text: str, a_second: float, limit: int) -> int:
    """Speech tokens after which a model that writes so many a second is stopped: never more than `limit`."""
    return min(limit, round(a_second * most_seconds(text)))


def said_to_the_end(attempt: Callable[[], Made | None]) -> Made:
    """What the first of ATTEMPTS makes that comes to the end of the text by itself.

    attempt: returns None if it had to be stopped. Each draws the random numbers that follow those of the one before.
    Raises EngineFailed if none comes to the end.
    """
    for _ in range(ATTEMPTS):
        if (made := attempt()) is not None:
            return made
    raise EngineFailed(f"The model did not come to the end of the text in {ATTEMPTS} attempts.")
