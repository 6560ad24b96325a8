"""A recording as windows that end in silence, and where somebody speaks in them.

Speech is found by Silero VAD (Silero Team 2021), in the copy that faster-whisper brings.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

RATE = 16_000
"""Hertz that Silero VAD, and every model here, takes."""
LONGEST = 30 * RATE
"""Samples in a window."""
PAUSE, MARGIN = 0.5, 0.2
"""Seconds: silence that ends a stretch of speech, and what of it is kept on either side."""
ONSET = RATE // 2
"""Samples at the end of a window in which speech may begin without being known for it yet."""
FRAME = RATE // 10


@dataclass(frozen=True, slots=True)
class Window:
    start: int
    """Its first sample in the recording."""
    samples: NDArray[np.float32]
    """Shape (n,), in [-1, 1]."""
    speech: tuple[tuple[int, int], ...]
    """(first, end) sample in the window of each stretch of speech, in order."""

    @property
    def end(self) -> int:
        return self.start + len(self.samples)


def windows(recording: Recording) -> Generator[Window]:
    """All of a mono recording at 16 kHz, one window of at most 30 s after the other; one is in memory at a time."""
    start = 0
    while start < recording.frames:
        samples = recording.read(start, LONGEST)[:, 0]
        speech = _speech(samples)
        if start + len(samples) < recording.frames:
            samples = samples[: _cut(samples, speech)]
        inside = ((first, min(end, len(samples))) for first, end in speech if first < len(samples))
        yield Window(start, samples, tuple(inside))
        start += len(samples)


def _speech(samples: NDArray[np.float32]) -> list[tuple[int, int]]:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=round(PAUSE * 1000), speech_pad_ms=round(MARGIN * 1000))
    return [(found["start"], found["end"]) for found in get_speech_timestamps(samples, options)]


def _cut(samples: NDArray[np.float32], speech: list[tuple[int, int]]) -> int:
    """Where more sound follows: after the last speech, else before it, else where the second half is quietest."""
    half, last = len(samples) // 2, len(samples) - ONSET
    if not speech or speech[-1][1] <= last:
        return last
    if speech[-1][0] > half:
        return speech[-1][0]
    frames = np.square(samples[half:last]).reshape(-1, FRAME).mean(axis=1)
    return half + int(frames.argmin()) * FRAME + FRAME // 2
