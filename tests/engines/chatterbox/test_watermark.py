"""The watermark with its real weights: it is found where it is, only there, and not heard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
import torch  # pyright: ignore[reportMissingImports]
from torch.nn.functional import conv1d, interpolate, leaky_relu  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.chatterbox.watermark import BANDS, HOP, LENGTH, RATE, Watermark
from ttsai_server.engines.shared.pytorch import read_state

model_id = "chatterbox"
SPEECH_RATE = 24_000


def confidence(samples: np.ndarray, weights: Path) -> float:
    """The package's detector: near 1 with a watermark, near 0 without."""
    state = read_state(weights, "model")
    sound = torch.from_numpy(soxr.resample(samples, SPEECH_RATE, RATE))
    spectrum = torch.stft(sound, LENGTH, HOP, window=torch.hann_window(LENGTH), return_complex=True)
    levels = (20 * spectrum.abs().clamp_min(1e-9).log10() + 180)[None] / 195
    sums = levels.sum(1, keepdim=True)
    marks, weight = zip(*(_branch(state, name, pace, levels, sums > 0.05 * sums.max()) for name, pace in
                          (("slow", 1.25), ("normal", 1.0), ("fast", 0.75))), strict=True)  # fmt: skip
    return float(torch.stack(marks) @ torch.softmax(torch.stack(weight), 0))


def _branch(state: Any, name: str, pace: float, levels: Any, mask: Any) -> tuple[Any, Any]:
    """What one branch finds, and how sure it is."""
    x = interpolate(levels[:, :BANDS], int(levels.shape[2] * pace), mode="linear", align_corners=True)
    for layer in range(7):
        x = x if layer == 0 else leaky_relu(x)
        kernel = state[f"decoder.{name}_layers.{layer}.conv.weight"]
        x = conv1d(x, kernel, state[f"decoder.{name}_layers.{layer}.conv.bias"], padding=kernel.shape[2] // 2)
    kept = interpolate(mask.float(), x.shape[2], mode="nearest")
    sure, mark = (x * kept).sum(2)[0] / kept.sum()
    return mark, sure


@pytest.fixture(scope="module")
def speech(spoken: np.ndarray) -> np.ndarray:
    return soxr.resample(spoken[:, 0], 16_000, SPEECH_RATE).astype(np.float32)


@pytest.fixture(scope="module")
def marked(speech: np.ndarray, watermark: Path) -> np.ndarray:
    with torch.inference_mode():
        return Watermark(watermark, "cpu").mark(speech, SPEECH_RATE)


def test_what_is_marked_is_told_from_what_is_not(speech: np.ndarray, marked: np.ndarray, watermark: Path) -> None:
    assert confidence(speech, watermark) < 0.3
    assert confidence(marked, watermark) > 0.7


def test_a_mark_changes_little(speech: np.ndarray, marked: np.ndarray) -> None:
    assert marked.shape == speech.shape
    noise = marked - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(noise**2)) > 12


@pytest.mark.parametrize("count", [1, 100, 1023, 1024, 5000])
def test_a_short_sound_keeps_its_length(count: int, watermark: Path) -> None:
    sound = np.full(count, 0.1, np.float32)
    with torch.inference_mode():
        assert Watermark(watermark, "cpu").mark(sound, SPEECH_RATE).shape == sound.shape
