"""The ONNX export holds the parameters of the author's torch model."""

from pathlib import Path

import numpy as np
import pytest

from ttsai_server.engines.base import Cancellation, Cancelled, Place
from ttsai_server.engines.kokoro.checkpoint import Parameters, parameters
from ttsai_server.engines.kokoro.runtime import Step

SHAPES = {
    "bert.embeddings.word_embeddings.weight": (178, 128),
    "bert_encoder.weight": (512, 768),
    "predictor.shared.weight_hh_l0_reverse": (1024, 256),
    "predictor.duration_proj.linear_layer.weight": (50, 512),
    "predictor.F0.1.conv1x1.weight": (256, 512, 1),
    "text_encoder.cnn.0.0.weight": (512, 512, 5),
    "decoder.decode.3.norm1.fc.weight": (2180, 128),
    "decoder.generator.ups.0.weight": (512, 256, 20),
    "decoder.generator.resblocks.5.alpha2.2": (1, 128, 1),
}
STEP = Step(np.array([[0, 50, 83, 54, 156, 31, 4, 0]]), np.zeros((1, 256), np.float32), 1.0)


@pytest.fixture(scope="module")
def found(kokoro_weights: Path) -> Parameters:
    return parameters(kokoro_weights / "model.onnx")


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_a_parameter_of_each_kind_has_torchs_name_and_shape(
    found: Parameters, name: str, shape: tuple[int, ...]
) -> None:
    assert found[name].shape == shape


def test_every_parameter_is_finite(found: Parameters) -> None:
    assert all(np.isfinite(value).all() for value in found.values())


def test_torch_lasts_as_long_as_the_graph(kokoro_weights: Path) -> None:
    pytest.importorskip("kokoro")
    from ttsai_server.engines.kokoro.onnx_runtime import OnnxRuntime
    from ttsai_server.engines.kokoro.torch_runtime import Torch

    place = Place(kokoro_weights)
    sounds = [runtime(place).speak(STEP, Cancellation()) for runtime in (Torch, OnnxRuntime)]
    assert np.array_equal(sounds[0].frames, sounds[1].frames)


def test_torch_stops_when_told(kokoro_weights: Path) -> None:
    pytest.importorskip("kokoro")
    from ttsai_server.engines.kokoro.torch_runtime import Torch

    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        Torch(Place(kokoro_weights)).speak(STEP, cancellation)
