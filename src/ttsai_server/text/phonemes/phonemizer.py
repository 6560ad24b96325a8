"""Converts text of any supported language to phonemes; the entry point for engines."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Self

from ttsai_server.errors import BadRequest
from ttsai_server.text.clean import speakable
from ttsai_server.text.phonemes.alphabet import keep
from ttsai_server.text.phonemes.unspaced import Unspaced
from ttsai_server.text.words import align, cut_spans, word_spans

REGIONS = {"en": "en-us", "pt": "pt-br"}
"""Language → default region of the pronunciation."""
ToPhonemes = Callable[[str], str]
Loader = Callable[[bool], ToPhonemes]


WORDS_KEPT = 4096
"""Words whose phonemes are remembered."""


@dataclass(frozen=True, slots=True)
class WordPhonemes:
    """A word of a text and its phonemes."""

    start: int
    end: int
    """[start, end) of the text: as it is written, with adjacent punctuation."""
    first: int
    last: int
    """[first, last) of the phonemes, without punctuation; none if it is silent where it stands."""


class Phonemizer:
    """Turns text of one language into phonemes. Not thread-safe."""

    def __init__(self, to_phonemes: ToPhonemes) -> None:
        self._to_phonemes = to_phonemes
        self._word = lru_cache(WORDS_KEPT)(self.phonemize)

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

    def phonemize_words(self, text: str) -> tuple[str, tuple[WordPhonemes, ...]]:
        """As `phonemize`, and which phonemes are those of each word, in order.

        A written word may be several spoken ones (`$5`: five dollars), and sound other than alone. So each is turned
        into phonemes by itself, and all of them are aligned with those of the text.
        """
        phonemes = self.phonemize(text)
        cut = self._to_phonemes.cut if isinstance(self._to_phonemes, Unspaced) else None
        spans = list(cut_spans(text, cut) if cut else word_spans(text))
        parts = align([self._word(text[start:end]) for start, end in spans], phonemes)
        found = (WordPhonemes(*span, *part) for span, part in zip(spans, parts, strict=True))
        return phonemes, tuple(
            word for word in found if word.first < word.last or speakable(text[word.start : word.end])
        )


class Phonemizers:
    """Phonemizers of all languages, each loaded at its first use and then kept. Thread-safe."""

    def __init__(self, *, espeak: bool = False) -> None:
        self._espeak = espeak
        self._loaded: dict[tuple[str, bool], Phonemizer] = {}
        self._lock = Lock()

    def phonemize(self, text: str, language: str, *, normalise: bool = True) -> str:
        """As `Phonemizer.load(language, …).phonemize(text)`; raises as those do."""
        with self._lock:  # a Phonemizer is not thread-safe
            return self._phonemizer(language, normalise).phonemize(text)

    def phonemize_words(
        self, text: str, language: str, *, normalise: bool = True
    ) -> tuple[str, tuple[WordPhonemes, ...]]:
        """As `Phonemizer.load(language, …).phonemize_words(text)`; raises as those do."""
        with self._lock:
            return self._phonemizer(language, normalise).phonemize_words(text)

    def clear(self) -> None:
        """Free the loaded phonemizers."""
        with self._lock:
            self._loaded.clear()

    def _phonemizer(self, language: str, normalise: bool) -> Phonemizer:
        key = (language, normalise)
        if key not in self._loaded:
            self._loaded[key] = Phonemizer.load(language, normalise=normalise, espeak=self._espeak)
        return self._loaded[key]


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
