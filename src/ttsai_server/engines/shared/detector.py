"""Voice activity detection by Silero VAD (MIT licence), as bundled with faster-whisper."""

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

FRAME = 512
"""Samples at 16 kHz for which the detector gives one probability."""
LOUD_SHARE = 0.01
"""The level of a sound is the RMS that this share of its frames exceeds, so that a few clicks don't count."""
FAINT, RAISED, MOST_GAIN = 10 ** (-35 / 20), 10 ** (-20 / 20), 10 ** (60 / 20)
"""A sound whose level is under FAINT is amplified to RAISED, by at most MOST_GAIN."""

Detector = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""float32 (n,) at 16 kHz, n a multiple of FRAME → probability of speech in each frame. It may modify its input."""


def open_detector() -> Detector:
    """Load the detector."""
    from faster_whisper.vad import get_vad_model

    model = get_vad_model()
    return lambda samples: cast("NDArray[np.float32]", model(samples)).reshape(-1)


def audible(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Amplify faint sound, float32 (n,) at 16 kHz, for the detector, which misses faint speech.

    Sound that is loud enough is returned unchanged. Amplified noise is still no speech to the detector.
    """
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return sound
    level = float(np.quantile(np.sqrt(np.mean(np.square(frames), axis=1)), 1 - LOUD_SHARE))
    if not 0 < level < FAINT:
        return sound
    return sound * np.float32(min(RAISED / level, MOST_GAIN))
