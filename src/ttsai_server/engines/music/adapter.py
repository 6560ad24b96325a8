"""Key, tempo and metre of music, by nothing but NumPy.

What does not keep to half tones has no key, and what does not come back regularly has no tempo: speech, noise, a hum,
drums alone or a pad without beats get None and a reason, not a guess.
"""

from __future__ import annotations

from collections.abc import Generator

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Analysis, ModelCard
from ttsai_server.engines.base import Analyzer, Cancellation, Cancelled, LoadContext
from ttsai_server.engines.music.features import BLOCK, RATE, Features, Listener, joined
from ttsai_server.engines.music.judgement import judge
from ttsai_server.errors import EngineFailed


class MusicAnalyzer(Analyzer):
    """Analyzer of mono sound at 22,050 Hz. Equal recordings give equal answers; it keeps 3 kB a second of them."""

    native = False

    def __init__(self) -> None:
        self._listener: Listener | None = Listener()

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> MusicAnalyzer:
        return cls()

    def analyze(self, recording: Recording, cancellation: Cancellation) -> Generator[Analysis]:
        if self._listener is None:
            raise EngineFailed("The engine is closed.")
        listener, blocks = self._listener, list[Features]()
        for start in range(0, recording.frames, BLOCK):
            if cancellation.cancelled:
                raise Cancelled
            blocks.append(listener.hear(recording, start))
            yield Analysis(start / RATE, min(start + BLOCK, recording.frames) / RATE)
        if cancellation.cancelled:
            raise Cancelled
        music = judge(joined(blocks) if blocks else None)
        yield Analysis(recording.seconds, recording.seconds, music, last=True)

    def close(self) -> None:
        self._listener = None
