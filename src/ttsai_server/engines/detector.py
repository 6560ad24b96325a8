"""Whether somebody speaks: Silero's detector (MIT), as faster-whisper carries it."""

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

FRAME = 512
"""Samples at 16 kHz that the detector judges at once."""

Detector = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Samples, a multiple of FRAME, which it may change → probability of speech in each frame."""


def open_detector() -> Detector:
    from faster_whisper.vad import get_vad_model

    model = get_vad_model()
    return lambda samples: cast("NDArray[np.float32]", model(samples)).reshape(-1)
