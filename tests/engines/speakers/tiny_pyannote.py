"""Models that know little, with the inputs, outputs and metadata of sherpa-onnx's exports of pyannote and 3D-Speaker.

The segmentation hears speech, always of the first of its three speakers, where sound is loud. The embedding is a random
projection of the mean mel spectrum.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper, save
from tests.engines.graphs import Ends

SHIFT, FIELD, WINDOW, CLASSES, BINS, SIZE = 270, 991, 160_000, 7, 80, 16
PUBLISHED: dict[str, Ends] = {
    "segmentation.onnx": {"x": ("FLOAT", (None, 1, None)), "y": ("FLOAT", (None, None, 7))},
    "embedding.onnx": {"x": ("FLOAT", (None, None, 80)), "embedding": ("FLOAT", (None, 512))},
}
"""What the published graphs take and give, by sherpa-onnx's scripts that export pyannote's and 3D-Speaker's models."""
SEGMENTATION = {
    "num_speakers": "3", "powerset_max_classes": "2", "num_classes": str(CLASSES), "sample_rate": "16000",
    "window_size": str(WINDOW), "receptive_field_size": str(FIELD), "receptive_field_shift": str(SHIFT),
    "model_type": "pyannote-segmentation-3.0",
}  # fmt: skip
EMBEDDING = {
    "framework": "3d-speaker", "language": "English", "output_dim": str(SIZE), "sample_rate": "16000",
    "normalize_samples": "1", "feature_normalize_type": "global-mean",
}  # fmt: skip


def write_tiny_pyannote(
    folder: Path, segmentation: Mapping[str, str] = SEGMENTATION, embedding: Mapping[str, str] = EMBEDDING
) -> None:
    """segmentation.onnx and embedding.onnx in `folder`."""
    for name, graph, metadata in (
        ("segmentation.onnx", _segmentation(), segmentation),
        ("embedding.onnx", _embedding(), embedding),
    ):
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, dict(metadata))
        save(model, folder / name)


def _graph(
    name: str, nodes: list[NodeProto], shapes: dict[str, list[str | int]], weights: dict[str, np.ndarray]
) -> GraphProto:
    ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, shape) for end, shape in shapes.items()]
    return helper.make_graph(
        nodes, name, ends[:1], ends[1:], [numpy_helper.from_array(v, k) for k, v in weights.items()]
    )


def _segmentation() -> GraphProto:
    node = helper.make_node
    nodes = [
        node("Abs", ["x"], ["loud"]),
        node("AveragePool", ["loud"], ["level"], kernel_shape=[FIELD], strides=[SHIFT]),
        node("Transpose", ["level"], ["frames"], perm=[0, 2, 1]),
        node("MatMul", ["frames", "slope"], ["slanted"]),
        node("Add", ["slanted", "bias"], ["raw"]),
        node("LogSoftmax", ["raw"], ["y"], axis=-1),
    ]
    slope = np.array([[0, 1000, 0, 0, 0, 0, 0]], np.float32)
    bias = np.array([5, 0, -50, -50, -50, -50, -50], np.float32)
    return _graph("segmentation", nodes, {"x": ["N", 1, "T"], "y": ["N", "F", CLASSES]}, {"slope": slope, "bias": bias})


def _embedding() -> GraphProto:
    node = helper.make_node
    nodes = [
        node("ReduceMax", ["x"], ["mean"], axes=[1], keepdims=0),
        node("MatMul", ["mean", "weights"], ["embedding"]),
    ]
    weights = np.random.default_rng(5).standard_normal((BINS, SIZE)).astype(np.float32)
    return _graph("embedding", nodes, {"x": ["N", "T", BINS], "embedding": ["N", SIZE]}, {"weights": weights})
