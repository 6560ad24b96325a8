"""What the engine calls."""

from collections.abc import Callable
from typing import Self

from ttsai_server.engines.kokoro.g2p.symbols import keep
from ttsai_server.errors import BadRequest

ToPhonemes = Callable[[str], str]


class Phonemizer:
    """Turns text of one language into Kokoro's phonemes. For one thread at a time."""

    def __init__(self, to_phonemes: ToPhonemes) -> None:
        self._to_phonemes = to_phonemes

    @classmethod
    def load(cls, language: str, *, normalise: bool = True) -> Self:
        """Load the rules and lexicons of `language`: en-us, en-gb, es, fr, it, pt-br, hi, ja or zh.

        With `normalise` numbers, money, dates, units, addresses and the like are said as people say them; without
        it the text is read as it is written. Raises BadRequest for a language that Kokoro doesn't speak, or whose
        extra is not installed.
        """
        if language not in _LOADERS:
            raise BadRequest(f"Kokoro does not speak {language!r}.", param="language")
        return cls(_LOADERS[language](normalise))

    def phonemize(self, text: str) -> str:
        """`text` in Kokoro's alphabet, with its punctuation; no letter or digit in it means no letter in the answer."""
        return keep(self._to_phonemes(text))


def _american(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.english import English

    return English(british=False, normalise=normalise)


def _british(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.english import English

    return English(british=True, normalise=normalise)


_LOADERS: dict[str, Callable[[bool], ToPhonemes]] = {"en-us": _american, "en-gb": _british}
