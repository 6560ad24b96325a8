"""Time stretching, and joining pieces of speech; samples are float32 (n, channels) in [-1, 1]."""

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import Audio

Samples = NDArray[np.float32]

_GATE = 10 ** (-46 / 20)
"""A frame is silence if its RMS is below this fraction of the peak (-46 dB); soft consonants are above -40 dB."""
_FRAME = 0.010
"""The gate's window, seconds."""
_MARGIN = 0.040
"""Silence kept on either side of speech, seconds: consonants start and fade there."""
_FADE = 0.005
"""Length of the fades at the ends of a piece, seconds."""


def stretch(audio: Audio, factor: float) -> Audio:
    """Make the sound `factor` times as fast and keep its pitch: n / factor samples, shifted by at most 15 ms.

    By Signalsmith Stretch (a phase vocoder with spectral smoothing); .003 CPU-seconds per second of sound.
    Deterministic.
    """
    if factor == 1 or not len(audio.samples):
        return audio
    from python_stretch import Signalsmith

    machine = Signalsmith.Stretch(0)
    machine.preset(audio.samples.shape[1], audio.rate)
    machine.setTimeFactor(factor)
    stretched = cast(Samples, machine.process(np.ascontiguousarray(audio.samples.T)))
    return replace(audio, samples=np.clip(stretched.T, -1, 1))


class Joiner:
    """Joins pieces of speech with given pauses between them.

    The silence that an engine puts around a piece is trimmed to a margin, its ends are faded to avoid clicks, and a
    pause is measured from speech to speech. A piece may come in several pushes: only what may be trailing silence is
    held back.
    """

    def __init__(self, rate: int) -> None:
        """rate: Hertz."""
        self.origin: int | None = None
        """Where in all that was returned the current piece would begin if nothing of it were trimmed; None: it has been
        silent so far."""
        self._returned = 0
        self._rate = rate
        self._frame = round(_FRAME * rate)
        self._margin = round(_MARGIN * rate)
        self._fade = round(_FADE * rate)
        self._peak = 0.0
        """Loudest sample so far, of all pieces: soft pieces are gated relative to the voice's usual level."""
        self._held: Samples | None = None
        self._speaking = False
        """Whether the current piece has got past its leading silence."""
        self._owed = 0
        """Samples of silence to put before the next piece, its own margin included."""

    def push(self, samples: Samples) -> Samples:
        """Add samples of the current piece, (n, channels); returns those that are ready, possibly none."""
        held = samples if self._held is None else np.concatenate([self._held, samples])
        self._peak = max(self._peak, float(np.max(np.abs(samples), initial=0)))
        if not self._speaking:
            held = self._begin(held)
        _, end = self._loud(held)
        ready = max(0, min(end, len(held) - self._fade)) if self._speaking else 0
        self._held = held[ready:]
        self._returned += ready
        return held[:ready]

    def end(self, pause: float) -> Samples:
        """End the piece; `pause` seconds of silence will precede the next. Returns the piece's last samples."""
        held, self._held = self._held, None
        self.origin = None
        if held is None or not self._speaking:
            return np.zeros((0, 1 if held is None else held.shape[1]), np.float32)
        self._speaking = False
        _, loud = self._loud(held)
        tail = held[: loud + self._margin].copy()
        ramp = min(self._fade, len(tail))
        tail[len(tail) - ramp :] *= np.linspace(1, 0, ramp, dtype=np.float32)[:, None]
        self._owed = round(pause * self._rate) - (len(tail) - loud)
        self._returned += len(tail)
        return tail

    def _begin(self, held: Samples) -> Samples:
        """The pause, then the piece from a margin before its first sound; unchanged while it is all silence."""
        begin, end = self._loud(held)
        if begin == end:
            return held
        self._speaking = True
        head = min(begin, self._margin)
        speech = held[begin - head :].copy()
        ramp = min(self._fade, len(speech))
        speech[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)[:, None]
        silence = max(0, self._owed - head)
        self.origin = self._returned + silence - (begin - head)
        return np.concatenate([np.zeros((silence, held.shape[1]), np.float32), speech])

    def _loud(self, samples: Samples) -> tuple[int, int]:
        """First and last sample (exclusive) above the gate; equal if there are none."""
        padding = -len(samples) % self._frame
        frames = np.pad(samples, ((0, padding), (0, 0))).reshape(-1, self._frame * samples.shape[1])
        above = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1)) > _GATE * self._peak)
        if not len(above):
            return 0, 0
        return int(above[0]) * self._frame, min(len(samples), (int(above[-1]) + 1) * self._frame)
