"""Deezer's own weights for two stems, on music whose vocals are known: Kokoro speaks over a band of `pieces`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.engines.conftest import RATE as SPEECH_RATE
from tests.engines.music.instruments import RATE as MUSIC_RATE
from tests.engines.music.pieces import piece
from tests.engines.separator import Sound, joined, steps

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.spleeter.adapter import Spleeter
from ttsai_server.settings import Settings

RATE = 44_100
SONGS = {"woman": 3, "man": 10}
"""Who speaks, as the first two of `sayings` do → seed of the piece that is played to it."""
LEAST_GAIN = 8.0
"""Decibels."""


@dataclass(frozen=True, slots=True)
class Song:
    """All float32 (n, 2) at RATE."""

    vocals: Sound
    music: Sound
    stems: dict[str, Sound]
    """What Spleeter makes of the sum."""


@pytest.fixture(scope="module")
def songs(sayings: list[tuple[int, Sound]], spleeter_weights: Path) -> Iterator[dict[str, Song]]:
    """Vocals and music are as loud as each other."""
    engine = Spleeter.load(read_card(Settings().models.cards / "spleeter-2stems.toml"), LoadContext(spleeter_weights))
    lyrics = [np.concatenate([sound for who, sound in sayings if who == number]) for number in range(len(SONGS))]
    yield {voice: sung(engine, speech, seed) for (voice, seed), speech in zip(SONGS.items(), lyrics, strict=True)}
    engine.close()


def sung(engine: Spleeter, speech: Sound, seed: int) -> Song:
    voice = soxr.resample(speech[:, 0], SPEECH_RATE, RATE)
    band = soxr.resample(piece(seed, seconds=len(voice) / RATE + 1).sound[:, 0], MUSIC_RATE, RATE)[: len(voice) + 500]
    vocals = np.stack([voice, voice], axis=1)
    music = np.stack([band[:-500], 0.8 * band[500:]], axis=1)  # 11 ms apart: wider than the voice
    vocals, music = (0.1 * sound / np.std(sound) for sound in (vocals, music))
    with Recording(RATE, 2) as recording:
        recording.append((vocals + music).astype(np.float32))
        return Song(vocals, music, joined(steps(engine, recording)))


def fidelity(truth: Sound, estimate: Sound) -> float:
    """SI-SDR (Le Roux et al. 2019, "SDR: half-baked or well done?"), decibels."""
    target = truth * np.vdot(estimate, truth) / np.vdot(truth, truth)
    return 10 * float(np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2)))


@pytest.mark.parametrize("voice", SONGS)
def test_the_vocals_are_much_purer_than_in_the_mix(songs: dict[str, Song], voice: str) -> None:
    song = songs[voice]
    before = fidelity(song.vocals, song.vocals + song.music)
    assert fidelity(song.vocals, song.stems["vocals"]) - before > LEAST_GAIN


@pytest.mark.parametrize("voice", SONGS)
def test_the_music_is_much_purer_too(songs: dict[str, Song], voice: str) -> None:
    song = songs[voice]
    before = fidelity(song.music, song.vocals + song.music)
    assert fidelity(song.music, song.stems["accompaniment"]) - before > LEAST_GAIN


@pytest.mark.parametrize("voice", SONGS)
def test_the_stems_sum_to_the_mix(songs: dict[str, Song], voice: str) -> None:
    song = songs[voice]
    np.testing.assert_allclose(sum(song.stems.values()), song.vocals + song.music, atol=1e-4)
