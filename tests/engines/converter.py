"""What every engine that lets another voice say what a recording says must do."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soxr
from tests.engines.voice_encoder import SPEECH_RATE, Sound, VoiceEncoderContract, recorded, syllables

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Cancelled, Converter
from ttsai_server.engines.catalog import load_class

QUIET = 10 ** (-50 / 20)
"""Peak of what counts as silence."""


def joined(made: Sequence[Audio]) -> Sound:
    return np.concatenate([np.zeros((0, 1), np.float32), *(audio.samples for audio in made)])


class ConverterContract(VoiceEncoderContract):
    kind = Converter
    source_hertz: ClassVar[float] = 210
    source_seconds: ClassVar[float] = 25
    """Length of what is converted: long enough for more than one step."""

    def converted(self, engine: Converter, card: ModelCard, sound: Sound, target: Reference) -> Sound:
        with recorded(sound, card.rate) as recording:
            return joined(list(engine.convert(recording, target, Cancellation())))

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, card: ModelCard) -> Sound:
        """Speech, then two seconds of silence, then speech. Real speech overrides it."""
        sound = soxr.resample(syllables(cls.source_hertz, cls.source_seconds), SPEECH_RATE, card.rate)
        middle = len(sound) // 2
        sound[middle - card.rate : middle + card.rate] = 0
        return sound.astype(np.float32)

    @pytest.fixture(scope="class")
    @classmethod
    def conversion(cls, engine: Converter, card: ModelCard, source: Sound, reference: Reference) -> list[Audio]:
        with recorded(source, card.rate) as recording:
            return list(engine.convert(recording, reference, Cancellation()))

    def test_sound_is_mono_float32_at_the_cards_rate(self, conversion: list[Audio], card: ModelCard) -> None:
        for audio in conversion:
            assert (audio.samples.dtype, audio.samples.ndim, audio.samples.shape[1]) == (np.float32, 2, 1)
            assert audio.rate == card.rate

    def test_it_is_as_long_as_the_recording_within_2_percent(self, conversion: list[Audio], source: Sound) -> None:
        assert len(joined(conversion)) == pytest.approx(len(source), rel=0.02)

    def test_it_takes_more_than_one_step(self, conversion: list[Audio]) -> None:
        assert len(conversion) > 1

    def test_it_is_neither_silent_nor_too_loud(self, conversion: list[Audio]) -> None:
        sound = joined(conversion)
        assert np.all(np.isfinite(sound))
        assert 0.01 < np.max(np.abs(sound)) <= 1

    def test_it_is_not_the_recording(self, conversion: list[Audio], source: Sound) -> None:
        sound = joined(conversion)
        length = min(len(sound), len(source))
        assert np.max(np.abs(sound[:length] - source[:length])) > 0.01

    def test_a_pause_stays_where_it_is_and_silent(
        self, conversion: list[Audio], source: Sound, card: ModelCard
    ) -> None:
        middle, sound = len(source) // 2, joined(conversion)
        assert np.max(np.abs(sound[middle - card.rate // 2 : middle + card.rate // 2])) < QUIET

    def test_silence_stays_silent(self, engine: Converter, card: ModelCard, reference: Reference) -> None:
        made = self.converted(engine, card, np.zeros((3 * card.rate, 1), np.float32), reference)
        assert len(made) == pytest.approx(3 * card.rate, rel=0.02)
        assert np.max(np.abs(made)) < QUIET

    @pytest.mark.parametrize("frames", [1, 7, 160, 4001])
    def test_a_short_sound_keeps_its_length(
        self, engine: Converter, card: ModelCard, source: Sound, reference: Reference, frames: int
    ) -> None:
        made = self.converted(engine, card, source[:frames], reference)
        assert abs(len(made) - frames) <= 0.02 * frames

    def test_an_empty_recording_has_no_sound(self, engine: Converter, card: ModelCard, reference: Reference) -> None:
        with Recording(card.rate) as recording:
            made = list(engine.convert(recording, reference, Cancellation()))
        assert sum(len(audio.samples) for audio in made) == 0

    def test_a_cancelled_conversion_does_not_begin(
        self, engine: Converter, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with recorded(source, card.rate) as recording, pytest.raises(Cancelled):
            next(engine.convert(recording, reference, cancellation))

    def test_a_conversion_ends_at_the_step_after_it_is_cancelled(
        self, engine: Converter, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        cancellation = Cancellation()
        with recorded(source, card.rate) as recording:
            made = engine.convert(recording, reference, cancellation)
            next(made)
            cancellation.cancel()
            with pytest.raises(Cancelled):
                next(made)

    def test_a_step_cut_short_does_not_harm_the_next(
        self, engine: Converter, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        cancellation = Cancellation()
        timer = threading.Timer(0.05, cancellation.cancel)
        with recorded(source, card.rate) as recording:
            timer.start()
            with suppress(Cancelled):
                list(engine.convert(recording, reference, cancellation))
            timer.join()
        part = source[: 3 * card.rate]
        assert len(self.converted(engine, card, part, reference)) == pytest.approx(len(part), rel=0.02)

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = load_class(card).load(card, self.place(weights))
        engine.close()
        engine.close()
