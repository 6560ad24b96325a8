"""Speech in noise, at 48 kHz, and how far what comes out is from the speech."""

from collections.abc import Sequence

import numpy as np
import soxr

from ttsai_server.engines.deepfilternet.stream import RATE

Sound = np.ndarray
"""float32 (n,)."""
NOISES = ("white", "hum", "babble")
VOICES = 6
PAUSE = np.zeros(RATE // 2, np.float32)


def said(sayings: Sequence[Sound], rate: int) -> Sound:
    """Sayings (n, 1) at `rate`, with pauses around them."""
    voices = [soxr.resample(saying[:, 0], rate, RATE, "VHQ") for saying in sayings]
    return np.concatenate([PAUSE, *(part for voice in voices for part in (voice, PAUSE))]).astype(np.float32)


def noise(kind: str, sayings: Sequence[Sound], rate: int, count: int) -> Sound:
    """Of RMS 1. white; hum: of the mains, 50 Hz and eleven harmonics; babble: six who talk at the same time."""
    random, time = np.random.default_rng(0), np.arange(count) / RATE
    if kind == "white":
        sound = random.standard_normal(count)
    elif kind == "hum":
        sound = sum(np.sin(2 * np.pi * 50 * k * time + k) / np.sqrt(k) for k in range(1, 13))
    else:
        voices = [said([sayings[number % len(sayings)]], rate)[len(PAUSE) :] for number in range(VOICES)]
        sound = sum(np.resize(np.roll(v / np.std(v), 9001 * n), count) for n, v in enumerate(voices))
    return (np.asarray(sound) / np.std(np.asarray(sound))).astype(np.float32)


def mixed(speech: Sound, noise: Sound, decibels: float) -> Sound:
    """With the speech so much louder than the noise; half as loud, so that nothing clips."""
    return (0.5 * (speech + noise * np.std(speech) * 10 ** (-decibels / 20))).astype(np.float32)


def echoing(speech: Sound) -> Sound:
    """In a room of RT60 .3 s: after Polack, noise that decays, from 5 ms on, 2 dB softer than the voice itself."""
    count = round(0.3 * RATE)
    room = np.random.default_rng(1).standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    room[: RATE // 200] = 0
    room *= 10 ** (-2 / 20) / np.sqrt(np.sum(room**2))
    room[0] = 1
    length = len(speech) + count
    wet = np.fft.irfft(np.fft.rfft(speech, length) * np.fft.rfft(room, length), length)
    return wet[: len(speech)].astype(np.float32)


def distortion(estimate: Sound, speech: Sound) -> float:
    """SI-SDR, dB (Le Roux et al. 2019): more is better."""
    target = np.dot(estimate, speech) / np.dot(speech, speech) * speech
    return float(10 * np.log10(np.sum(target**2) / (np.sum((estimate - target) ** 2) + 1e-20)))
