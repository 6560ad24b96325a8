"""Bandwidth extension by LavaSR: generates the treble that is missing in speech, up to 24 kHz."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.stft import Spectrum, Stft
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer, LoadContext
from ttsai_server.engines.lavasr.band import band_end
from ttsai_server.engines.lavasr.windows import BINS, HOP, LENGTH, REACH
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import WeightsMissing

Array = NDArray[np.float32]
SOURCE, GRAPH = "pytorch_model.bin", "bandwidth.onnx"
STEP = 900 * HOP
"""Frames per step: 9.6 s at 48 kHz."""
BLOCKS = 8
"""ConvNeXt blocks of the published model."""
AROUND = (REACH * (BLOCKS + 1) + LENGTH // HOP) * HOP
"""Frames of context on either side of a step: the network's receptive field, so the result is that of the whole."""
BLEND = 300.0
"""Hertz below the band's end over which the original is cross-faded to the model's sound."""


class LavaSR(Enhancer):
    """Adds the model's sound above the end of the recording's band, and keeps everything below.

    A recording whose band is not cut off, or only above 19 kHz, is returned unchanged. `strength` s: the treble's
    amplitude is s times the model's.
    """

    extra, packages = "lavasr", ("onnx", "onnxruntime")

    def __init__(self, session: Session) -> None:
        """session: of `graph.py`'s graph."""
        self._session = session
        self._stft = Stft(LENGTH, HOP)

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        if not (weights / GRAPH).is_file():
            from ttsai_server.engines.lavasr.graph import build

            build(weights / SOURCE, weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> LavaSR:
        if not (place.weights / GRAPH).is_file():
            raise WeightsMissing(card.id)
        return cls(Session(place.weights / GRAPH, place.threads))

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        end = band_end(recording)
        kept = None if end is None else _kept(end, recording.rate)
        for first in range(0, recording.frames, STEP):
            if cancellation.cancelled:
                raise Cancelled
            sound = recording.read(first, STEP)
            if kept is not None:
                sound = self._extended(recording, first, kept, request.strength, cancellation)
            yield Audio(np.clip(sound, -1, 1), recording.rate)

    def close(self) -> None:
        self._session.close()

    def _extended(
        self, recording: Recording, first: int, kept: Array, strength: float, cancellation: Cancellation
    ) -> Array:
        """Up to STEP frames from `first` on. kept: (bins, 1, 1), share of the original."""
        before = min(first, AROUND)
        count = min(STEP, recording.frames - first)
        heard = self._stft.analyse(recording.read(first - before, before + count + AROUND))
        made = strength * self._made(heard, cancellation)
        mixed = (made + kept * (heard - made)).astype(np.complex64)
        return self._stft.synthesise(mixed, before + count)[before:]

    def _made(self, heard: Spectrum, cancellation: Cancellation) -> Spectrum:
        """The model's spectrum, in all bins."""
        magnitude = np.ascontiguousarray(np.abs(heard).transpose(1, 2, 0))
        made = self._session.run({"magnitude": magnitude}, cancellation)
        return (made["real"] + np.complex64(1j) * made["imaginary"]).transpose(2, 0, 1)


def _kept(end: float, rate: int) -> Array:
    """Share of the original, float32 (bins, 1, 1): 1 up to BLEND below the band's end, 0 above it."""
    hertz = np.arange(BINS) * rate / LENGTH
    return np.clip((end - hertz) / BLEND, 0, 1).astype(np.float32)[:, None, None]
