"""What every engine that speaks with voices from recordings must do, beside what every engine that speaks must."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.engines.synthesizer import SynthesizerContract
from tests.engines.voice_encoder import VoiceEncoderContract

from ttsai_server.domain import ModelCard, Preset, Reference, SpeechRequest, Voice
from ttsai_server.engines.base import Cancellation, Cloner
from ttsai_server.runtime.wire import decode, encode


class ClonerContract(VoiceEncoderContract, SynthesizerContract):
    """Where the card lists no voices, the one made from the recording speaks in the tests of every synthesizer."""

    kind = Cloner
    language: ClassVar[str] = "en"
    """BCP 47: what the voice from a recording speaks here."""

    made: ClassVar[Reference]

    @pytest.fixture(scope="class")
    @classmethod
    def voice(cls, card: ModelCard, reference: Reference) -> Voice:
        cls.made = reference
        return card.voices[0] if card.voices else Voice("", "", card.id, cls.language, "neutral", card.languages)

    def request_for(self, voice: Voice, text: str, **changes: Any) -> SpeechRequest:
        speaker = Preset(voice.id) if voice.id else self.made
        return replace(SpeechRequest(text, (speaker,), voice.language), **changes)

    def cloned(self, engine: Cloner, reference: Reference, text: str, **changes: Any) -> np.ndarray:
        voices = changes.pop("voices", (reference,))
        request = SpeechRequest(text, voices, self.language, **changes)
        return np.concatenate([audio.samples for audio in engine.synthesize(request, Cancellation())])

    @pytest.fixture(scope="class")
    @classmethod
    def short_clone(cls, engine: Cloner, reference: Reference) -> np.ndarray:
        """`short` with the voice from the recording, said once for all tests that hear it."""
        return cls().cloned(engine, reference, cls.short)

    def test_it_speaks_with_the_voice(self, engine: Cloner, card: ModelCard, reference: Reference) -> None:
        sound = self.cloned(engine, reference, self.long)
        assert (sound.dtype, sound.ndim, sound.shape[1]) == (np.float32, 2, 1)
        assert np.all(np.isfinite(sound))
        assert 0.05 < np.max(np.abs(sound)) <= 1
        assert 0.03 <= len(sound) / card.rate / len(self.long) <= 0.12

    def test_a_voice_speaks_the_same_after_it_was_stored(
        self, engine: Cloner, card: ModelCard, reference: Reference, short_clone: np.ndarray
    ) -> None:
        stored = decode(encode(reference)[0][4:], lambda: 0)
        assert self.same(card, short_clone, self.cloned(engine, stored, self.short))

    def test_a_voice_speaks_the_same_in_another_process(
        self, card: ModelCard, reference: Reference, weights: Any, short_clone: np.ndarray
    ) -> None:
        other = self.loaded(card, weights)
        assert isinstance(other, Cloner)
        try:
            assert self.same(card, short_clone, self.cloned(other, reference, self.short))
        finally:
            other.close()

    def test_it_blends_with_the_cards_voices(
        self, engine: Cloner, card: ModelCard, reference: Reference, short_clone: np.ndarray
    ) -> None:
        if not (card.blends and card.voices):
            pytest.skip("its card says that it does not blend")
        preset = Preset(card.voices[0].id)
        alone = self.cloned(engine, reference, self.short, voices=(preset,))
        blend = self.cloned(engine, reference, self.short, voices=(preset, reference))
        for one in (alone, short_clone):
            length = min(len(one), len(blend))
            assert np.max(np.abs(one[:length] - blend[:length])) > 0.01
