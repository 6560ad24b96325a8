"""Finds key, tempo and metre of music, with NumPy only.

Sound whose pitches don't fit a semitone scale gets no key, and sound without a regular beat no tempo: for speech,
noise, a hum, drums alone or a pad without beats the result is None and a reason, not a guess.
"""

from __future__ import annotations

from collections.abc import Generator

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Analysis, ModelCard
from ttsai_server.engines.base import Analyzer, Cancellation, Cancelled, LoadContext
from ttsai_server.engines.music.features import BLOCK, RATE, FeatureExtractor, Features, joined
from ttsai_server.engines.music.judgement import judge
from ttsai_server.errors import EngineFailed


class MusicAnalyzer(Analyzer):
    """Analyzer of mono sound at 22,050 Hz. Deterministic; needs 3 kB of memory per second of sound."""

    native = False

    def __init__(self) -> None:
        self._extractor: FeatureExtractor | None = FeatureExtractor()

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> MusicAnalyzer:
        return cls()

    def analyze(self, recording: Recording, cancellation: Cancellation) -> Generator[Analysis]:
        if self._extractor is None:
            raise EngineFailed("The engine is closed.")
        extractor, blocks = self._extractor, list[Features]()
        for start in range(0, recording.frames, BLOCK):
            if cancellation.cancelled:
                raise Cancelled
            blocks.append(extractor.extract(recording, start))
            yield Analysis(start / RATE, min(start + BLOCK, recording.frames) / RATE)
        if cancellation.cancelled:
            raise Cancelled
        music = judge(joined(blocks) if blocks else None)
        yield Analysis(recording.seconds, recording.seconds, music, last=True)

    def close(self) -> None:
        self._extractor = None
