"""Builds one ONNX graph of Spleeter's networks from the publisher's checkpoint, with NumPy and `onnx` only.

Each stem has its own U-Net (Jansson et al. 2017, "Singing voice separation with deep U-Net convolutional networks"):
six convolutions of stride 2 down, six transposed ones up. As published (Hennequin et al. 2020, "Spleeter: a fast and
efficient music source separation tool with pre-trained models"), the skip connections carry a convolution's output
before its normalisation. A stem's mask is the share of its squared estimate in the sum of all.

masks.onnx
    in  ``magnitude`` float32 (2, 512, 1024): channels, frames, bins of the mix's spectrum
    out ``masks`` float32 (stems, 2, 512, 1024), each >= 0; over the stems they sum to 1
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ttsai_server.errors import EngineFailed

Array = NDArray[np.float32]
FRAMES, BINS = 512, 1024
LAYERS = 6
_OPSET, _IR_VERSION = 20, 9
_SMALL = 1e-10
"""Added to the squared estimates, so that masks of silence are defined: all equal."""
_BATCH_EPSILON = 1e-3
"""Keras's default."""
_STRIDED: Mapping[str, Sequence[int]] = {"strides": [2, 2], "pads": [1, 1, 2, 2]}
"""TensorFlow's `same` padding for a kernel of 5 and a stride of 2: one more zero at the end."""
_DILATED: Mapping[str, Sequence[int]] = {"dilations": [2, 2], "pads": [3, 3, 3, 3]}
"""The same for a kernel of 4 with dilation 2."""
_DOWN: Mapping[str, tuple[str, Mapping[str, float]]] = {"relu": ("LeakyRelu", {"alpha": 0.2}), "elu": ("Elu", {})}
_UP: Mapping[str, str] = {"relu": "Relu", "elu": "Elu"}
"""Activation → operator after a convolution of the encoder (with attributes), and of the decoder."""


def build(tensors: Mapping[str, Array], stems: int, activation: str, softmax: bool, target: Path) -> None:
    """Build the graph and write it to `target`, atomically.

    tensors: Keras's names, e.g. `conv2d_3/kernel`; the layers are numbered through all stems.
    softmax: whether the estimates are a softmax over the stems, else a sigmoid for each.
    Raises EngineFailed if a tensor is missing or has another shape.
    """
    writer = _Writer(tensors, activation)
    logits = [writer.unet(stem) for stem in range(stems)]
    writer.masks(logits, softmax)
    draft = target.with_suffix(".draft")
    onnx.save(writer.model(stems), draft)
    draft.replace(target)


class _Writer:
    def __init__(self, tensors: Mapping[str, Array], activation: str) -> None:
        self._tensors = tensors
        self._activation = activation
        self._nodes: list[NodeProto] = []
        self._stored = {"axis": np.array([0]), "two": np.array(2, np.float32), "small": np.array(_SMALL, np.float32)}
        self._node("Unsqueeze", "mix", "magnitude", "axis")

    def unet(self, stem: int) -> str:
        """Name of the stem's logits, (1, 2, frames, bins)."""
        across = self._down(stem)
        value = across.pop()
        for layer in range(LAYERS):
            name = _numbered("conv2d_transpose", stem * LAYERS + layer)
            up = self._convolve("ConvTranspose", name, value, **_STRIDED)
            up = self._node(_UP[self._activation], f"{name}:active", up)
            value = self._normalise((2 * stem + 1) * LAYERS + layer, up)
            if across:
                value = self._node("Concat", f"{name}:joined", across.pop(), value, axis=1)
        return self._convolve("Conv", _numbered("conv2d", stem * (LAYERS + 1) + LAYERS), value, **_DILATED)

    def masks(self, logits: Sequence[str], softmax: bool) -> None:
        all_logits = self._node("Concat", "logits", *logits, axis=0)
        shares = self._node("Softmax", "shares", all_logits, axis=0) if softmax else self._sigmoid(all_logits)
        squares = self._node("Pow", "squares", self._node("Mul", "estimates", shares, "mix"), "two")
        self._stored["part"] = np.array(_SMALL / len(logits), np.float32)
        summed = self._node("Add", "whole", self._node("ReduceSum", "sum", squares, "axis", keepdims=1), "small")
        self._node("Div", "masks", self._node("Add", "parts", squares, "part"), summed)

    def model(self, stems: int) -> onnx.ModelProto:
        inputs = [helper.make_tensor_value_info("magnitude", TensorProto.FLOAT, [2, FRAMES, BINS])]
        outputs = [helper.make_tensor_value_info("masks", TensorProto.FLOAT, [stems, 2, FRAMES, BINS])]
        graph = helper.make_graph(self._nodes, "spleeter", inputs, outputs)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="ttsai-server")
        for name, value in self._stored.items():  # added last, since make_graph and make_model would each copy them
            model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return model

    def _down(self, stem: int) -> list[str]:
        """Names of the outputs of the encoder's convolutions."""
        kind, attributes = _DOWN[self._activation]
        outputs, value = list[str](), "mix"
        for layer in range(LAYERS):
            name = _numbered("conv2d", stem * (LAYERS + 1) + layer)
            outputs.append(self._convolve("Conv", name, value, **_STRIDED))
            if layer < LAYERS - 1:
                normal = self._normalise(2 * stem * LAYERS + layer, outputs[-1])
                value = self._node(kind, f"{name}:active", normal, **attributes)
        return outputs

    def _sigmoid(self, logits: str) -> str:
        """Not ONNX's Sigmoid: ONNX Runtime's never gets below 1e-8, but ratios of such small values matter."""
        self._stored["one"] = np.array(1, np.float32)
        grown = self._node("Exp", "grown", self._node("Neg", "negative", logits))
        return self._node("Reciprocal", "shares", self._node("Add", "grown by one", grown, "one"))

    def _convolve(self, kind: str, name: str, value: str, **attributes: Sequence[int]) -> str:
        """TensorFlow orders a kernel's axes in reverse, for both kinds of convolution."""
        self._stored[f"{name}/kernel"] = self._tensor(f"{name}/kernel", 4).transpose(3, 2, 0, 1)
        self._stored[f"{name}/bias"] = self._tensor(f"{name}/bias", 1)
        return self._node(kind, name, value, f"{name}/kernel", f"{name}/bias", **attributes)

    def _normalise(self, number: int, value: str) -> str:
        name = _numbered("batch_normalization", number)
        parts = [f"{name}/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        self._stored |= {part: self._tensor(part, 1) for part in parts}
        return self._node("BatchNormalization", name, value, *parts, epsilon=_BATCH_EPSILON)

    def _node(self, kind: str, output: str, *inputs: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _tensor(self, name: str, rank: int) -> Array:
        tensor = self._tensors.get(name)
        if tensor is None or tensor.ndim != rank:
            raise EngineFailed(f"The checkpoint lacks {name!r}, or has it in another shape.")
        return tensor


def _numbered(layer: str, number: int) -> str:
    """Keras's name of a layer: `conv2d`, `conv2d_1`, …"""
    return f"{layer}_{number}" if number else layer
