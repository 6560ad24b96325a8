"""What goes from graph to graph, and what is said in the end."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ttsai_server.domain import ModelCard, Preset
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro import chain
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.backend import ModelOutput, PhonemeChunk, open_backend
from ttsai_server.engines.kokoro.chain import Chain
from ttsai_server.engines.kokoro.styles import Styles, row
from ttsai_server.engines.kokoro.windows import GRIDS
from ttsai_server.engines.shared.word_clock import between
from ttsai_server.settings import Settings

IDS = (50, 47, 54, 156, 31, 16, 65, 156, 87, 123, 54, 46, 4)
"""həlˈO wˈɜɹld."""


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


@pytest.fixture(scope="module")
def runtime(card: ModelCard, kokoro_weights: Path) -> Generator[Chain]:
    Kokoro.prepare(card, kokoro_weights)
    loaded = open_backend("openvino", "auto", LoadContext(kokoro_weights), 1)
    assert isinstance(loaded, Chain)
    yield loaded
    loaded.close()


def chunk(weights: Path, words: int = 2, voice: str = "af_heart", speed: float = 1.0) -> PhonemeChunk:
    ids = np.array([[0, *(IDS * words)[: 6 * words], 4, 0]], np.int64)
    style = row(Styles(weights / "voices").blend((Preset(voice),)), ids.shape[1] - 2)
    return PhonemeChunk(ids, style, speed)


@pytest.mark.parametrize(
    ("words", "voice", "speed"),
    [
        (1, "am_fenrir", 0.7),
        (2, "af_heart", 3.0),
        (7, "pm_santa", 1.0),
        (10, "af_heart", 0.7),
    ],
)
def test_speech_is_a_multiple_of_the_grid_long(
    runtime: Chain, kokoro_weights: Path, words: int, voice: str, speed: float
) -> None:
    said = runtime.speak(chunk(kokoro_weights, words, voice, speed), Cancellation())
    assert said.frames.sum() % min(GRIDS.values()) == 0
    assert len(said.waveform) == 600 * said.frames.sum()


@pytest.fixture(scope="module")
def both(runtime: Chain, kokoro_weights: Path) -> list[tuple[ModelOutput, ModelOutput]]:
    """Of several steps what is said without most of the silence, and what with all of it."""
    said = ((1, "af_heart"), (2, "bm_george"), (5, "ef_dora"), (9, "bm_george"))
    steps = [chunk(kokoro_weights, words, voice) for words, voice in said]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "_audible", everything)
        whole = [runtime.speak(each, Cancellation()) for each in steps]
    return [(runtime.speak(each, Cancellation()), other) for each, other in zip(steps, whole, strict=True)]


def everything(energy: NDArray[np.float32]) -> tuple[int, int]:
    return 0, energy.shape[-1] // 2


def spoken(pair: tuple[ModelOutput, ModelOutput]) -> list[NDArray[np.float32]]:
    """Of both, from the first phoneme on, as much as either has."""
    sounds = [said.waveform[600 * int(said.frames[0]) :] for said in pair]
    return [sound[: min(map(len, sounds))] for sound in sounds]


def test_a_tenth_is_left_out(both: list[tuple[ModelOutput, ModelOutput]]) -> None:
    ours, theirs = (sum(len(pair[n].waveform) for pair in both) for n in (0, 1))
    assert ours < 0.9 * theirs


def test_all_is_said_in_the_same_time(both: list[tuple[ModelOutput, ModelOutput]]) -> None:
    """All but what is cut off at the ends, and what it is cut off from."""
    for one, other in both:
        kept = np.flatnonzero(one.frames)[1:-1]
        assert len(kept) >= len(one.frames) - 5
        assert np.array_equal(one.frames[kept], other.frames[kept])


def test_it_is_as_loud_as_with_all_the_silence(both: list[tuple[ModelOutput, ModelOutput]]) -> None:
    for pair in both:
        ours, theirs = spoken(pair)
        assert abs(20 * np.log10(np.std(ours) / np.std(theirs))) < 0.7


def test_it_is_nearly_the_same_wave(both: list[tuple[ModelOutput, ModelOutput]]) -> None:
    """Less so where one word or two are said."""
    for one, other in both:
        ours, theirs = spoken((one, other))
        assert np.corrcoef(ours, theirs)[0, 1] > (0.95 if len(other.frames) > 20 else 0.85)


def test_silence_is_left_at_both_ends(both: list[tuple[ModelOutput, ModelOutput]]) -> None:
    for one, _ in both:
        assert np.abs(one.waveform[:600]).max() < 0.001
        assert np.abs(one.waveform[-600:]).max() < 0.001


@pytest.mark.parametrize("one_in", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_nothing_that_is_heard_is_left_out(
    runtime: Chain, kokoro_weights: Path, monkeypatch: pytest.MonkeyPatch, one_in: int
) -> None:
    """Whichever voice says it; one in nine of them is heard, or all of them."""
    kept: list[tuple[int, int]] = []
    heard = chain._audible

    def watched(energy: NDArray[np.float32]) -> tuple[int, int]:
        kept.append(heard(energy))
        return everything(energy)

    monkeypatch.setattr(chain, "_audible", watched)
    for voice in sorted(path.stem for path in (kokoro_weights / "voices").glob("*.bin"))[::one_in]:
        waveform = np.abs(runtime.speak(chunk(kokoro_weights, voice=voice), Cancellation()).waveform)
        begin, end = (600 * max(0, bound) for bound in kept[-1])
        assert max(waveform[:begin].max(initial=0), waveform[end:].max(initial=0)) < 0.005 * waveform.max()


Energies = st.lists(st.sampled_from([-9.5, 4.0]), min_size=16, max_size=700).map(
    lambda frames: np.repeat(np.array([frames], np.float32), 2, axis=1)
)


@given(Energies)
def test_every_loud_frame_is_kept(energy: NDArray[np.float32]) -> None:
    begin, end = chain._audible(energy)
    kept = energy[0, 2 * max(0, begin) : 2 * end]
    assert kept.max(initial=-9.5) == energy.max()
    assert (kept > 0).sum() == (energy > 0).sum()


@given(Energies)
def test_what_is_kept_is_on_the_grid(energy: NDArray[np.float32]) -> None:
    begin, end = chain._audible(energy)
    assert (end - begin) % min(GRIDS.values()) == 0
    assert end <= energy.shape[-1] // 2


@given(Energies, st.integers(1, 9))
def test_what_is_left_of_the_durations_adds_up(energy: NDArray[np.float32], pieces: int) -> None:
    frames = energy.shape[-1] // 2
    durations = np.diff(np.linspace(0, frames, pieces + 1).round()).astype(np.float32)
    begin, end = chain._audible(energy)
    left = between(durations, begin, end)
    assert left.sum() == end - begin
    assert (left >= 0).all()
