"""Converts text of any supported language to phonemes; the entry point for engines."""

from collections.abc import Callable
from threading import Lock
from typing import Self

from ttsai_server.errors import BadRequest
from ttsai_server.text.phonemes.alphabet import keep

REGIONS = {"en": "en-us", "pt": "pt-br"}
"""Language → default region of the pronunciation."""
ToPhonemes = Callable[[str], str]
Loader = Callable[[bool], ToPhonemes]


class Phonemizer:
    """Turns text of one language into phonemes. Not thread-safe."""

    def __init__(self, to_phonemes: ToPhonemes) -> None:
        self._to_phonemes = to_phonemes

    @classmethod
    def load(cls, language: str, *, normalise: bool = True, espeak: bool = False) -> Self:
        """Load the rules and lexicons of `language`, BCP 47: en-us, en-gb, es, fr, it, pt-br, hi, ja or zh.

        normalise: expand numbers, money, dates, units, addresses and the like to words first. espeak: use espeak-ng
        (extra `espeak`, GPL) instead. Raises BadRequest for a language without rules, or whose extra is not installed.
        """
        language = REGIONS.get(language, language)
        if language not in _LOADERS:
            raise BadRequest(f"There are no pronunciation rules for {language!r}.", param="language")
        return cls(_espeak(language) if espeak else _LOADERS[language](normalise))

    def phonemize(self, text: str) -> str:
        """The phonemes of `text`, with its punctuation; without a letter or digit in it there are none."""
        return keep(self._to_phonemes(text))


class Phonemizers:
    """Phonemizers of all languages, each loaded at its first use and then kept. Thread-safe."""

    def __init__(self, *, espeak: bool = False) -> None:
        self._espeak = espeak
        self._loaded: dict[tuple[str, bool], Phonemizer] = {}
        self._lock = Lock()

    def phonemize(self, text: str, language: str, *, normalise: bool = True) -> str:
        """As `Phonemizer.load(language, …).phonemize(text)`; raises as those do."""
        key = (language, normalise)
        with self._lock:  # a Phonemizer is not thread-safe
            if key not in self._loaded:
                self._loaded[key] = Phonemizer.load(language, normalise=normalise, espeak=self._espeak)
            return self._loaded[key].phonemize(text)

    def clear(self) -> None:
        """Free the loaded phonemizers."""
        with self._lock:
            self._loaded.clear()


def _english(british: bool) -> Loader:
    def load(normalise: bool) -> ToPhonemes:
        from ttsai_server.text.phonemes.english import English

        return English(british, normalise)

    return load


def _spanish(normalise: bool) -> ToPhonemes:
    from ttsai_server.text import spoken
    from ttsai_server.text.phonemes.spanish import Spanish

    return _after(spoken.Continental(spoken.SPANISH, normalise), Spanish())


def _french(normalise: bool) -> ToPhonemes:
    from ttsai_server.text import spoken
    from ttsai_server.text.phonemes.french import French

    return _after(spoken.Continental(spoken.FRENCH, normalise), French())


def _italian(normalise: bool) -> ToPhonemes:
    from ttsai_server.text import spoken
    from ttsai_server.text.phonemes.italian import Italian

    return _after(spoken.Continental(spoken.ITALIAN, normalise), Italian())


def _portuguese(normalise: bool) -> ToPhonemes:
    from ttsai_server.text import spoken
    from ttsai_server.text.phonemes.portuguese import Portuguese

    return _after(spoken.Continental(spoken.PORTUGUESE, normalise), Portuguese())


def _hindi(normalise: bool) -> ToPhonemes:
    from ttsai_server.text import spoken
    from ttsai_server.text.phonemes.hindi import Hindi
    from ttsai_server.text.phonemes.unknown import LETTERS, UnknownWords

    return _after(spoken.Continental(spoken.HINDI, normalise), Hindi(UnknownWords(LETTERS.get)))


def _japanese(normalise: bool) -> ToPhonemes:
    from ttsai_server.text.phonemes import extras

    return extras.japanese()


def _chinese(normalise: bool) -> ToPhonemes:
    from ttsai_server.text.phonemes import extras

    return extras.chinese()


def _espeak(language: str) -> ToPhonemes:
    from ttsai_server.text.phonemes import extras

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
