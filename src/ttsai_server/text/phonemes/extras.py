"""Optional packages: misaki's Japanese and Chinese, and espeak-ng (GPL) for any language when asked for."""

import warnings
from collections.abc import Callable
from typing import Any

import regex

from ttsai_server.errors import BadRequest
from ttsai_server.text.phonemes.unknown import LETTERS, UnknownWords
from ttsai_server.text.phonemes.unspaced import Unspaced

_JAPANESE, _CHINESE = r"\p{Han}\p{Hiragana}\p{Katakana}ー々〆", r"\p{Han}"
_ESPEAK_NAMES = {"fr": "fr-fr"}


def japanese() -> Unspaced:
    """Raises BadRequest if the extra `ja` is not installed."""
    with _Extra("ja"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # misaki opens its word list the old way
            from misaki.cutlet import Cutlet  # not misaki.ja: that also wants pyopenjtalk, which this way does not use

        cutlet: Any = Cutlet()
        return Unspaced(with_others(cutlet, _JAPANESE), lambda text: [word.surface for word in cutlet.tagger(text)])


def chinese() -> Unspaced:
    """Raises BadRequest if the extra `zh` is not installed."""
    with _Extra("zh"):
        import jieba  # pyright: ignore[reportMissingImports] - an extra
        from misaki import zh

        return Unspaced(with_others(zh.ZHG2P(), _CHINESE), jieba.cut)


def espeak(language: str) -> Callable[[str], str]:
    """Raises BadRequest if the extra `espeak` is not installed."""
    with _Extra("espeak"):
        from misaki.espeak import EspeakG2P

        say = EspeakG2P(language=_ESPEAK_NAMES.get(language, language))
        return lambda text: say(text)[0]


def with_others(say: Any, own: str) -> Callable[[str], str]:
    """Apply `say` to words in its letters, the character class `own`; read other words, which it omits, as English."""
    letter = rf"[\p{{L}}\p{{M}}--[\p{{Common}}{own}]]"
    foreign = regex.compile(rf"({letter}+(?:['’ ]{letter}+)*)", regex.V1)
    others = UnknownWords(LETTERS.get)

    def both(text: str) -> str:
        parts = foreign.split(text)
        return " ".join(others(part) if i % 2 else say(part)[0] for i, part in enumerate(parts) if part.strip())

    return both


class _Extra:
    """Context that turns the ImportError of a missing package into BadRequest with the extra to install."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ImportError) and error.name != "misaki":  # no extra brings that one
            raise BadRequest(
                f"This language needs an extra that is not installed here: pip install 'ttsai-server[{self._name}]'",
                param="language",
            ) from error
