"""Embeddings of speakers' voices: Resemblyzer's encoder, whose weights are those of the model `speakers`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.engines.shared.speaker_mel import HOP, RATE, mel
from ttsai_server.errors import WeightsMissing

Array = NDArray[np.float32]
MODEL, GRAPH = "speakers", "encoder.onnx"
WINDOW, STEP = 160, 77
"""Frames of 10 ms per window, and from one to the next: as in the package's `embed_utterance`."""
LOUDNESS = 1e-3
"""Mean square that speech is scaled to, -30 dBFS: the spectrum has no logarithm."""
PAUSE = 10 ** (-35 / 10)
"""A tenth of a second with a mean square below this share of the loudest one's is a pause, and left out (-35 dB)."""
BATCH = 32


class SpeakerEncoder:
    """Thread-safe."""

    def __init__(self, models: Path) -> None:
        """models: the folder that the model's folder is in. Raises WeightsMissing."""
        graph = models / MODEL / GRAPH
        if not graph.is_file():
            raise WeightsMissing(MODEL)
        self._session = Session(graph, threads=1)  # a recurrent network gains little from several threads

    def embed(self, samples: Array, rate: int, cancellation: Cancellation) -> Array:
        """The embedding of (n,) samples at `rate` Hz of one person's speech: (256,), of norm 1; zeros for silence."""
        spectrum = mel(_speech(soxr.resample(samples, rate, RATE)))
        missing = max(0, WINDOW - len(spectrum))
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(spectrum, ((0, missing), (0, 0))), WINDOW, axis=0)
        batches = [
            np.ascontiguousarray(windows[::STEP][at : at + BATCH].transpose(0, 2, 1))
            for at in range(0, -(-len(windows) // STEP), BATCH)
        ]
        embeddings = [self._session.run({"mel": batch}, cancellation)["embedding"] for batch in batches]
        mean = np.concatenate(embeddings).mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-6)

    def close(self) -> None:
        """Free it. Idempotent."""
        self._session.close()


def _speech(sound: Array) -> Array:
    """Without pauses, at LOUDNESS. sound: at RATE."""
    blocks = np.pad(sound, (0, -len(sound) % (10 * HOP))).reshape(-1, 10 * HOP)
    power = np.mean(blocks**2, axis=1)
    spoken = blocks[power > PAUSE * power.max(initial=0)].reshape(-1)
    return spoken * np.float32(np.sqrt(LOUDNESS / (np.mean(spoken**2) if len(spoken) else 1)))
