"""Clearer speech: as loud as it should be, and no louder, by FFmpeg's own meter."""

import numpy as np
import pytest
import soxr
from tests.engines.conftest import RATE as SAID_RATE
from tests.engines.enhancer import EnhancerContract, Sound, joined, recorded, steps

from ttsai_server.audio.filters import Filters
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Enhancer

RATE = 48_000


def measured(sound: Sound) -> tuple[float, float]:
    """(LUFS, dBTP)."""
    meter = Filters(RATE, sound.shape[1], [("ebur128", {"metadata": 1, "peak": "true"})])
    meter.push(sound)
    meter.finish()
    peak = float(meter.metadata["lavfi.r128.true_peak"])
    return float(meter.metadata["lavfi.r128.I"]), 20 * np.log10(max(peak, 1e-6))


_TIME = np.arange(3 * RATE) / RATE
_GAINS = {40: 0.1, 300: 0.1, 1000: 0.1, 3500: 0.01}
TONES = np.sum([gain * np.sin(2 * np.pi * hertz * _TIME) for hertz, gain in _GAINS.items()], 0)[:, None]
"""Rumble, mud, the middle, presence; not so shrill that it is taken for an s."""


def tones(sound: Sound) -> list[float]:
    """dB of each of the four."""
    spectrum = np.abs(np.fft.rfft(sound[:, 0])) / len(sound)
    return [float(20 * np.log10(spectrum[hertz * 3])) for hertz in _GAINS]


class TestClarity(EnhancerContract):
    model_id = "clarity"

    @pytest.fixture(scope="class")
    @classmethod
    def speech(cls, spoken: np.ndarray) -> Sound:
        """A sentence twice, (n, 1)."""
        return soxr.resample(np.tile(spoken, (2, 1)), SAID_RATE, RATE).astype(np.float32)

    @pytest.mark.parametrize("decibels", [-15, 0, 6])
    @pytest.mark.parametrize("strength", [1 / 3, 2 / 3, 1])
    def test_speech_ends_as_loud_as_it_should(
        self, engine: Enhancer, card: ModelCard, speech: Sound, strength: float, decibels: float
    ) -> None:
        sound = np.clip(speech * np.float32(10 ** (decibels / 20)), -1, 1)
        loudness, peak = measured(self.better(engine, card, sound, strength))
        assert loudness == pytest.approx(-16, abs=0.5)
        assert peak <= -1

    @pytest.mark.parametrize("channels", [2, 6, 8])
    def test_many_channels_end_as_loud_together(
        self, engine: Enhancer, card: ModelCard, speech: Sound, channels: int
    ) -> None:
        sound = speech * np.linspace(0.2, 1, channels, dtype=np.float32)
        made = self.better(engine, card, sound)
        assert measured(made)[0] == pytest.approx(-16, abs=0.5)
        assert np.allclose(np.std(made, axis=0) / np.std(made[:, -1]), np.linspace(0.2, 1, channels), atol=0.02)

    def test_the_same_in_any_loudness_ends_the_same(self, engine: Enhancer, card: ModelCard, speech: Sound) -> None:
        one, other = (self.better(engine, card, speech * np.float32(gain)) for gain in (0.2, 0.8))
        assert np.max(np.abs(one - other)) < 0.01

    def test_clicks_are_not_limited_without_end(self, engine: Enhancer, card: ModelCard, speech: Sound) -> None:
        """It stays softer instead, and its peak is where it may be."""
        sound = 0.02 * speech
        sound[:: RATE // 2] = 1
        loudness, peak = measured(self.better(engine, card, sound))
        assert loudness < -17
        assert -2 < peak <= -1

    def test_a_room_in_which_nobody_speaks_is_raised_by_30_db_at_most(self, engine: Enhancer, card: ModelCard) -> None:
        room = (10 ** (-60 / 20) * np.random.default_rng(0).standard_normal((3 * RATE, 1))).astype(np.float32)
        assert measured(self.better(engine, card, room))[0] < measured(room)[0] + 33

    @pytest.mark.parametrize("strength", [1 / 3, 1])
    def test_it_is_aligned(self, engine: Enhancer, card: ModelCard, speech: Sound, strength: float) -> None:
        """To the sample, but for the phase of the equaliser, which is ahead."""
        made = self.better(engine, card, speech, strength)[:, 0]
        lags = np.arange(-5, 6)
        assert lags[np.argmax([np.dot(np.roll(speech[:, 0], lag), made) for lag in lags])] in (-1, 0)

    def test_a_click_stays_where_it_is(self, engine: Enhancer, card: ModelCard) -> None:
        click = np.zeros((RATE, 1), np.float32)
        click[12_345] = 0.5
        assert np.argmax(np.abs(self.better(engine, card, click))) == 12_345

    def test_rumble_and_mud_go_and_presence_comes(self, engine: Enhancer, card: ModelCard) -> None:
        change = [
            after - before for before, after in zip(tones(TONES), tones(self.better(engine, card, TONES)), strict=True)
        ]
        rumble, mud, middle, presence = change
        assert rumble < middle - 8
        assert middle - 4 < mud < middle - 2
        assert middle + 2 < presence < middle + 5

    def test_a_weaker_one_changes_less(self, engine: Enhancer, card: ModelCard) -> None:
        presence = [tones(self.better(engine, card, TONES, strength))[3] for strength in (1 / 3, 2 / 3, 1)]
        assert presence == sorted(presence)
        assert presence[2] > presence[0] + 1

    def test_loud_and_soft_come_nearer(self, engine: Enhancer, card: ModelCard, speech: Sound) -> None:
        sound = np.concatenate([speech, speech * np.float32(0.1)])
        made = self.better(engine, card, sound)
        middle = len(speech)
        assert np.std(made[:middle]) / np.std(made[middle:]) < 7

    def test_the_first_steps_only_listen(self, engine: Enhancer, card: ModelCard, sound: Sound) -> None:
        with recorded(sound, card.rate) as recording:
            made = steps(engine, recording)
        assert [len(audio.samples) for audio in made[:4]] == [0, 0, 0, 0]
        assert joined(made).shape == sound.shape
