"""Languages that are written without spaces."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unspaced:
    """Text → phonemes, of such a language."""

    say: Callable[[str], str]
    cut: Callable[[str], Iterable[str]]
    """Text → the words that it is made of, as they are written."""

    def __call__(self, text: str) -> str:
        return self.say(text)
