"""The graphs built from the published export compute what the export computes."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from ttsai_server.engines.kokoro import graph
from ttsai_server.engines.kokoro.graph import DECODER, PARTS, build
from ttsai_server.engines.kokoro.openvino_backend import APART
from ttsai_server.errors import EngineFailed

PHONEMES = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˌOvəɹ ðə lˈAzi dˈɔɡ."
Inputs = dict[str, NDArray[Any]]


def _session(path: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def _run(path: Path, inputs: Inputs) -> Inputs:
    session = _session(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.fixture(scope="module")
def inputs(kokoro_weights: Path) -> Inputs:
    vocabulary = json.loads((kokoro_weights / "config.json").read_text("utf-8"))["vocab"]
    style = np.fromfile(kokoro_weights / "voices" / "af_heart.bin", "<f4").reshape(510, 256)[len(PHONEMES) - 1]
    ids = np.array([[0, *(vocabulary[symbol] for symbol in PHONEMES), 0]])
    return {"input_ids": ids, "style": style[None], "speed": np.ones(1, np.float32)}


@pytest.fixture(scope="module")
def graphs(kokoro_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "graph"
    build(kokoro_weights / "model.onnx", folder)
    return folder


@pytest.fixture(scope="module")
def exported(kokoro_weights: Path, inputs: Inputs) -> NDArray[np.float32]:
    """The waveform of the export itself, (samples,)."""
    session = _session(kokoro_weights / "model.onnx")
    names = [port.name for port in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs.values(), strict=True)))[0].reshape(-1)


@pytest.fixture(scope="module")
def made(graphs: Path, inputs: Inputs) -> Inputs:
    """What goes in and what each part makes."""
    known = inputs | {"shares": np.array([1, 0], np.float32)}
    for part, taken in PARTS.items():
        known |= _run(graphs / part, {name: known[name] for name in taken})
    return known


@pytest.fixture(scope="module")
def waveform(made: Inputs) -> NDArray[np.float32]:
    return made["waveform"]


def test_it_lasts_as_long_as_the_export_within_a_tenth(
    waveform: NDArray[np.float32], exported: NDArray[np.float32]
) -> None:
    # the int8 kernels round activations, and with them durations
    assert len(waveform) == pytest.approx(len(exported), rel=0.1)


def test_it_is_as_loud_as_the_export_less_its_missing_normalisation(
    waveform: NDArray[np.float32], exported: NDArray[np.float32]
) -> None:
    assert waveform.std() == pytest.approx(exported[20:].std() / 1.5, rel=0.15)


def test_it_does_not_click_at_the_start(waveform: NDArray[np.float32]) -> None:
    assert np.abs(waveform[:20]).max() < 1e-3


def test_durations_add_up_to_the_waveform(waveform: NDArray[np.float32], made: Inputs) -> None:
    assert made["duration"].sum() * 600 == len(waveform)


def test_each_id_has_a_duration(made: Inputs, inputs: Inputs) -> None:
    assert made["duration"].shape == inputs["input_ids"].shape


def test_equal_inputs_give_equal_sound(graphs: Path, made: Inputs) -> None:
    again = _run(graphs / DECODER, {name: made[name] for name in PARTS[DECODER]})
    assert np.array_equal(again["waveform"], made["waveform"])


@pytest.mark.parametrize("part", PARTS)
def test_only_standard_operators_are_left(graphs: Path, part: str) -> None:
    model = onnx.load(graphs / part, load_external_data=False)
    assert {node.domain for node in model.graph.node} == {""}


def test_openvino_makes_two_kernels_of_what_is_between_two_convolutions(graphs: Path) -> None:
    """Six AdaIN and Snake of a block with its three sums; what is not joined, or changes layout, costs a tenth more."""
    import openvino

    model = openvino.Core().compile_model(graphs / DECODER, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **APART})
    kernels = Counter[str]()
    for node in model.get_runtime_model().get_ops():
        if "resblocks.5" in node.get_friendly_name() and _grows(node.get_output_partial_shape(0)):
            kernels[node.get_rt_info()["layerType"].astype(str)] += 1
    assert set(kernels) == {"Convolution", "Eltwise", "MVN"}
    assert kernels["Eltwise"] <= 2 * kernels["Convolution"] + 3


def _grows(shape: Any) -> bool:
    """With the text, unlike the few frames of each norm that stand for silence left out."""
    return shape.is_dynamic and shape[-1].get_max_length() < 0


def test_what_is_built_counts_as_built(graphs: Path) -> None:
    assert graph.built(graphs)


def test_graphs_of_another_form_do_not_count_as_built(graphs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "FORM", graph.FORM + 1)
    assert not graph.built(graphs)


def test_another_model_is_refused(tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "other", [value], [onnx.helper.make_tensor_value_info("y", 1, [1])])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(EngineFailed):
        build(tmp_path / "other.onnx", tmp_path / "graph")


def test_a_refused_model_leaves_nothing_behind(tmp_path: Path) -> None:
    test_another_model_is_refused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.onnx"]
