"""What every engine that makes voices from recordings must do; the suites of cloners and converters share it."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
import soxr
from tests.engines.contract import EngineContract, assert_they_cover

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Embedding, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Cancelled, VoiceEncoder
from ttsai_server.runtime.wire import decode, encode

Sound = np.ndarray
"""float32 (n, 1)."""
SPEECH_RATE = 16_000


def syllables(hertz: float, seconds: float, rate: int = SPEECH_RATE) -> Sound:
    """Something like a voice of that pitch: four vowels a second, a pulse train through two formants, with rests."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = hertz * (1 + 0.05 * np.sin(2 * np.pi * 0.7 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    harmonics = range(1, int(4000 / hertz))
    formants = {n: sum(1 / (1 + ((n * hertz - f) / 150) ** 2) for f in (600, 1400)) for n in harmonics}
    vowel = sum(size * np.sin(n * phase) for n, size in formants.items())
    sound = vowel * np.clip(np.sin(2 * np.pi * 4 * time) + 0.4, 0, 1)
    return (0.4 * sound / np.abs(sound).max()).astype(np.float32)[:, None]


def recorded(sound: Sound, rate: int) -> Recording:
    """The caller closes it."""
    recording = Recording(rate)
    recording.append(sound)
    return recording


class VoiceEncoderContract(EngineContract):
    kind = VoiceEncoder
    hertz: ClassVar[float] = 130
    """Pitch of the speaker whose voice is made."""
    seconds: ClassVar[float] = 12
    """Length of the recording that it is made from."""

    @pytest.fixture(scope="class")
    @classmethod
    def reference_sound(cls, card: ModelCard) -> Sound:
        """The recording that a voice is made from, at the card's rate. Real speech overrides it."""
        return soxr.resample(syllables(cls.hertz, cls.seconds), SPEECH_RATE, card.rate).astype(np.float32)

    @pytest.fixture(scope="class")
    @classmethod
    def embeddings(cls, engine: VoiceEncoder, card: ModelCard, reference_sound: Sound) -> Sequence[Embedding]:
        with recorded(reference_sound, card.rate) as recording:
            return list(engine.embed(recording, Cancellation()))

    @pytest.fixture(scope="class")
    @classmethod
    def reference(cls, embeddings: Sequence[Embedding]) -> Reference:
        voice = embeddings[-1].reference
        assert voice
        return voice

    def test_only_the_last_step_has_the_voice(
        self, embeddings: Sequence[Embedding], reference_sound: Sound, card: ModelCard
    ) -> None:
        assert [step.reference is None for step in embeddings] == [True] * (len(embeddings) - 1) + [False]
        assert_they_cover(embeddings, len(reference_sound) / card.rate)

    def test_the_voice_names_its_model_and_is_plain_finite_data(self, reference: Reference, card: ModelCard) -> None:
        assert reference.model == card.id
        assert reference.arrays
        for array in reference.arrays.values():
            assert array.dtype != object
            assert np.all(np.isfinite(array)) if array.dtype.kind == "f" else True

    def test_a_similarity_is_a_cosine(self, reference: Reference) -> None:
        assert reference.similarity is None or -1 <= reference.similarity <= 1

    def test_the_voice_survives_the_way_to_another_process(self, reference: Reference) -> None:
        frame, descriptors = encode(reference)
        back = decode(frame[4:], lambda: 0)
        assert (list(descriptors), back.model, back.similarity) == ([], reference.model, reference.similarity)
        assert back.arrays.keys() == reference.arrays.keys()
        assert all(np.array_equal(back.arrays[name], array) for name, array in reference.arrays.items())

    def test_an_embedding_that_is_cancelled_does_not_begin(
        self, engine: VoiceEncoder, card: ModelCard, reference_sound: Sound
    ) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with recorded(reference_sound, card.rate) as recording, pytest.raises(Cancelled):
            next(engine.embed(recording, cancellation))

    def test_an_embedding_ends_at_the_step_after_it_is_cancelled(
        self, engine: VoiceEncoder, card: ModelCard, reference_sound: Sound
    ) -> None:
        cancellation = Cancellation()
        with recorded(reference_sound, card.rate) as recording:
            steps = engine.embed(recording, cancellation)
            if not next(steps).last:
                cancellation.cancel()
                with pytest.raises(Cancelled):
                    next(steps)
