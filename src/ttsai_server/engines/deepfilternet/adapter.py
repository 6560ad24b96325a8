"""DeepFilterNet3, noise suppression, by ONNX Runtime: the publisher's network, with our own STFT and features."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer, LoadContext
from ttsai_server.engines.deepfilternet.guard import Guard, staying
from ttsai_server.engines.deepfilternet.stream import HOP, LAG, RATE, Stream
from ttsai_server.engines.shared.detector import Detector, open_detector
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import WeightsMissing

Array = NDArray[np.float32]
SOURCE, GRAPH = "DeepFilterNet3_onnx.tar.gz", "denoiser.onnx"
STRETCH = 4 * RATE
"""Samples per step, a multiple of HOP."""
LIMITING = 1.5
"""The share of noise that always remains is (1 - strength) to this power, but at least FLOOR."""
FLOOR = 10 ** (-34 / 20)
"""Share of noise that remains at strength 1: a trace of it masks gaps that the model leaves in soft speech."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    noisy: Array
    """(n, channels)."""
    clean: Array
    voices: Array
    """(channels, 2): whether the removed sound is speech, from `Guard.add`."""


class DeepFilterNet(Enhancer):
    """Removes noise from speech at 48 kHz, in each channel separately. Other voices are not noise: see `guard.py`.

    `strength` limits the attenuation: to 5 dB at 1/3, 14 dB at 2/3, 34 dB at 1.
    """

    extra, packages = "deepfilternet", ("faster_whisper", "onnx", "onnxruntime")

    def __init__(self, session: Session, detect: Detector) -> None:
        """session: of `graph.py`'s graph."""
        self._session, self._detect = session, detect

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        from ttsai_server.engines.deepfilternet.graph import build

        if not (weights / GRAPH).is_file():
            build(weights / SOURCE, weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> DeepFilterNet:
        if not (place.weights / GRAPH).is_file():
            raise WeightsMissing(card.id)
        # recurrent networks gain little from several threads
        return cls(Session(place.weights / GRAPH, threads=1), open_detector())

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        floor = np.maximum(FLOOR, (1 - request.strength) ** LIMITING, dtype=np.float32)
        before = None
        for stretch, after in pairwise(chain(self._cleaned(recording, cancellation), [None])):
            assert stretch
            kept = floor + (1 - floor) * _staying(before or stretch, stretch, after or stretch)
            mixed = kept * stretch.noisy + (1 - kept) * stretch.clean
            yield Audio(np.clip(mixed, -1, 1), recording.rate)
            before = stretch

    def close(self) -> None:
        self._session.close()

    def _cleaned(self, recording: Recording, cancellation: Cancellation) -> Iterator[_Stretch]:
        streams = [self._stream(cancellation) for _ in range(recording.channels)]
        guards = [Guard(self._detect) for _ in range(recording.channels)]
        for stream, ahead in zip(streams, _read(recording, 0, LAG).T, strict=True):
            stream.push(ahead)
        for start in range(0, recording.frames, STRETCH):
            if cancellation.cancelled:
                raise Cancelled
            noisy = recording.read(start, STRETCH)
            ahead = _read(recording, start + LAG, -(-len(noisy) // HOP) * HOP)
            clean = np.stack([s.push(a) for s, a in zip(streams, ahead.T, strict=True)], axis=1)[: len(noisy)]
            voices = np.stack([g.add(n, c) for g, n, c in zip(guards, noisy.T, clean.T, strict=True)])
            yield _Stretch(noisy, clean, voices)

    def _stream(self, cancellation: Cancellation) -> Stream:
        shapes = self._session.shapes().items()
        silence = {name: np.zeros(shape, np.float32) for name, shape in shapes if name.startswith("state")}
        return Stream(lambda inputs: self._session.run(inputs, cancellation), silence)


def _read(recording: Recording, start: int, count: int) -> Array:
    """float32 (count, channels), zero-padded at the end."""
    sound = recording.read(start, count)
    return np.pad(sound, ((0, count - len(sound)), (0, 0)))


def _staying(before: _Stretch, stretch: _Stretch, after: _Stretch) -> Array:
    """Share of the removed sound to keep, (n, channels): interpolated from the value for the two stretches around its
    start to that for the two around its end."""
    start, end = (staying(one.voices + other.voices) for one, other in ((before, stretch), (stretch, after)))
    return np.linspace(start, end, len(stretch.noisy), dtype=np.float32)
