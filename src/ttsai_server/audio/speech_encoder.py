"""Stretches and joins pieces of speech, and encodes them as one file."""

from typing import BinaryIO

import numpy as np

from ttsai_server.audio.dsp import Joiner, Samples, stretch
from ttsai_server.audio.encode import Encoder
from ttsai_server.domain import Audio


class SpeechEncoder:
    """Blocking, not thread-safe. Without `file` the methods return the bytes that are ready."""

    def __init__(
        self,
        format: str,
        rate: int,
        *,
        target_rate: int | None = None,
        bitrate: int | None = None,
        tempo: float = 1.0,
        file: BinaryIO | None = None,
    ) -> None:
        """format, target_rate, bitrate: as of `Encoder`. rate: Hertz, of the input. tempo: by which to speed it up."""
        """format: a key of `encode.CONTENT_TYPES`. rate: Hertz, of the input. tempo: factor by which to speed it up."""
        self.seconds = 0.0
        """Duration of the output so far."""
        self._rate = rate
        self._tempo = tempo
        self._joiner = Joiner(rate)
        self._encoder = Encoder(format, rate, target_rate=target_rate, bitrate=bitrate, file=file)

    @property
    def piece_start(self) -> float | None:
        """Where the current piece would begin in the output if nothing of it were trimmed, seconds; None: unknown."""
        return None if self._joiner.origin is None else self._joiner.origin / self._rate

    def add(self, audio: Audio) -> bytes:
        """Add sound of the current piece, mono, at `rate`."""
        return self._encode(self._joiner.push(stretch(audio, self._tempo).samples))

    def end_piece(self, pause: float) -> bytes:
        """End the piece; `pause` seconds of silence, before the speed-up, precede the next."""
        return self._encode(self._joiner.end(pause / self._tempo))

    def rest(self, seconds: float) -> bytes:
        """Add silence; seconds: before the speed-up."""
        return self._encode(np.zeros((round(seconds / self._tempo * self._rate), 1), np.float32))

    def finish(self) -> bytes:
        """The last bytes; nothing may be added after it."""
        return self._encoder.finish()

    def _encode(self, samples: Samples) -> bytes:
        self.seconds += len(samples) / self._rate
        return self._encoder.push(samples)
