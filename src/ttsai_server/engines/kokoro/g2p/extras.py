"""Optional packages: misaki's Japanese and Chinese, and espeak-ng (GPL) for any language when asked for."""

import re
import warnings
from collections.abc import Callable
from typing import Any

from ttsai_server.engines.kokoro.g2p.unknown import LETTERS, UnknownWords
from ttsai_server.errors import BadRequest

_LATIN = re.compile(r"([A-Za-z]+(?:['’ ][A-Za-z]+)*)")
_ESPEAK_NAMES = {"fr": "fr-fr"}


def japanese() -> Callable[[str], str]:
    """Raises BadRequest if the extra `ja` is not installed."""
    with _Extra("ja"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # misaki opens its word list the old way
            from misaki.cutlet import Cutlet  # not misaki.ja: that also wants pyopenjtalk, which this way does not use

        return _with_latin(Cutlet())


def chinese() -> Callable[[str], str]:
    """Raises BadRequest if the extra `zh` is not installed."""
    with _Extra("zh"):
        from misaki import zh

        return _with_latin(zh.ZHG2P())


def espeak(language: str) -> Callable[[str], str]:
    """Raises BadRequest if the extra `espeak` is not installed."""
    with _Extra("espeak"):
        from misaki.espeak import EspeakG2P

        say = EspeakG2P(language=_ESPEAK_NAMES.get(language, language))
        return lambda text: say(text)[0]


def _with_latin(say: Any) -> Callable[[str], str]:
    """`say` for its own script; words in Latin letters, which it would leave out, as English."""
    latin = UnknownWords(LETTERS.get)

    def both(text: str) -> str:
        parts = _LATIN.split(text)
        return " ".join(latin(part) if i % 2 else say(part)[0] for i, part in enumerate(parts) if part.strip())

    return both


class _Extra:
    """Turns a missing package into what to install."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ImportError):
            raise BadRequest(
                f"This language needs an extra that is not installed here: pip install 'ttsai-server[{self._name}]'",
                param="language",
            ) from error
