from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pytest
import soxr
from tests.engines.conftest import Riddles
from tests.engines.enhancer import EnhancerContract, joined, recorded, steps
from tests.engines.rooms import Room, direct_to_reverberant, likeness, reverberation_time, room
from tests.listening import Ear, margin, wer

from ttsai_server.domain import Audio
from ttsai_server.engines.wpe import adapter, suppression
from ttsai_server.engines.wpe.adapter import Wpe

RATE = 48_000
ROOMS = (0.3, 0.6, 1.0)
"""Reverberation times, seconds."""
STRENGTH = 0.6
"""As of intensity 3, which is the default."""
Heard = list[tuple[str, np.ndarray]]
"""What was said, and how it sounds."""


class TestWpe(EnhancerContract):
    model_id = "wpe"


@dataclass(frozen=True, slots=True)
class Scene:
    """A talk in a room."""

    room: Room
    said: np.ndarray
    """float (n,)."""
    heard: np.ndarray
    """float32 (n, 2)."""

    @property
    def early(self) -> np.ndarray:
        return self.room.early(self.said)


@pytest.fixture(scope="module")
def engine() -> Wpe:
    return Wpe(RATE)


@pytest.fixture(scope="module")
def said(sayings: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """SAYINGS at 48 kHz, a third of a second between them."""
    pause = np.zeros((RATE // 3, 1))
    parts = [part for _, saying in sayings[:-1] for part in (pause, soxr.resample(saying, 16_000, RATE))]
    return np.concatenate(parts)[:, 0]


@pytest.fixture(scope="module")
def scenes(said: np.ndarray) -> dict[float, Scene]:
    places = {seconds: room(seconds, RATE) for seconds in ROOMS}
    return {seconds: Scene(place, said, _halved(place.heard(said))) for seconds, place in places.items()}


def _halved(sound: np.ndarray) -> np.ndarray:
    return 0.5 * sound / np.max(np.abs(sound))


def better(engine: Wpe, sound: np.ndarray, strength: float = STRENGTH) -> np.ndarray:
    with recorded(sound, RATE) as recording:
        return joined(steps(engine, recording, strength))


@pytest.mark.parametrize("seconds", ROOMS)
def test_the_rooms_are_as_they_should_be(scenes: dict[float, Scene], seconds: float) -> None:
    response = scenes[seconds].room.responses[0]
    assert reverberation_time(response, RATE) == pytest.approx(seconds, rel=0.15)
    assert -16 < direct_to_reverberant(response, RATE) < -4


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", ROOMS)
def test_speech_in_a_room_comes_nearer_to_what_was_said(
    engine: Wpe, scenes: dict[float, Scene], seconds: float, channels: int
) -> None:
    scene = scenes[seconds]
    made = better(engine, scene.heard[:, :channels])[:, 0]
    for wanted, gain in ((scene.said, 0.05), (scene.early, 0.3)):
        assert likeness(made, wanted) > likeness(scene.heard[:, 0], wanted) + gain


def in_the_room(riddles: Riddles) -> Heard:
    """In the room of 1 s, float32 (n, 2) at RATE."""
    place = room(1.0, RATE)
    return [(text, _halved(place.heard(soxr.resample(sound, 16_000, RATE)[:, 0]))) for text, sound in riddles]


def misheard(ear: Ear, sounds: Heard) -> float:
    """The share of the words."""
    return fmean(wer(text, ear.listen(Audio(sound[:, :1], RATE))) for text, sound in sounds)


def dried(engine: Wpe, wet: Heard, channels: int) -> Heard:
    return [(text, better(engine, sound[:, :channels])) for text, sound in wet]


@pytest.fixture(scope="module")
def wet(riddles: Riddles) -> Heard:
    return in_the_room(riddles)


@pytest.fixture(scope="module")
def misheard_before(ear: Ear, wet: Heard) -> float:
    return misheard(ear, wet)


@pytest.mark.parametrize("channels", [1, 2])
def test_no_more_words_are_misheard(engine: Wpe, wet: Heard, misheard_before: float, ear: Ear, channels: int) -> None:
    after = misheard(ear, dried(engine, wet, channels))
    assert after < misheard_before + margin(misheard_before, sum(len(text.split()) for text, _ in wet))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 2])
def test_fewer_words_are_misheard(engine: Wpe, many_riddles: Riddles, ear: Ear, channels: int) -> None:
    """`python -m benchmarks rooms` measures it in three rooms."""
    wet = in_the_room(many_riddles)
    assert misheard(ear, dried(engine, wet, channels)) < misheard(ear, wet)


@pytest.mark.parametrize("seconds", ROOMS)
def test_the_reverberation_time_is_found(engine: Wpe, scenes: dict[float, Scene], seconds: float) -> None:
    spectrum = engine._stft.analyse(scenes[seconds].heard[: 10 * RATE])
    hop = engine._stft.hop
    assert suppression.reverberation_time(spectrum, RATE / (4 * hop), RATE / hop) == pytest.approx(seconds, rel=0.35)


def test_more_strength_takes_more(engine: Wpe, scenes: dict[float, Scene]) -> None:
    scene = scenes[0.6]
    sound = scene.heard[: 10 * RATE, :1]
    likenesses = [likeness(better(engine, sound, strength)[:, 0], scene.early) for strength in (0.2, 0.4, 0.6, 0.8, 1)]
    assert likenesses == sorted(likenesses)


def test_dry_speech_is_hardly_touched(engine: Wpe, said: np.ndarray) -> None:
    dry = _halved(said[: 12 * RATE, None]).astype(np.float32)
    assert likeness(better(engine, dry)[:, 0], dry[:, 0]) > 15


def test_seams_are_not_heard(engine: Wpe, scenes: dict[float, Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    heard = scenes[0.6].heard[:, :1]
    pieces = better(engine, heard)[:, 0]
    monkeypatch.setattr(adapter, "LENGTH", 60.0)
    whole = better(engine, heard)[:, 0]
    step = round((10.0 - adapter.OVERLAP) * RATE)
    assert likeness(pieces, whole) > 15
    for seam in (step, step + round(adapter.OVERLAP * RATE)):
        around = pieces[seam - 480 : seam + 480]
        assert abs(float(around[480] - around[479])) <= np.max(np.abs(np.diff(around[:470])))


@pytest.mark.parametrize("hertz", [220, 1000])
def test_a_steady_tone_is_turned_down_no_more_than_is_said(engine: Wpe, hertz: int) -> None:
    tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(6 * RATE) / RATE).astype(np.float32)[:, None]
    made = better(engine, tone, 1.0)[RATE : 5 * RATE]
    assert 20 * np.log10(np.std(made) / np.std(tone)) > -adapter.DEEPEST - 0.5
