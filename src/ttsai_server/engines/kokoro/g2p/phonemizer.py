"""What the engine calls."""

from collections.abc import Callable
from typing import Self

from ttsai_server.engines.kokoro.g2p.symbols import keep
from ttsai_server.errors import BadRequest

ToPhonemes = Callable[[str], str]
Loader = Callable[[bool], ToPhonemes]


class Phonemizer:
    """Turns text of one language into Kokoro's phonemes. For one thread at a time."""

    def __init__(self, to_phonemes: ToPhonemes) -> None:
        self._to_phonemes = to_phonemes

    @classmethod
    def load(cls, language: str, *, normalise: bool = True, espeak: bool = False) -> Self:
        """Load the rules and lexicons of `language`: en-us, en-gb, es, fr, it, pt-br, hi, ja or zh.

        With `normalise` numbers, money, dates, units, addresses and the like are said as people say them; without
        it the text is read as it is written. With `espeak` espeak-ng reads it (extra `espeak`, GPL). Raises BadRequest
        for a language that Kokoro doesn't speak, or whose extra is not installed.
        """
        if language not in _LOADERS:
            raise BadRequest(f"Kokoro does not speak {language!r}.", param="language")
        return cls(_espeak(language) if espeak else _LOADERS[language](normalise))

    def phonemize(self, text: str) -> str:
        """`text` in Kokoro's alphabet, with its punctuation; no letter or digit in it means no letter in the answer."""
        return keep(self._to_phonemes(text))


def _english(british: bool) -> Loader:
    def load(normalise: bool) -> ToPhonemes:
        from ttsai_server.engines.kokoro.g2p.english import English

        return English(british, normalise)

    return load


def _spanish(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.spanish import Spanish
    from ttsai_server.text import spoken

    return _after(spoken.Continental(spoken.SPANISH, normalise), Spanish())


def _french(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.french import French
    from ttsai_server.text import spoken

    return _after(spoken.Continental(spoken.FRENCH, normalise), French())


def _italian(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.italian import Italian
    from ttsai_server.text import spoken

    return _after(spoken.Continental(spoken.ITALIAN, normalise), Italian())


def _portuguese(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.portuguese import Portuguese
    from ttsai_server.text import spoken

    return _after(spoken.Continental(spoken.PORTUGUESE, normalise), Portuguese())


def _hindi(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p.hindi import Hindi
    from ttsai_server.engines.kokoro.g2p.unknown import LETTERS, UnknownWords
    from ttsai_server.text import spoken

    return _after(spoken.Continental(spoken.HINDI, normalise), Hindi(UnknownWords(LETTERS.get)))


def _japanese(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p import extras

    return extras.japanese()


def _chinese(normalise: bool) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p import extras

    return extras.chinese()


def _espeak(language: str) -> ToPhonemes:
    from ttsai_server.engines.kokoro.g2p import extras

    return extras.espeak(language)


def _after(say: ToPhonemes, pronounce: ToPhonemes) -> ToPhonemes:
    return lambda text: pronounce(say(text))


_LOADERS: dict[str, Loader] = {
    "en-us": _english(british=False),
    "en-gb": _english(british=True),
    "es": _spanish,
    "fr": _french,
    "it": _italian,
    "pt-br": _portuguese,
    "hi": _hindi,
    "ja": _japanese,
    "zh": _chinese,
}
