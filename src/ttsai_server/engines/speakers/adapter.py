"""Who speaks when, from nothing but this machine's packages: speech detection, voice embeddings, clustering.

One speaker at a time: where two speak at once, it says the louder, or the one who goes on.
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
from ttsai_server.engines.speakers.windows import Windows, hear, joined
from ttsai_server.errors import WeightsMissing

Array = NDArray[np.float32]
SOURCE, GRAPH = "pretrained.pt", "encoder.onnx"


class Speakers(Diarizer):
    """Diarizer of mono sound at 16 kHz. Equal recordings give equal turns."""

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
        # the recurrence has little that threads could share
        return cls(open_detector(), Session(place.weights / GRAPH, threads=1))

    def diarize(
        self, recording: Recording, request: DiarizationRequest, cancellation: Cancellation
    ) -> Generator[Diarization]:
        heard: list[Windows] = []
        start = 0.0
        for end, stretches in find_speech(recording, lambda samples: self._judge(samples, cancellation)):
            if stretches:
                heard.append(hear(recording, stretches, lambda mel: self._embed(mel, cancellation)))
            yield Diarization(start, end / recording.rate)
            start = end / recording.rate
        if cancellation.cancelled:
            raise Cancelled
        yield Diarization(start, recording.seconds, _who(joined(heard), request) if heard else (), last=True)

    def close(self) -> None:
        self._encoder.close()

    def _judge(self, samples: Array, cancellation: Cancellation) -> Array:
        if cancellation.cancelled:
            raise Cancelled
        return self._detect(audible(samples))

    def _embed(self, mel: Array, cancellation: Cancellation) -> Array:
        return self._encoder.run({"mel": mel}, cancellation)["embedding"]


def _who(windows: Windows, request: DiarizationRequest) -> tuple[Turn, ...]:
    return turns(windows, find_voices(windows.sample(), windows.likeness(), request))
