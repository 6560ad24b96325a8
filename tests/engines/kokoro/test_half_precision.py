"""Kokoro's decoder in bfloat16, on the processor. Needs the extra `torch`.

A small random model of the same architecture is compared with itself in float32, as no other has its sound; what the
real weights say is listened to in a slow test.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("kokoro")

import torch  # pyright: ignore[reportMissingImports]
from tests.engines.kokoro.small_kokoro import write_small_kokoro
from tests.engines.kokoro.test_adapter import TEXT, request, say
from tests.engines.kokoro.test_batched import group
from tests.listening import Ear, wer

from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro import torch_backend
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.backend import PhonemeChunk
from ttsai_server.engines.kokoro.batched import BatchedModel
from ttsai_server.settings import Settings

NOISE = 0.001
"""Energy of the difference from float32, beside the sound's: -30 dB; -38 dB where this was written."""


@pytest.fixture(scope="module")
def weights(kokoro_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_kokoro(tmp_path_factory.mktemp("small"), kokoro_weights)


@pytest.fixture(scope="module")
def chunks(kokoro_weights: Path) -> list[PhonemeChunk]:
    table = np.fromfile(kokoro_weights / "voices" / "af_heart.bin", "<f4").reshape(-1, 256)
    return group(0, [table], 4)[:2]


def speak(model: BatchedModel, chunks: Sequence[PhonemeChunk]) -> list[tuple[Any, Any]]:
    with torch.inference_mode():
        return model.speak(chunks)


def difference(one: Any, other: Any) -> float:
    """Energy of the difference, beside that of the second waveform."""
    return float((one - other).square().sum() / other.square().sum())


def test_its_sound_is_that_of_float32_within_noise_and_lasts_as_long(weights: Path, chunks: list[PhonemeChunk]) -> None:
    half = speak(BatchedModel(torch_backend._load(weights), half=True), chunks)
    full = speak(BatchedModel(torch_backend._load(weights)), chunks)
    for (waveform, durations), (exact, lasting) in zip(half, full, strict=True):
        assert durations.tolist() == lasting.tolist()
        assert waveform.dtype is torch.float32
        assert 0 < difference(waveform, exact) < NOISE


@pytest.mark.slow
def test_a_card_that_asks_for_it_is_understood(kokoro_weights: Path, ear: Ear) -> None:
    card = read_card(Settings().models.cards / "kokoro.toml")
    engine = Kokoro.load(replace(card, setup={"runtime": "torch", "precision": "bf16"}), LoadContext(kokoro_weights))
    heard = ear.listen(say(engine, request()))
    engine.close()
    assert wer(TEXT, heard) <= 0.1
