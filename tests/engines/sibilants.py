"""Where words that begin with a sibilant really begin: it is all that is loud above 4.5 kHz."""

import numpy as np
from numpy.typing import NDArray

TEXT = "Some men really see silver in a blue sunset or under a cellar on a summer Sunday."
STEPS = 400
"""Steps per second in which its loudness is taken."""


def hiss(sound: NDArray[np.float32], near: float, rate: int) -> float:
    """Where the loudest noise above 4.5 kHz near a moment begins, seconds: there it rises over a third of its peak."""
    spectrum = np.fft.rfft(sound)
    spectrum[: round(4500 / (rate / 2) * len(spectrum))] = 0
    step = rate // STEPS
    high = np.fft.irfft(spectrum, len(sound))[: len(sound) // step * step].reshape(-1, step)
    level = np.convolve(np.sqrt(np.mean(high**2, axis=1)), np.ones(3) / 3, "same")
    low, top = max(0, round(STEPS * (near - 0.1))), round(STEPS * (near + 0.2))
    peak = low + int(np.argmax(level[low:top]))
    while peak and level[peak - 1] > level[low:top].max() / 3:
        peak -= 1
    return peak * step / rate
