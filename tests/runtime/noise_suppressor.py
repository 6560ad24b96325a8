"""An engine that can't run in the server's environment: its package is not there, and NumPy is too new for it."""

from collections.abc import Callable, Generator
from typing import Any, Self

import numpy as np

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer, LoadContext

RATE, FRAME = 16_000, 160
"""Hertz; samples that the suppressor takes at once."""
STEP = 500 * FRAME


class NoiseSuppressor(Enhancer):
    """WebRTC's noise suppression, channel by channel, at 16 kHz."""

    def __init__(self, suppressor: Callable[[int], Any]) -> None:
        """suppressor: level from 1 to 4 → what takes FRAME samples, 16 bits each, and gives as many."""
        self._suppressor = suppressor

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        from webrtc_noise_gain import AudioProcessor  # pyright: ignore[reportMissingImports]

        def suppressor(level: int) -> Any:
            return AudioProcessor(0, level).Process10ms

        return cls(suppressor)

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        level = max(1, round(4 * request.strength))
        suppressors = [self._suppressor(level) for _ in range(recording.channels)]
        for start in range(0, recording.frames, STEP):
            if cancellation.cancelled:
                raise Cancelled
            samples = recording.read(start, STEP)
            cleaned = [_suppressed(samples[:, i], suppressor) for i, suppressor in enumerate(suppressors)]
            yield Audio(np.stack(cleaned, axis=1), recording.rate)

    def close(self) -> None:
        """Nothing to free."""


def _suppressed(samples: Any, suppressor: Any) -> Any:
    """Float32 (n,) → the same without noise."""
    shape = (-(-len(samples) // FRAME), FRAME)
    padded = np.zeros(np.product(shape), np.int16)  # pyright: ignore - of NumPy 1, gone from NumPy 2
    padded[: len(samples)] = np.round(samples * 32767)
    frames = [suppressor(frame.tobytes()).audio for frame in padded.reshape(shape)]
    return np.frombuffer(b"".join(frames), np.int16)[: len(samples)].astype(np.float32) / 32768
