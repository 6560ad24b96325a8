"""Several chunks spoken at once sound as each does alone. Needs the extra `torch`.

Compared in float64 with the publisher's own forward pass, which takes one chunk: of a small random model of the same
architecture; of the real weights in a slow test, and in float32 in a batch of three.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("kokoro")

import torch  # pyright: ignore[reportMissingImports]
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.kokoro.small_kokoro import write_small_kokoro
from tests.engines.kokoro.test_adapter import request, say

from ttsai_server.domain import Preset
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro import batched, torch_backend
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.backend import PhonemeChunk
from ttsai_server.settings import Settings

NOISE = 1e-6
"""Of rounding in float64, beside sound of up to 1: in what is almost silent it decides a harmonic's phase."""


@dataclass(frozen=True)
class Pair:
    publishers: Any
    ours: batched.BatchedModel


@pytest.fixture(scope="module")
def in_float64() -> Generator[None]:
    torch.set_default_dtype(torch.float64)  # the publisher's code pads with zeros of the default type
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of such small layers, several threads do little but wait for each other
    yield
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)


def pair(model: Any) -> Pair:
    return Pair(deepcopy(model), batched.BatchedModel(model))


@pytest.fixture(scope="module")
def small(kokoro_weights: Path, tmp_path_factory: pytest.TempPathFactory, in_float64: None) -> Pair:
    return pair(torch_backend._load(write_small_kokoro(tmp_path_factory.mktemp("small"), kokoro_weights)).double())


@pytest.fixture(scope="module")
def real(kokoro_weights: Path, in_float64: None) -> Pair:
    return pair(torch_backend._load(kokoro_weights).double())


@pytest.fixture(scope="module")
def styles(kokoro_weights: Path) -> list[np.ndarray]:
    """Every voice's style vectors by number of phonemes, (510, 256)."""
    files = sorted((kokoro_weights / "voices").glob("*.bin"))
    return [np.fromfile(file, "<f4").reshape(-1, 256) for file in files]


def group(seed: int, styles: Sequence[np.ndarray], longest: int) -> list[PhonemeChunk]:
    """Two to four chunks of random lengths, voices and speeds."""
    chance = np.random.default_rng(seed)
    chunks: list[PhonemeChunk] = []
    for _ in range(chance.integers(2, 5)):
        count = chance.integers(1, longest + 1)
        ids = np.concatenate([[0], chance.integers(43, 140, count), [0]])[None].astype(np.int64)
        style = styles[int(chance.integers(len(styles)))][count - 1 : count]
        chunks.append(PhonemeChunk(ids, style, float(chance.uniform(0.5, 2))))
    return chunks


def assert_batched_is_alone(models: Pair, chunks: Sequence[PhonemeChunk]) -> None:
    with torch.inference_mode():
        spoken = models.ours.speak(chunks)
    for chunk, (waveform, durations) in zip(chunks, spoken, strict=True):
        style = torch.from_numpy(chunk.style).double()
        alone, frames = models.publishers.forward_with_tokens(torch.from_numpy(chunk.ids), style, chunk.speed)
        assert durations.tolist() == frames.tolist()
        assert waveform.shape == alone.shape
        assert float((waveform - alone).abs().max()) < NOISE


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_is_what_each_is_alone(seed: int, small: Pair, styles: list[np.ndarray]) -> None:
    assert_batched_is_alone(small, group(seed, styles, 4))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_200_batches_are_what_each_is_alone(seed: int, small: Pair, styles: list[np.ndarray]) -> None:
    assert_batched_is_alone(small, group(seed, styles, 4))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_batch_of_the_real_model_is_what_each_is_alone(seed: int, real: Pair, styles: list[np.ndarray]) -> None:
    assert_batched_is_alone(real, group(seed, styles, 6))


@given(st.lists(st.integers(3, 2 * batched.MOST_FRAMES), min_size=1, max_size=20))
def test_chunks_are_decoded_with_those_of_similar_length(frames: list[int]) -> None:
    found = batched.groups(frames)
    assert sorted(item for items in found for item in items) == list(range(len(frames)))
    for items in found:
        longest = max(frames[item] for item in items)
        assert all(frames[item] >= batched.LEAST_FILLED * longest for item in items)
        assert len(items) == 1 or len(items) * longest <= batched.MOST_FRAMES


def test_requests_at_the_same_time_are_one_batch_and_each_gets_its_own_sound(kokoro_weights: Path) -> None:
    card = replace(read_card(Settings().models.cards / "kokoro.toml"), setup={"runtime": "torch", "batch": 3})
    assert Kokoro.batch(card, "cpu") == 3
    engine = Kokoro.load(card, LoadContext(kokoro_weights, steps=3))
    asked = [
        request("Hello."), request("Good night.", (Preset("am_michael"),)), request("Yes.", (Preset("bf_emma"),), 1.3)
    ]  # fmt: skip
    alone = [say(engine, each).samples for each in asked]
    sizes: list[int] = []
    speak = engine._backend._model.speak  # pyright: ignore

    def counted(chunks: Sequence[PhonemeChunk]) -> Any:
        sizes.append(len(chunks))
        return speak(chunks)

    engine._backend._model.speak = counted  # pyright: ignore
    engine._backend._batcher._wait = 30  # pyright: ignore - until all three have come, however slow the machine
    with ThreadPoolExecutor(3) as pool:
        together = [audio.samples for audio in pool.map(partial(say, engine), asked)]
    engine.close()
    assert sizes == [3]
    for one, other in zip(alone, together, strict=True):
        assert one.shape == other.shape
        assert np.square(one - other).mean() < 0.03 * np.square(one).mean()  # rounding in float32 moves phases
