"""Silero VAD, version 6 (MIT licence), as it comes with faster-whisper: a recurrent network that judges 32 ms after
32 ms."""

from collections.abc import Generator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import DETECTION_FRAME, FrameSpeech, ModelCard, SoundFrames
from ttsai_server.engines.base import Cancellation, LoadContext, SpeechDetector
from ttsai_server.errors import EngineFailed

CONTEXT = 64
"""Samples before a frame that are heard with it."""
MEMORY = 128
"""Size of each of the network's two recurrent states."""


class Silero(SpeechDetector):
    """Its state is the two recurrent states, then the last CONTEXT samples."""

    extra, packages = "whisper", ("faster_whisper",)

    def __init__(self, session: Any, rate: int) -> None:
        """session: an `onnxruntime.InferenceSession`, which is thread-safe."""
        self._session = session
        self._rate = rate

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        from faster_whisper.vad import get_vad_model

        return cls(get_vad_model().session, card.rate)

    def detect_speech(self, frames: SoundFrames, cancellation: Cancellation) -> Generator[FrameSpeech]:
        if not self._session:
            raise EngineFailed("The engine is closed.")
        state = np.zeros(2 * MEMORY + CONTEXT, np.float32) if frames.state is None else frames.state
        h, c, before = np.split(state, [MEMORY, 2 * MEMORY])
        sound = np.concatenate([before, frames.samples])
        inputs = {"input": _with_context(sound), "h": h.reshape(1, 1, -1), "c": c.reshape(1, 1, -1)}
        probabilities, h, c = self._session.run(None, inputs)
        after = np.concatenate([h.reshape(-1), c.reshape(-1), sound[-CONTEXT:]])
        yield FrameSpeech(probabilities.reshape(-1), after, len(frames.samples) / self._rate)

    def close(self) -> None:
        self._session = None


def _with_context(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (CONTEXT + n,) → (frames, CONTEXT + DETECTION_FRAME), each frame after the samples before it."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, CONTEXT + DETECTION_FRAME)
    return np.ascontiguousarray(windows[::DETECTION_FRAME])
