"""Parakeet TDT 0.6B v3, speech to text in 25 European languages, with punctuation (NVIDIA, CC BY 4.0).

A FastConformer encoder (Rekesh et al. 2023) and a token-and-duration transducer (Xu et al. 2023, "Efficient sequence
transduction by jointly predicting tokens and durations"), in ONNX Runtime by the package onnx-asr.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Transcriber
from ttsai_server.engines.shared.transcription.steps import transcribed
from ttsai_server.engines.shared.transcription.tokens import SPACE, Token, joined, numbered
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk, Sound
from ttsai_server.engines.shared.transcription.words import sentences
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.text.language import detect

KIND, QUANTIZATION = "nemo-conformer-tdt", "int8"
"""Names of the model's architecture and of its 8-bit graphs in onnx-asr."""
VOCABULARY = "vocab.txt"
FILES = ("encoder-model.int8.onnx", "decoder_joint-model.int8.onnx", VOCABULARY, "config.json")
DURATIONS = 5
"""Scores of a frame beside those of the vocabulary: how many frames to go on, 0 to 4."""
SHORTEST = RATE // 5
"""Shorter sound is padded to this many samples, for the encoder sees one frame in eight."""


class Parakeet(Transcriber):
    """Deterministic. It ignores prompt and temperature, and takes no language.

    A transcript is in the language that was requested; else the language is detected in its text.
    """

    extra, packages = "parakeet", ("faster_whisper", "onnx_asr", "onnxruntime")

    def __init__(self, model: Any, vocabulary: Mapping[str, int], languages: Sequence[str]) -> None:
        """model: onnx-asr's, with time stamps. vocabulary: token → id."""
        self._model: Any = model
        self._vocabulary, self._languages = vocabulary, languages

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not all((place.weights / file).is_file() for file in FILES):
            raise WeightsMissing(card.id)
        try:
            model, vocabulary = _open(place), _vocabulary(place.weights / VOCABULARY)
            scores = {end.name: end.shape for end in model.asr._decoder_joint.get_outputs()}["outputs"][-1]
        except Exception as error:  # the libraries' own exceptions share no other base
            raise EngineFailed(f"{card.id!r} can't be loaded: {error!r}") from error
        if isinstance(scores, int) and scores != len(vocabulary) + DURATIONS:
            raise EngineFailed(f"{card.id!r} can't be loaded: {VOCABULARY} does not belong to the graphs.")
        return cls(model, vocabulary, card.languages)

    def warm_up(self, card: ModelCard) -> None:
        self._recognize(np.zeros(RATE, np.float32))

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        from ttsai_server.engines.shared.transcription.languages import ENGLISH

        letters = Counter[str]()

        def hear(chunks: Sequence[Chunk]) -> tuple[list[Segment], str]:
            segments: list[Segment] = []
            for chunk in chunks:
                result = self._recognize(chunk.sound)
                language = request.language or detect(result.text, self._languages, _most(letters, ENGLISH))
                segments += self._segments(result, chunk, language)
                letters[language] += len(result.text)
            return segments, _most(letters, request.language or ENGLISH)

        return transcribed(recording, request, cancellation, hear)

    def close(self) -> None:
        self._model = None

    def _recognize(self, sound: Sound) -> Any:
        """onnx-asr's result: `text`, `tokens`, their `timestamps` in seconds and `logprobs`. Raises EngineFailed."""
        if self._model is None:
            raise EngineFailed("The engine is closed.")
        try:
            return self._model.recognize(np.pad(sound, (0, max(0, SHORTEST - len(sound)))))
        except Exception as error:  # ONNX Runtime's own exceptions share no other base
            raise EngineFailed(f"onnx-asr failed: {error}") from error

    def _segments(self, result: Any, chunk: Chunk, language: str) -> Iterator[Segment]:
        likely = float(np.mean(result.logprobs)) if result.logprobs else 0.0
        whole = Segment("", 0, 0, average_log_probability=likely, language=language)
        return sentences(joined(self._tokens(result), len(chunk.sound) / RATE), chunk, whole, language)

    def _tokens(self, result: Any) -> Iterator[Token]:
        for text, start, logprob in zip(result.tokens, result.timestamps, result.logprobs, strict=True):
            yield Token(text, self._vocabulary[text], start, float(np.exp(logprob)))


def _most(letters: Counter[str], default: str) -> str:
    """The language that most is written in."""
    return max(letters, key=lambda code: letters[code], default=default)


def _open(place: LoadContext) -> Any:
    import onnxruntime
    from onnx_asr import load_model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = place.threads
    # spinning between layers costs processor time and is no faster
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    processor = ["CPUExecutionProvider"]  # which is what the 8-bit graphs are for
    model = load_model(KIND, place.weights, quantization=QUANTIZATION, sess_options=options, providers=processor)
    return model.with_timestamps()


def _vocabulary(file: Path) -> dict[str, int]:
    """Token, as onnx-asr writes it, → id."""
    return {token.replace(SPACE, " "): number for token, number in numbered(file)}
