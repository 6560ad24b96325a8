"""Measures the stock voices of Kokoro for its search of timbres, and writes `stock.npz`: some minutes of work.

python -m benchmarks.stock_voices
"""

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.backend import PhonemeChunk
from ttsai_server.engines.kokoro.chain import Chain
from ttsai_server.engines.kokoro.prosody import Prosody
from ttsai_server.engines.kokoro.stock import FILE, HALF, SENTENCE
from ttsai_server.engines.kokoro.styles import Array, row
from ttsai_server.engines.shared.speaker_encoder import SpeakerEncoder
from ttsai_server.settings import Settings

PASSAGE = (
    "Good morning. The weather was fine, so we walked along the river to the old mill, "
    "and asked a farmer for bread and honey."
)
"""What prosody is measured of."""
LONG = (
    "The committee will meet again on Thursday morning to discuss the new library. Several neighbours have asked for "
    "longer opening hours, better lighting near the entrance, and a quiet room where children can finish their work."
)
"""What the embedding of a voice is measured of, to compare with that of SENTENCE."""
LONG_VOICES = (
    "af_heart", "af_bella", "am_adam", "am_michael", "bf_emma",
    "bm_george", "am_fenrir", "af_nicole", "am_onyx", "af_sky",
)  # fmt: skip
Floats = NDArray[np.float64]
MIXED = 50
"""Random blends of timbres, each with the prosody of others: what tells the two halves' effects apart."""
COMPONENTS, PROSODIES = 20, 6
"""Principal components of the timbres, and of the prosodies, that the embedding is said to depend on."""
RIDGE = 5.0
STEP = 0.0125
"""Seconds per value of the pitch and energy that the model predicts."""
VOICED = 50.0
"""Hertz: a lower pitch is none."""


class Studio:
    def __init__(self) -> None:
        models = Settings().models
        card = read_card(models.cards / "kokoro.toml")
        self.voices = tuple(voice.id for voice in card.voices)
        self._kokoro = Kokoro.load(card, LoadContext(models.dir / card.id))
        self._encoder, self._rate = SpeakerEncoder(models.dir), card.rate
        backend = self._kokoro._backend
        assert isinstance(backend, Chain)
        self._backend = backend
        self.tables = np.stack([self._kokoro._styles.table(voice) for voice in self.voices])

    def embedding(self, text: str, table: Array) -> Array:
        sound = self._backend.speak(self._chunk(text, table), Cancellation()).waveform
        return self._encoder.embed(sound, self._rate, Cancellation())

    def prosody(self, table: Array) -> Floats:
        """As the model predicts it of PASSAGE: (3,)."""
        known = self._backend._with_prosody(self._chunk(PASSAGE, table), Cancellation())
        pitch, level = (known[name][0].astype(np.float64) for name in ("f0", "energy"))
        found = Prosody.of(np.where(pitch > VOICED, pitch, 0), level / 2, STEP)
        assert found
        return found.vector

    def _chunk(self, text: str, table: Array) -> PhonemeChunk:
        phonemes, _ = self._kokoro._phonemes(SpeechRequest(text, (), "en-us"))
        return PhonemeChunk(self._kokoro._ids(phonemes), row(table, len(phonemes)), 1.0)


def main() -> None:
    studio, chance = Studio(), np.random.default_rng(0)
    tables = [*studio.tables, *(_mixed(studio.tables, chance) for _ in range(MIXED))]
    styles = np.stack([table.mean(axis=0) for table in tables])
    embeddings = np.stack([studio.embedding(SENTENCE, table) for table in tables])
    stock = len(studio.tables)
    basis, components = _components(styles[:, :HALF], stock, COMPONENTS)
    _, prosodies = _components(styles[:, HALF:], stock, PROSODIES)
    known = np.hstack([components, prosodies])
    gram = known.T @ known + RIDGE * np.eye(COMPONENTS + PROSODIES)
    response = np.linalg.solve(gram, known.T @ (embeddings - embeddings.mean(axis=0)))[:COMPONENTS].T
    long = {voice: studio.embedding(LONG, studio.tables[studio.voices.index(voice)]) for voice in LONG_VOICES}
    extra = np.mean([embeddings[studio.voices.index(voice)] - long[voice] for voice in long], axis=0)
    np.savez_compressed(
        FILE,
        voices=np.array(studio.voices),
        prosody=np.stack([studio.prosody(table) for table in studio.tables]).astype(np.float32),
        embeddings=embeddings[:stock].astype(np.float16),
        basis=basis.astype(np.float16),
        response=response.astype(np.float16),
        sentence=extra.astype(np.float16),
    )


def _mixed(tables: Array, chance: np.random.Generator) -> Array:
    """The timbre of three voices and the prosody of two others, by chance."""
    halves = [
        np.tensordot(chance.dirichlet([0.7] * count), tables[chance.choice(len(tables), count, replace=False)], 1)
        for count in (3, 2)
    ]
    return np.concatenate([halves[0][:, :HALF], halves[1][:, HALF:]], axis=1).astype(np.float32)


def _components(halves: Array, stock: int, count: int) -> tuple[Floats, Floats]:
    """The principal components of the first `stock` halves, of the size of their deviation, and all halves in them."""
    mean = halves[:stock].mean(axis=0)
    _, sizes, directions = np.linalg.svd(halves[:stock] - mean, full_matrices=False)
    deviations = sizes[:count, None] / np.sqrt(stock)
    return directions[:count] * deviations, (halves - mean) @ directions[:count].T / deviations.T


if __name__ == "__main__":
    main()
