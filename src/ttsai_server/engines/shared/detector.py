"""Whether somebody speaks: Silero's detector (MIT), as faster-whisper carries it."""

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

FRAME = 512
"""Samples at 16 kHz that the detector judges at once."""
LOUD_SHARE = 0.01
"""Share of the frames that are louder than the level by which a sound is raised: a click here and there is not it."""
FAINT, RAISED, MOST_GAIN = 10 ** (-35 / 20), 10 ** (-20 / 20), 10 ** (60 / 20)
"""A sound whose loudest frames are under FAINT, root mean square, is brought to RAISED, by no more than MOST_GAIN."""

Detector = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Samples, a multiple of FRAME, which it may change → probability of speech in each frame."""


def open_detector() -> Detector:
    from faster_whisper.vad import get_vad_model

    model = get_vad_model()
    return lambda samples: cast("NDArray[np.float32]", model(samples)).reshape(-1)


def audible(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound, float32 (n,) at 16 kHz, loud enough for the detector: it takes faint speech for none.

    What is loud enough is left as it is; noise that is raised is still no speech to the detector.
    """
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return sound
    level = float(np.quantile(np.sqrt(np.mean(np.square(frames), axis=1)), 1 - LOUD_SHARE))
    if not 0 < level < FAINT:
        return sound
    return sound * np.float32(min(RAISED / level, MOST_GAIN))
