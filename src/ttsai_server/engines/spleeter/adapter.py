"""Spleeter (Hennequin et al. 2020) without TensorFlow: the publisher's own weights, in ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Stems
from ttsai_server.engines.base import Cancellation, LoadContext, Separator
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.engines.spleeter.spectrum import HOP, SIZE, WIDTH, Samples, Spectrum, Synthesis, analyse
from ttsai_server.errors import WeightsMissing

Array = NDArray[np.float32]
GRAPH = "masks.onnx"
FRAMES, BINS = 512, 1024
"""Size of the networks' input: 11.9 s, up to 11 kHz."""
STEP = FRAMES * HOP
"""Frames of sound per step."""


class Spleeter(Separator):
    """Separator of 44.1 kHz sound. The stems sum to the mix, unless `above` is "silent"; a step yields 11.9 s.

    The networks don't process sound above 11 kHz. Mono is processed as stereo with equal channels.
    """

    extra, packages = "spleeter", ("onnx", "onnxruntime")

    class Setup(Separator.Setup):
        activation: Literal["relu", "elu"]
        """Activation function that the networks were trained with; the checkpoint does not contain it."""
        softmax: bool
        """Whether the masks are a softmax over the stems, else a sigmoid for each; not in the checkpoint either."""
        above: Literal["average", "silent"] = "average"
        """A stem's share of the mix above 11 kHz: in each frame the mean of its shares below, or 0.

        The publisher's `mask_extension` is "average" or "zeros" (its default), which is "silent" here: then no stem
        contains anything above 11 kHz.
        """

    def __init__(self, stems: tuple[str, ...], setup: Setup, session: Session) -> None:
        """session: of `graph.py`'s graph."""
        self._stems, self._setup, self._session = stems, setup, session

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        from ttsai_server.engines.spleeter.checkpoint import read_checkpoint
        from ttsai_server.engines.spleeter.graph import build

        if not (weights / GRAPH).is_file():
            setup = cls.Setup.model_validate(dict(card.setup))
            build(read_checkpoint(weights), len(card.stems), setup.activation, setup.softmax, weights / GRAPH)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Spleeter:
        if not (place.weights / GRAPH).is_file():
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.setup))
        return cls(card.stems, setup, Session(place.weights / GRAPH, place.threads))

    def separate(self, recording: Recording, cancellation: Cancellation) -> Generator[Stems]:
        synthesis = {stem: Synthesis(2) for stem in self._stems}
        for start in range(-SIZE, recording.frames, STEP):
            spectrum = analyse(_stretch(recording, start, STEP + SIZE - HOP))
            masks = self._masks(np.abs(spectrum[:, :, :BINS]), cancellation)
            made = {
                stem: synthesis[stem].push(self._masked(spectrum, mask))
                for stem, mask in zip(self._stems, masks, strict=True)
            }
            own = slice(max(0, -start), recording.frames - start)
            yield Stems({stem: _as_in(recording, sound[own]) for stem, sound in made.items()}, recording.rate)

    def close(self) -> None:
        self._session.close()

    def _masks(self, magnitude: Array, cancellation: Cancellation) -> Array:
        """(2, 512, 1024) → (stems, 2, 512, 1024)."""
        return self._session.run({"magnitude": magnitude}, cancellation)["masks"]

    def _masked(self, spectrum: Spectrum, mask: Array) -> Spectrum:
        made = np.empty_like(spectrum)
        np.multiply(spectrum[:, :, :BINS], mask, made[:, :, :BINS])
        above = mask.mean(2, keepdims=True) if self._setup.above == "average" else np.float32(0)
        np.multiply(spectrum[:, :, BINS:WIDTH], above, made[:, :, BINS:WIDTH])
        return made


def _stretch(recording: Recording, start: int, count: int) -> Samples:
    """float32 (count, 2) from frame `start` on, zero outside the recording."""
    before = max(0, -start)
    samples = recording.read(start + before, count - before)
    padded = np.pad(samples, ((before, count - before - len(samples)), (0, 0)))
    return np.broadcast_to(padded, (count, 2))


def _as_in(recording: Recording, sound: Samples) -> Samples:
    """(n, 2) → (n, channels of the recording)."""
    return sound if recording.channels == 2 else sound.mean(1, keepdims=True)
