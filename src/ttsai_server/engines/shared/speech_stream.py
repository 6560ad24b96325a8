"""Voice activity detection by Silero VAD in sound that comes bit by bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.shared.detector import FRAME

RATE = 16_000
"""Hertz, of its sound."""
CONTEXT = 64
"""Samples before a frame that the network is given with it."""
STATE = (1, 1, 128)


class SpeechStream:
    """Blocking; some 0.2 ms a frame. Not thread-safe."""

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._network: Any = get_vad_model().session
        self._hidden, self._cell = np.zeros(STATE, np.float32), np.zeros(STATE, np.float32)
        self._heard = np.zeros(CONTEXT, np.float32)
        """The sound that has not been looked at, after the context of its first frame."""

    def add(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of speech in each frame of FRAME samples that is complete now. samples: (n,) at RATE."""
        heard = np.concatenate([self._heard, samples])
        count = (len(heard) - CONTEXT) // FRAME
        self._heard = heard[count * FRAME :]
        if not count:
            return np.zeros(0, np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(heard, CONTEXT + FRAME)[::FRAME][:count]
        inputs = {"input": np.ascontiguousarray(frames), "h": self._hidden, "c": self._cell}
        found, self._hidden, self._cell = self._network.run(None, inputs)
        return found.reshape(-1)
