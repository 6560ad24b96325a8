"""Piper's voices in all other languages, read by espeak-ng through Piper's own package (both GPL-3).

The package is an extra of its own, and nothing else imports it.
"""

import unicodedata
from threading import Lock
from typing import Any, ClassVar

from ttsai_server.domain import SpeechRequest
from ttsai_server.engines.piper.voice import Description, PiperVoice
from ttsai_server.engines.shared.onnx import Session

ARABIC = "ar"
"""espeak-ng reads it only with its vowels written, which Piper's package adds."""


class EspeakPiper(PiperVoice):
    """See `PiperVoice`."""

    extra = "piper"
    packages = ("onnx", "onnxruntime", "piper")
    _alone: ClassVar[Lock] = Lock()
    """Held while espeak-ng reads: a process has one of it, which is told its voice."""

    def __init__(self, encoder: Session, decoder: Session, voice: Description) -> None:
        from piper.phonemize_espeak import EspeakPhonemizer
        from piper.tashkeel import TashkeelDiacritizer

        super().__init__(encoder, decoder, voice)
        self._espeak: Any = None if voice.symbols_are_letters else EspeakPhonemizer()
        self._vowels: Any = TashkeelDiacritizer() if voice.espeak_voice == ARABIC else None

    def symbols(self, request: SpeechRequest) -> str:
        if not self._espeak:
            return unicodedata.normalize("NFD", request.text.casefold())
        text = self._vowels(request.text) if self._vowels else request.text
        with self._alone:
            sentences: list[list[str]] = self._espeak.phonemize(self._voice.espeak_voice, text)
        return " ".join("".join(sentence) for sentence in sentences)
