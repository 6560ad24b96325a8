"""Key, tempo and metre of music, by librosa's spectra and beat tracker and what this package makes of them.

What does not keep to half tones has no key, and what does not come back regularly has no tempo: speech, noise, a hum,
drums alone or a pad without beats get None and a reason, not a guess.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Analysis, ModelCard
from ttsai_server.engines.base import Analyzer, Cancellation, Cancelled, Place
from ttsai_server.engines.music.features import BLOCK, HOP, RATE, Features, Floats, Listener, joined
from ttsai_server.engines.music.judgement import judge
from ttsai_server.engines.music.library import open_librosa
from ttsai_server.errors import EngineFailed


class MusicAnalyzer(Analyzer):
    """Analyzer of mono sound at 22,050 Hz. Equal recordings give equal answers; it keeps 3 kB a second of them."""

    def __init__(self, librosa: Any) -> None:
        self._librosa = librosa

    @classmethod
    def load(cls, card: ModelCard, place: Place) -> MusicAnalyzer:
        return cls(open_librosa())

    def warm_up(self, card: ModelCard) -> None:
        """Have Numba compile what it compiles: seconds, if it has not on this machine before."""
        self._track(np.tile(np.repeat([1.0, 0.0], [1, 42]), 20), 120.0)

    def analyze(self, recording: Recording, cancellation: Cancellation) -> Generator[Analysis]:
        if self._librosa is None:
            raise EngineFailed("The engine is closed.")
        listener, blocks = Listener(self._librosa), list[Features]()
        for start in range(0, recording.frames, BLOCK):
            if cancellation.cancelled:
                raise Cancelled
            blocks.append(listener.hear(recording, start))
            yield Analysis(min(start + BLOCK, recording.frames) / RATE)
        if cancellation.cancelled:
            raise Cancelled
        yield Analysis(recording.seconds, judge(joined(blocks) if blocks else None, self._track))

    def close(self) -> None:
        self._librosa = None

    def _track(self, onsets: Floats, bpm: float) -> Floats:
        return self._librosa.beat.beat_track(
            onset_envelope=onsets, sr=RATE, hop_length=HOP, bpm=bpm, trim=False, units="frames"
        )[1]
