"""Kokoro with voices by kokoro-inno-clone-tuner (remsky): a network hears what others search for (`cloning.py`).

Of its published parts the timbre's are used: speaker encoder, style head, tilt. The prosody is blended and measured as
for Kokoro's own voices from recordings, since the authors' is measured by Praat, which is GPL.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import soxr

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Embedding, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.cloning import join, predictor
from ttsai_server.engines.kokoro.inno.spectrum import MEL_RATE, TILT_RATE, mel, tilt
from ttsai_server.engines.kokoro.styles import TABLE, Array
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import WeightsMissing

MODEL = "kokoro"
"""The model that speaks, whose weights are in the folder of that name."""
CHECKPOINT, GRAPH = "model.safetensors", "timbre.onnx"


class KokoroInno(Kokoro):
    """Speaks as Kokoro does, with voices from recordings only; makes one in a step."""

    _session: Session

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        from ttsai_server.engines.kokoro.inno.graph import build

        if not (weights / GRAPH).is_file():
            build(weights / CHECKPOINT, weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        kokoro = place.weights.parent / MODEL
        if not (place.weights / GRAPH).is_file():
            raise WeightsMissing(card.id)
        if not (kokoro / "config.json").is_file():
            raise WeightsMissing(MODEL)
        session = Session(place.weights / GRAPH, place.threads)
        engine = super().load(card, replace(place, weights=kokoro))
        engine._session = session
        return engine

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        samples = recording.read(0, recording.frames)[:, 0]
        tables = self._stock_tables()
        style = join(self._timbre(samples, recording.rate, cancellation), predictor(self._prosody(samples), tables))
        voice = Reference(self._model, {TABLE: style})
        yield Embedding(0, recording.seconds, voice, last=True)

    def close(self) -> None:
        self._session.close()
        super().close()

    def _timbre(self, samples: Array, rate: int, cancellation: Cancellation) -> Array:
        """(128,)."""
        lower, same = (soxr.resample(samples, rate, other).astype(np.float32) for other in (MEL_RATE, TILT_RATE))
        inputs = {"mel": mel(lower), "tilt": np.array([tilt(same)], np.float32)}
        return self._session.run(inputs, cancellation)["timbre"][0]
