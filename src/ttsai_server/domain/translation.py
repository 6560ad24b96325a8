"""Translating texts: requests and translations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """Sentences for an engine to translate; already validated."""

    sentences: tuple[str, ...]
    """In their order; none is empty, and each is short enough for one step of work."""
    source: str
    """ISO 639-1 code of the language that they are in."""
    target: str
    """ISO 639-1 code of the language to translate them to; another one."""


@dataclass(frozen=True, slots=True)
class Translation:
    """The result of one step of work: the translation of one sentence."""

    text: str
    last: bool = False
    """True if no step follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        """It has no sound."""
        return 0.0
