"""What goes from graph to graph, and what is said in the end."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, Place
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro import chain
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.chain import GRIDS, Chain
from ttsai_server.engines.kokoro.runtime import Speech, Step, open_runtime
from ttsai_server.engines.kokoro.styles import Styles, row
from ttsai_server.settings import Settings

IDS = (50, 47, 54, 156, 31, 16, 65, 156, 87, 123, 54, 46, 4)
"""həlˈO wˈɜɹld."""


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


@pytest.fixture(scope="module")
def runtime(card: ModelCard, kokoro_weights: Path) -> Generator[Chain]:
    Kokoro.prepare(card, kokoro_weights)
    loaded = open_runtime("openvino", "auto", Place(kokoro_weights), 1)
    assert isinstance(loaded, Chain)
    yield loaded
    loaded.close()


def step(weights: Path, words: int = 2, voice: str = "af_heart", speed: float = 1.0) -> Step:
    ids = np.array([[0, *(IDS * words)[: 6 * words], 4, 0]], np.int64)
    style = row(Styles(weights / "voices").blend(((voice, 1.0),)), ids.shape[1] - 2)
    return Step(ids, style, speed)


@pytest.mark.parametrize("voice", ["af_heart", "am_fenrir", "pm_santa"])
@pytest.mark.parametrize("words", [1, 2, 7, 10])
@pytest.mark.parametrize("speed", [0.7, 1.0, 3.0])
def test_speech_is_a_multiple_of_the_grid_long(
    runtime: Chain, kokoro_weights: Path, words: int, voice: str, speed: float
) -> None:
    said = runtime.speak(step(kokoro_weights, words, voice, speed), Cancellation())
    assert said.frames.sum() % min(GRIDS.values()) == 0
    assert len(said.waveform) == 600 * said.frames.sum()


@pytest.fixture(scope="module")
def both(runtime: Chain, kokoro_weights: Path) -> list[tuple[Speech, Speech]]:
    """Of several steps what is said with the grid, and what without."""
    steps = [step(kokoro_weights, words, voice) for words in (2, 5, 9) for voice in ("af_heart", "bm_george")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "GRIDS", {0: 1})
        without = [runtime.speak(each, Cancellation()) for each in steps]
    return [(runtime.speak(each, Cancellation()), other) for each, other in zip(steps, without, strict=True)]


def test_nothing_but_the_silence_before_it_is_longer_or_shorter(both: list[tuple[Speech, Speech]]) -> None:
    changes = [one.frames[0] - other.frames[0] for one, other in both]
    assert min(changes) < 0 < max(changes)
    for one, other in both:
        assert np.array_equal(one.frames[1:], other.frames[1:])


def test_the_sound_is_nearly_the_same(both: list[tuple[Speech, Speech]]) -> None:
    """Bfloat16 changes more, but for the level."""
    for pair in both:
        ours, theirs = (said.waveform[-600 * int(said.frames[1:].sum()) :] for said in pair)
        assert np.corrcoef(ours, theirs)[0, 1] > 0.95
        assert abs(20 * np.log10(np.std(ours) / np.std(theirs))) < 0.7


def test_silence_is_what_is_left_at_the_start(both: list[tuple[Speech, Speech]]) -> None:
    for one, _ in both:
        assert np.abs(one.waveform[: 600 * (int(one.frames[0]) - 3)]).max() < 0.01
