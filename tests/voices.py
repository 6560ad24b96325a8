"""Recordings of voices for tests that need no real speech."""

import io

import numpy as np
from tests.engines.voice_encoder import SPEECH_RATE, syllables

from ttsai_server.audio.encode import Encoder


def voice_file(hertz: float = 150, seconds: float = 6, *, gain: float = 1.0, noise: float = 0.0) -> bytes:
    """A FLAC file of something like a voice of that pitch, with a pause. noise: its RMS."""
    sound = gain * syllables(hertz, seconds)
    middle = len(sound) // 2
    sound[middle - SPEECH_RATE // 4 : middle + SPEECH_RATE // 4] = 0
    sound += noise * np.random.default_rng(0).normal(size=sound.shape)
    return flac(np.clip(sound, -1, 1).astype(np.float32), SPEECH_RATE)


def flac(sound: np.ndarray, rate: int) -> bytes:
    """float32 (n, channels) as a FLAC file."""
    file = io.BytesIO()
    encoder = Encoder("flac", rate, channels=sound.shape[1], file=file)
    encoder.push(sound)
    encoder.finish()
    return file.getvalue()
