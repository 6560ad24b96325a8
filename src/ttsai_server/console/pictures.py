"""What a sound looks like: its waveform and spectrogram, small enough to be sent to a page."""

from base64 import b64encode
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

BARS = 400
COLUMNS, ROWS = 400, 128
WINDOW = 1024
"""Samples."""
FLOOR_DB = -80.0
"""Below the loudest; quieter is drawn as black."""


@dataclass(frozen=True, slots=True)
class Picture:
    seconds: float
    wave: str
    """Base64 of BARS bytes: the peak in each equal part of the sound, 255 is full scale."""
    spectrogram: str
    """Base64 of ROWS x COLUMNS bytes, the highest frequency first: levels, 255 is the loudest; frequencies are evenly
    spaced up to half the sample rate."""


def picture(recording: Recording) -> Picture:
    """Blocking. The spectrogram looks at one window in the middle of each column, so that hours take no longer."""
    edges = np.linspace(0, recording.frames, BARS + 1, dtype=np.int64)
    peaks = np.array([_peak(recording, start, end) for start, end in pairwise(edges)])
    return Picture(
        recording.seconds,
        _base64(np.sqrt(np.minimum(peaks, 1)) * 255),
        _base64(_levels(recording)[::-1] * 255),
    )


def _peak(recording: Recording, start: int, end: int) -> float:
    """Of the first blocks of a part; a part of a recording of hours is not read whole."""
    samples = recording.read(int(start), min(int(end - start), 1 << 16))
    return float(np.abs(samples).max(initial=0))


def _levels(recording: Recording) -> NDArray[np.float32]:
    """(ROWS, COLUMNS), 0 to 1, the lowest frequency first."""
    middles = (np.arange(COLUMNS) + 0.5) * recording.frames / COLUMNS
    columns = [_spectrum(recording, int(middle)) for middle in middles]
    power = np.stack(columns, axis=1)
    decibels = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-12), 1e-12))
    return np.clip(1 - decibels / FLOOR_DB, 0, 1).astype(np.float32)


def _spectrum(recording: Recording, middle: int) -> NDArray[np.float32]:
    """Power in ROWS bands of one window."""
    samples = recording.read(max(0, middle - WINDOW // 2), WINDOW).mean(axis=1)
    samples = np.pad(samples, (0, WINDOW - len(samples))) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(samples))[1:] ** 2
    return np.array([band.mean() for band in np.array_split(power, ROWS)], np.float32)


def _base64(levels: NDArray[np.floating]) -> str:
    return b64encode(levels.astype(np.uint8).tobytes()).decode()
