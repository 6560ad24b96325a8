"""Pieces of speech → one continuous encoding: stretched, joined, encoded."""

from typing import BinaryIO

import numpy as np

from ttsai_server.audio.dsp import Joiner, Samples, stretch
from ttsai_server.audio.encode import Encoder
from ttsai_server.domain import Audio


class SpeechEncoder:
    """Blocking, so not for the event loop; for one thread at a time. Without `file` the methods return the bytes."""

    def __init__(self, format: str, rate: int, *, tempo: float = 1.0, file: BinaryIO | None = None) -> None:
        """format: a key of `encode.CONTENT_TYPES`. rate: of what is added, Hertz. tempo: how much faster it is made."""
        self.seconds = 0.0
        """Length of the sound so far."""
        self._rate = rate
        self._tempo = tempo
        self._joiner = Joiner(rate)
        self._encoder = Encoder(format, rate, file=file)

    def add(self, audio: Audio) -> bytes:
        """More of a piece, mono at `rate`."""
        return self._encode(self._joiner.push(stretch(audio, self._tempo).samples))

    def end_piece(self, pause: float) -> bytes:
        """The piece is whole; `pause` seconds of silence, at the pace of what is added, come before the next."""
        return self._encode(self._joiner.end(pause / self._tempo))

    def rest(self, seconds: float) -> bytes:
        """Silence where nothing is said, at the pace of what is added."""
        return self._encode(np.zeros((round(seconds / self._tempo * self._rate), 1), np.float32))

    def finish(self) -> bytes:
        """The last bytes; nothing may be added after it."""
        return self._encoder.finish()

    def _encode(self, samples: Samples) -> bytes:
        self.seconds += len(samples) / self._rate
        return self._encoder.push(samples)
