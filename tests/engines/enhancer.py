"""What every engine that betters sound must do. A test of one is a class that inherits it and names its model."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from tests.engines.contract import EngineContract

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer
from ttsai_server.engines.catalog import load_class

Sound = np.ndarray
"""float32 (n, channels)."""


def recorded(sound: Sound, rate: int) -> Recording:
    """(n, channels) as a recording; the caller closes it."""
    recording = Recording(rate, sound.shape[1])
    recording.append(sound)
    return recording


def steps(engine: Enhancer, recording: Recording, strength: float = 1.0) -> list[Audio]:
    return list(engine.enhance(recording, EnhancementRequest(strength), Cancellation()))


def joined(made: Sequence[Audio]) -> Sound:
    return np.concatenate([audio.samples for audio in made])


class EnhancerContract(EngineContract):
    kind = Enhancer
    seconds: ClassVar[float] = 12.0
    """Long enough for more than one step."""

    def better(self, engine: Enhancer, card: ModelCard, sound: Sound, strength: float = 1.0) -> Sound:
        with recorded(sound, card.rate) as recording:
            return joined(steps(engine, recording, strength))

    @pytest.fixture(scope="class")
    @classmethod
    def sound(cls, card: ModelCard) -> Sound:
        """Bursts of noise and tones, (n, 1): something for every engine to work on."""
        random = np.random.default_rng(0)
        count = round(cls.seconds * card.rate)
        time = np.arange(count) / card.rate
        bursts = np.where((time % 0.5) < 0.3, 1.0, 0.05)
        tone = np.sin(2 * np.pi * 220 * time) + 0.5 * np.sin(2 * np.pi * 1760 * time)
        return (0.2 * bursts * (tone + 0.3 * random.standard_normal(count))).astype(np.float32)[:, None]

    @pytest.fixture(scope="class")
    @classmethod
    def bettered(cls, engine: Enhancer, card: ModelCard, sound: Sound) -> list[Audio]:
        with recorded(sound, card.rate) as recording:
            return steps(engine, recording)

    def test_sound_is_float32_at_the_cards_rate(self, bettered: list[Audio], card: ModelCard) -> None:
        assert {(audio.samples.dtype.name, audio.samples.ndim, audio.rate) for audio in bettered} == {
            ("float32", 2, card.rate)
        }

    def test_it_is_as_long_as_the_recording(self, bettered: list[Audio], sound: Sound) -> None:
        assert joined(bettered).shape == sound.shape

    def test_it_takes_more_than_one_step(self, bettered: list[Audio]) -> None:
        assert len(bettered) > 1

    def test_it_is_neither_silent_nor_too_loud(self, bettered: list[Audio]) -> None:
        sound = joined(bettered)
        assert np.all(np.isfinite(sound))
        assert 0.01 < np.max(np.abs(sound)) <= 1

    @pytest.mark.parametrize("frames", [1, 7, 160, 4001])
    def test_a_short_sound_keeps_its_length(self, engine: Enhancer, card: ModelCard, sound: Sound, frames: int) -> None:
        assert self.better(engine, card, sound[:frames]).shape == (frames, 1)

    def test_an_empty_recording_has_no_sound(self, engine: Enhancer, card: ModelCard) -> None:
        with Recording(card.rate) as recording:
            assert sum(len(audio.samples) for audio in steps(engine, recording)) == 0

    def test_silence_stays_silent(self, engine: Enhancer, card: ModelCard) -> None:
        assert np.max(np.abs(self.better(engine, card, np.zeros((card.rate, 1), np.float32)))) < 1e-3

    @pytest.mark.parametrize("channels", [2, 3])
    def test_every_channel_comes_back(self, engine: Enhancer, card: ModelCard, sound: Sound, channels: int) -> None:
        many = np.concatenate([np.roll(sound[: 2 * card.rate], 100 * n) for n in range(channels)], axis=1)
        assert self.better(engine, card, many).shape == many.shape

    def test_sides_are_not_mixed_up(self, engine: Enhancer, card: ModelCard, sound: Sound) -> None:
        left = sound[: 3 * card.rate]
        sides = np.concatenate([left, 0.01 * np.roll(left, card.rate // 4)], axis=1)
        made = self.better(engine, card, sides)
        assert np.std(made[:, 0]) > 10 * np.std(made[:, 1])

    def test_one_recording_has_one_answer(self, engine: Enhancer, card: ModelCard, sound: Sound) -> None:
        one, other = (self.better(engine, card, sound[: 2 * card.rate]) for _ in range(2))
        assert np.array_equal(one, other)

    def test_two_at_once_get_their_own_sound(self, engine: Enhancer, card: ModelCard, sound: Sound) -> None:
        parts = [sound[: 2 * card.rate], sound[-2 * card.rate :]]
        alone = [self.better(engine, card, part) for part in parts]
        together: dict[int, Sound] = {}

        def work(number: int) -> None:
            together[number] = self.better(engine, card, parts[number])

        threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(together[number], alone[number]) for number in (0, 1))

    def test_told_to_stop_it_does_not_begin(self, engine: Enhancer, card: ModelCard, sound: Sound) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with recorded(sound, card.rate) as recording, pytest.raises(Cancelled):
            next(engine.enhance(recording, EnhancementRequest(), cancellation))

    def test_told_to_stop_it_ends_at_the_next_step(self, engine: Enhancer, card: ModelCard, sound: Sound) -> None:
        cancellation = Cancellation()
        with recorded(sound, card.rate) as recording:
            made = engine.enhance(recording, EnhancementRequest(), cancellation)
            next(made)
            cancellation.cancel()
            with pytest.raises(Cancelled):
                next(made)

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = load_class(card).load(card, self.place(weights))
        engine.close()
        engine.close()
