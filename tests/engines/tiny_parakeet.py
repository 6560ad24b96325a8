"""A Parakeet that knows nothing: the published graphs' inputs and outputs; a tiny random encoder, decoder and joint.

PUBLISHED is what the graphs of istupakov/parakeet-tdt-0.6b-v3-onnx take and give: NeMo's export of the model.
"""

import json
from pathlib import Path

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper, save
from tests.engines.graphs import Ends, resized

PUBLISHED: dict[str, Ends] = {
    "encoder-model.int8.onnx": {
        "audio_signal": ("FLOAT", (None, 128, None)),
        "length": ("INT64", (None,)),
        "outputs": ("FLOAT", (None, 1024, None)),
        "encoded_lengths": ("INT64", (None,)),
    },
    "decoder_joint-model.int8.onnx": {
        "encoder_outputs": ("FLOAT", (None, 1024, None)),
        "targets": ("INT32", (None, None)),
        "target_length": ("INT32", (None,)),
        "input_states_1": ("FLOAT", (2, None, 640)),
        "input_states_2": ("FLOAT", (2, None, 640)),
        "outputs": ("FLOAT", (None, None, None, 8198)),
        "prednet_lengths": ("INT32", (None,)),
        "output_states_1": ("FLOAT", (2, None, 640)),
        "output_states_2": ("FLOAT", (2, None, 640)),
    },
}
PIECES = ["▁the", "▁rain", "▁has", "▁stop", "ped", "▁gar", "den", "'", "s", ",", ".", "▁old", "▁house", "ing"]
VOCABULARY = ["<unk>", *PIECES, "<blk>"]
DURATIONS = 5
SIZES = {1024: 16, 640: 4, 8198: len(VOCABULARY) + DURATIONS}
"""Published size → that of the tiny model."""
CONFIG = {"model_type": "nemo-conformer-tdt", "features_size": 128, "subsampling_factor": 8}


def write_tiny_parakeet(folder: Path) -> None:
    """The four files of the card."""
    random = np.random.default_rng(3)
    for name, graph in zip(PUBLISHED, (_encoder(random), _decoder_joint(random)), strict=True):
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / name)
    (folder / "vocab.txt").write_text("".join(f"{piece} {i}\n" for i, piece in enumerate(VOCABULARY)), "utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIG), "utf-8")


def _encoder(random: np.random.Generator) -> GraphProto:
    """One convolution over eight frames."""
    node = helper.make_node
    nodes = [
        node("Conv", ["audio_signal", "kernel"], ["outputs"], strides=[8], pads=[0, 7]),
        node("Add", ["length", "seven"], ["padded"]),
        node("Div", ["padded", "eight"], ["encoded_lengths"]),
    ]
    weights = {
        "kernel": random.normal(0, 0.05, (SIZES[1024], 128, 8)).astype(np.float32),
        "seven": np.array(7),
        "eight": np.array(8),
    }
    return _graph("encoder-model.int8.onnx", nodes, weights, inputs=2)


def _decoder_joint(random: np.random.Generator) -> GraphProto:
    node, size, states = helper.make_node, SIZES[1024], ("input_states_1", "input_states_2")
    nodes = [
        node("Transpose", ["encoder_outputs"], ["frames"], perm=[0, 2, 1]),
        node("Unsqueeze", ["frames", "two"], ["heard"]),
        node("Gather", ["table", "targets"], ["rows"]),
        node("Unsqueeze", ["rows", "one"], ["written"]),
        *(node("ReduceMean", [state], [f"{state} mean"], keepdims=0) for state in states),
        node("Sum", ["heard", "written", *(f"{state} mean" for state in states)], ["both"]),
        node("Tanh", ["both"], ["active"]),
        node("MatMul", ["active", "head"], ["scores"]),
        node("Add", ["scores", "bias"], ["outputs"]),
        node("Identity", ["target_length"], ["prednet_lengths"]),
        *(node("Add", [state, "step"], [state.replace("input", "output")]) for state in states),
    ]
    bias = np.zeros(SIZES[8198], np.float32)
    bias[VOCABULARY.index("<unk>")], bias[VOCABULARY.index("<blk>")] = -100, 2
    weights = {
        "one": np.array([1]),
        "two": np.array([2]),
        "table": random.normal(0, 0.5, (len(VOCABULARY), size)).astype(np.float32),
        "head": random.normal(0, 1, (size, SIZES[8198])).astype(np.float32),
        "bias": bias,
        "step": np.array(0.01, np.float32),
    }
    return _graph("decoder_joint-model.int8.onnx", nodes, weights, inputs=5)


def _graph(name: str, nodes: list[NodeProto], weights: dict[str, np.ndarray], inputs: int) -> GraphProto:
    ends = [
        helper.make_tensor_value_info(end, TensorProto.DataType.Value(kind), shape)
        for end, (kind, shape) in resized(PUBLISHED[name], SIZES).items()
    ]
    stored = [numpy_helper.from_array(value, key) for key, value in weights.items()]
    return helper.make_graph(nodes, "tiny", ends[:inputs], ends[inputs:], stored)
