"""Diarization by speech detection, speaker embeddings and clustering.

It reports one speaker at a time: when two speak at once, the louder one, or the one who continues.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Diarization, DiarizationRequest, ModelCard, Turn
from ttsai_server.engines.base import Cancellation, Cancelled, Diarizer, LoadContext
from ttsai_server.engines.shared.detector import Detector, audible, open_detector
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.engines.speakers.assignment import turns
from ttsai_server.engines.speakers.clustering import find_voices
from ttsai_server.engines.speakers.speech import find_speech
from ttsai_server.engines.speakers.windows import Windows, embed_windows, joined
from ttsai_server.errors import WeightsMissing

Array = NDArray[np.float32]
SOURCE, GRAPH = "pretrained.pt", "encoder.onnx"


class Speakers(Diarizer):
    """Diarizer of mono sound at 16 kHz. Deterministic."""

    extra, packages = "speakers", ("faster_whisper", "onnx", "onnxruntime")

    def __init__(self, detect: Detector, encoder: Session) -> None:
        """encoder: of `graph.py`'s graph."""
        self._detect, self._encoder = detect, encoder

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        from ttsai_server.engines.speakers.graph import build

        if not (weights / GRAPH).is_file():
            build(weights / SOURCE, weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Speakers:
        if not (place.weights / GRAPH).is_file():
            raise WeightsMissing(card.id)
        # a recurrent network gains little from several threads
        return cls(open_detector(), Session(place.weights / GRAPH, threads=1))

    def diarize(
        self, recording: Recording, request: DiarizationRequest, cancellation: Cancellation
    ) -> Generator[Diarization]:
        parts: list[Windows] = []
        start = 0.0
        for end, stretches in find_speech(recording, lambda samples: self._judge(samples, cancellation)):
            if stretches:
                parts.append(embed_windows(recording, stretches, lambda mel: self._embed(mel, cancellation)))
            yield Diarization(start, end / recording.rate)
            start = end / recording.rate
        if cancellation.cancelled:
            raise Cancelled
        yield Diarization(start, recording.seconds, _turns(joined(parts), request) if parts else (), last=True)

    def close(self) -> None:
        self._encoder.close()

    def _judge(self, samples: Array, cancellation: Cancellation) -> Array:
        if cancellation.cancelled:
            raise Cancelled
        return self._detect(audible(samples))

    def _embed(self, mel: Array, cancellation: Cancellation) -> Array:
        return self._encoder.run({"mel": mel}, cancellation)["embedding"]


def _turns(windows: Windows, request: DiarizationRequest) -> tuple[Turn, ...]:
    return turns(windows, find_voices(windows.sample(), windows.likeness(), request))
