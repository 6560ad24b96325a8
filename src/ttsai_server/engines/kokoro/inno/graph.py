"""Builds the ONNX graph that makes a timbre of a speaker's spectrum, with NumPy and `onnx` only.

A speaker encoder, WeSpeaker's ResNet34 (Wang et al. 2023, "Wespeaker: a research and production oriented speaker
embedding learning toolkit") with a projection; then a head of two layers, and the spectral tilt along one direction.

timbre.onnx
    in  ``mel`` float32 (frames, 80), from `spectrum.mel`
        ``tilt`` float32 (1,), from `spectrum.tilt`, dB per octave
    out ``timbre`` float32 (1, 128), the decoder's half of a style
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ttsai_server.engines.kokoro.inno.checkpoint import BANDS, BLOCKS, Checkpoint, read
from ttsai_server.engines.kokoro.stock import HALF

_OPSET, _IR_VERSION = 20, 9
_BATCH_EPSILON, _SMALL = 1e-5, 1e-7
"""PyTorch's default; and what is added to a variance before its root is taken."""


def build(source: Path, target: Path) -> None:
    """Build the graph from the checkpoint `source` and write it to `target`, atomically. Raises EngineFailed."""
    draft = target.with_suffix(".draft")
    onnx.save(_Writer(read(source)).model(), draft)
    draft.replace(target)


class _Writer:
    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._nodes: list[NodeProto] = []
        self._stored: dict[str, NDArray[Any]] = {}

    def model(self) -> onnx.ModelProto:
        style = self._head("heads.style", self._embedding(self._pooled(self._features())))
        self._node("Add", "style", style, self._tilted())
        self._node("Slice", "timbre", "style", *(self._constant(np.array([n])) for n in (0, HALF, 1)))
        inputs = [("mel", ["frames", BANDS]), ("tilt", [1])]
        graph = helper.make_graph(
            self._nodes,
            "inno",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
            [helper.make_tensor_value_info("timbre", TensorProto.FLOAT, [1, HALF])],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in self._stored.items()],
        )
        opsets = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="ttsai-server")

    def _features(self) -> str:
        """(1, 256, 10, frames / 8)."""
        turned = self._node("Transpose", "turned", "mel", perm=[1, 0])
        image = self._node("Unsqueeze", "image", turned, self._constant(np.array([0, 1])))
        value = self._active(self._convolved("enc.backbone.conv1", "enc.backbone.bn1", image, 1))
        for layer, count in enumerate(BLOCKS, start=1):
            for block in range(count):
                stride = 2 if layer > 1 and block == 0 else 1
                value = self._block(f"enc.backbone.layer{layer}.{block}", value, stride)
        return value

    def _block(self, name: str, value: str, stride: int) -> str:
        inner = self._active(self._convolved(f"{name}.conv1", f"{name}.bn1", value, stride))
        inner = self._convolved(f"{name}.conv2", f"{name}.bn2", inner, 1)
        if stride > 1:
            value = self._convolved(f"{name}.shortcut.0", f"{name}.shortcut.1", value, stride)
        return self._active(self._node("Add", f"{name}:sum", inner, value))

    def _convolved(self, name: str, normal: str, value: str, stride: int) -> str:
        kernel = self._tensor(f"{name}.weight")
        edge = self._stored[kernel].shape[2] // 2
        made = self._node("Conv", f"{name}:out", value, kernel, strides=[stride] * 2, pads=[edge] * 4)
        parts = [self._tensor(f"{normal}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
        return self._node("BatchNormalization", f"{normal}:out", made, *parts, epsilon=_BATCH_EPSILON)

    def _active(self, value: str) -> str:
        return self._node("Relu", f"{value}:active", value)

    def _pooled(self, features: str) -> str:
        """(1, 5120): over time, the mean and the standard deviation of a sample, of each channel and band."""
        time = self._constant(np.array([3]))
        mean = self._node("ReduceMean", "mean", features, time)
        apart = self._node("Sub", "apart", features, mean)
        squares = self._node("ReduceSum", "squares", self._node("Mul", "squared", apart, apart), time)
        frames = self._node("Cast", "frames", self._node("Shape", "length", features, start=3), to=TensorProto.FLOAT)
        others = self._node("Sub", "others", frames, self._constant(np.array([1], np.float32)))
        variance = self._node("Div", "variance", squares, others)
        padded = self._node("Add", "padded variance", variance, self._constant(np.array(_SMALL, np.float32)))
        spread = self._node("Sqrt", "spread", padded)
        flat = [self._node("Flatten", f"{value}:flat", value, axis=1) for value in (mean, spread)]
        return self._node("Concat", "pooled", *flat, axis=1)

    def _embedding(self, pooled: str) -> str:
        """(1, 512), of norm 1."""
        return self._node(
            "LpNormalization", "embedding", self._head("enc.proj", self._linear("enc.backbone.seg_1", pooled)), axis=1
        )

    def _head(self, name: str, value: str) -> str:
        inner = self._node("Gelu", f"{name}:active", self._linear(f"{name}.0", value))
        return self._linear(f"{name}.2", inner)

    def _linear(self, name: str, value: str) -> str:
        parts = (self._tensor(f"{name}.{part}") for part in ("weight", "bias"))
        return self._node("Gemm", f"{name}:out", value, *parts, transB=1)

    def _tilted(self) -> str:
        """(256,): what the spectral tilt adds to the style."""
        known = self._checkpoint
        mean, spread = (np.array([value], np.float32) for value in (known.tilt_mean, known.tilt_spread))
        apart = self._node("Sub", "tilt apart", "tilt", self._constant(mean))
        scaled = self._node("Div", "tilt scaled", apart, self._constant(spread))
        return self._node("Mul", "tilted", scaled, self._constant(known.tensors["heads.tilt.weight"][:, 0]))

    def _node(self, kind: str, output: str, *inputs: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _tensor(self, name: str) -> str:
        self._stored[name] = self._checkpoint.tensors[name]
        return name

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"constant{len(self._stored)}"
        self._stored[name] = value
        return name
