"""What every engine that takes a mix apart must do. A test of one is a class that inherits the suite, names its model.

Its weights may be random: nothing here asks what is in a stem.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from tests.engines.contract import EngineContract
from tests.engines.enhancer import Sound, recorded

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Stems
from ttsai_server.engines.base import Cancellation, Cancelled, Separator
from ttsai_server.engines.catalog import load_class
from ttsai_server.errors import EngineFailed


def steps(engine: Separator, recording: Recording) -> list[Stems]:
    return list(engine.separate(recording, Cancellation()))


def joined(made: Sequence[Stems]) -> dict[str, Sound]:
    return {stem: np.concatenate([step.samples[stem] for step in made]) for stem in made[0].samples}


def alike(one: Mapping[str, Sound], other: Mapping[str, Sound]) -> bool:
    return all(np.array_equal(one[stem], other[stem]) for stem in one)


class SeparatorContract(EngineContract):
    kind = Separator
    seconds: ClassVar[float] = 14.0
    """Long enough for more than one step."""

    def apart(self, engine: Separator, card: ModelCard, sound: Sound) -> dict[str, Sound]:
        with recorded(sound, card.rate) as recording:
            return joined(steps(engine, recording))

    @pytest.fixture(scope="class")
    @classmethod
    def sound(cls, card: ModelCard) -> Sound:
        """A chord that goes on, beats, and a hiss on one side, (n, 2)."""
        random = np.random.default_rng(0)
        time = np.arange(round(cls.seconds * card.rate)) / card.rate
        chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (110, 277, 660))
        beats = np.exp(-20 * (time % 0.5)) * random.standard_normal(len(time))
        hiss = random.standard_normal(len(time))
        return np.stack([0.1 * chord + 0.2 * beats, 0.1 * chord + 0.02 * hiss], axis=1).astype(np.float32)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, engine: Separator, card: ModelCard, sound: Sound) -> list[Stems]:
        with recorded(sound, card.rate) as recording:
            return steps(engine, recording)

    def test_the_stems_are_those_of_the_card(self, made: list[Stems], card: ModelCard) -> None:
        assert {tuple(step.samples) for step in made} == {card.stems}

    def test_sound_is_float32_at_the_cards_rate(self, made: list[Stems], card: ModelCard) -> None:
        kinds = {(stem.dtype.name, stem.ndim) for step in made for stem in step.samples.values()}
        assert kinds == {("float32", 2)}
        assert {step.rate for step in made} == {card.rate}

    def test_each_stem_is_as_long_as_the_recording(self, made: list[Stems], sound: Sound) -> None:
        assert {stem.shape for stem in joined(made).values()} == {sound.shape}

    def test_a_steps_stems_are_as_long_as_each_other(self, made: list[Stems]) -> None:
        assert all(len({len(stem) for stem in step.samples.values()}) == 1 for step in made)

    def test_it_takes_more_than_one_step_of_30_seconds_at_most(self, made: list[Stems]) -> None:
        assert len(made) > 1
        assert max(step.seconds for step in made) <= 30

    def test_no_stem_is_silent_or_broken(self, made: list[Stems]) -> None:
        for stem in joined(made).values():
            assert np.all(np.isfinite(stem))
            assert np.std(stem) > 1e-4

    def test_a_seam_between_steps_is_no_click(self, made: list[Stems], sound: Sound) -> None:
        """Where a step ends, a stem bends no more than it does elsewhere."""
        seams = np.cumsum([len(next(iter(step.samples.values()))) for step in made])[:-1]
        for stem in joined(made).values():
            bend = np.abs(np.diff(stem, 2, axis=0)).max(1)
            assert max(bend[seam - 3 : seam + 1].max() for seam in seams) <= np.quantile(bend, 0.9999)

    @pytest.mark.parametrize("frames", [1, 7, 4096])
    def test_a_short_sound_keeps_its_length(
        self, engine: Separator, card: ModelCard, sound: Sound, frames: int
    ) -> None:
        assert {stem.shape for stem in self.apart(engine, card, sound[:frames]).values()} == {(frames, 2)}

    def test_an_empty_recording_has_no_sound(self, engine: Separator, card: ModelCard) -> None:
        with Recording(card.rate, 2) as recording:
            assert sum(step.seconds for step in steps(engine, recording)) == 0

    def test_silence_stays_silent(self, engine: Separator, card: ModelCard) -> None:
        stems = self.apart(engine, card, np.zeros((card.rate, 2), np.float32))
        assert max(float(np.abs(stem).max()) for stem in stems.values()) < 1e-4

    def test_mono_is_what_two_equal_sides_are_averaged(self, engine: Separator, card: ModelCard, sound: Sound) -> None:
        mono = sound[: 2 * card.rate, :1]
        sides = self.apart(engine, card, np.repeat(mono, 2, axis=1))
        for stem, samples in self.apart(engine, card, mono).items():
            assert samples.shape == mono.shape
            np.testing.assert_allclose(samples[:, 0], sides[stem].mean(1), atol=1e-5)

    def test_what_two_threads_take_apart_at_once_is_what_each_does_alone(
        self, engine: Separator, card: ModelCard, sound: Sound
    ) -> None:
        """Which is also: one recording has one answer."""
        parts = [sound[: 2 * card.rate], sound[-2 * card.rate :]]
        alone = [self.apart(engine, card, part) for part in parts]
        together: dict[int, dict[str, Sound]] = {}

        def work(number: int) -> None:
            together[number] = self.apart(engine, card, parts[number])

        threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(alike(together[number], alone[number]) for number in (0, 1))

    def test_told_to_stop_it_does_not_begin(self, engine: Separator, card: ModelCard, sound: Sound) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with recorded(sound, card.rate) as recording, pytest.raises(Cancelled):
            next(engine.separate(recording, cancellation))

    def test_told_to_stop_it_ends_at_the_next_step(self, engine: Separator, card: ModelCard, sound: Sound) -> None:
        cancellation = Cancellation()
        with recorded(sound, card.rate) as recording:
            made = engine.separate(recording, cancellation)
            next(made)
            cancellation.cancel()
            with pytest.raises(Cancelled):
                next(made)

    def test_of_a_long_recording_it_reads_30_seconds_at_a_time_at_most(
        self, engine: Separator, card: ModelCard, sound: Sound, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its memory does not grow with the length."""
        asked: list[int] = []

        def read(recording: Recording, start: int, count: int) -> np.ndarray:
            asked.append(count)
            return whole(recording, start, count)

        whole = Recording.read
        monkeypatch.setattr(Recording, "read", read)
        with recorded(np.resize(sound, (60 * card.rate, 2)), card.rate) as recording:
            next(engine.separate(recording, Cancellation()))
        assert 0 < max(asked) <= 30 * card.rate

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path, sound: Sound) -> None:
        engine = load_class(card).load(card, self.place(weights))
        assert isinstance(engine, Separator)
        engine.close()
        engine.close()
        with pytest.raises(EngineFailed, match="closed"):
            self.apart(engine, card, sound)
