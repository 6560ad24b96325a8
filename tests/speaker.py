"""Speech for tests of what listens: said by Kokoro once, and kept on disk for all workers of a run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import soxr
from filelock import FileLock
from tests.listening import HEARING_RATE

from ttsai_server.domain import Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.settings import Settings

CARD = read_card(Settings().models.cards / "kokoro.toml")
LANGUAGES = {voice.id: voice.language for voice in CARD.voices}

Sound = np.ndarray


class Speaker:
    """Each voice reads its own language. Kokoro is loaded at the first saying that is not kept yet."""

    def __init__(self, weights: Path, folder: Path) -> None:
        """folder: where what is said is kept; it exists."""
        self._weights, self._folder = weights, folder
        self._engine: Kokoro | None = None

    def say(self, voice: str, text: str) -> Sound:
        """float32 (n, 1) at 16 kHz."""
        (sound,) = self._kept("say", voice, text, self._say)
        return soxr.resample(sound, CARD.rate, HEARING_RATE).astype(np.float32)

    def trimmed(self, voice: str, text: str) -> Sound:
        """As `say`, from the first sound to the last."""
        sound = self.say(voice, text)
        loud = np.flatnonzero(np.abs(sound[:, 0]) > 0.01)
        return sound[loud[0] : loud[-1] + 1]

    def timed(self, voice: str, text: str) -> tuple[Sound, Sequence[float]]:
        """float32 (n,) at 24 kHz; and the second in which each word begins, as Kokoro tells."""
        sound, starts = self._kept("timed", voice, text, self._timed)
        return sound, starts.tolist()

    def close(self) -> None:
        if self._engine:
            self._engine.close()

    def _kept(
        self, how: str, voice: str, text: str, make: Callable[[Kokoro, SpeechRequest], Sequence[np.ndarray]]
    ) -> list[np.ndarray]:
        file = self._folder / f"{sha256(f'{how} {voice} {text}'.encode()).hexdigest()}.npz"
        with FileLock(file.with_suffix(".lock")):  # another worker may be saying it
            if not file.exists():
                np.savez(file, *make(self._loaded(), SpeechRequest(text, (Preset(voice),), LANGUAGES[voice])))
            with np.load(file) as kept:
                return list(kept.values())

    def _loaded(self) -> Kokoro:
        if not self._engine:
            Kokoro.prepare(CARD, self._weights)
            self._engine = Kokoro.load(CARD, LoadContext(self._weights))
        return self._engine

    def _say(self, engine: Kokoro, request: SpeechRequest) -> Sequence[np.ndarray]:
        return [np.concatenate([audio.samples for audio in engine.synthesize(request, Cancellation())])]

    def _timed(self, engine: Kokoro, request: SpeechRequest) -> Sequence[np.ndarray]:
        parts = list(engine.synthesize(replace(request, timestamps=True), Cancellation()))
        starts = [word.start_seconds for part in parts for word in part.words]
        return [np.concatenate([part.samples[:, 0] for part in parts]), np.array(starts)]
