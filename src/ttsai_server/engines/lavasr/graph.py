"""Builds LavaSR's ONNX graph from its publisher's checkpoint, with NumPy and `onnx` only.

Sharma 2026, "LavaSR" (Interspeech), version 2: a Vocos (Siuzdak 2023) whose mel input ends at 8.7 kHz, but whose
output has the full band. Mel bands, a convolution, ConvNeXt blocks, and a linear layer to each bin's log magnitude and
phase.

bandwidth.onnx
    in  ``magnitude`` float32 (n, frames, 1025), of windows of 2048 samples at 48 kHz, 512 apart
    out ``real``, ``imaginary`` float32 (n, frames, 1025), of the same windows with the missing treble
"""

from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ttsai_server.engines.lavasr.windows import BINS, REACH
from ttsai_server.engines.shared.checkpoint import read_tensors
from ttsai_server.errors import EngineFailed

Array = NDArray[np.float32]
_OPSET, _IR_VERSION = 20, 9
_EPSILON = 1e-6
_SOFTEST, _LOUDEST = 1e-5, 1e3
"""Lower bound of a mel band's magnitude; upper bound of a bin's."""
_FILTERS = "feature_extractor.mel_spec.mel_scale.fb"
_UNUSED = {"feature_extractor.mel_spec.spectrogram.window", "head.istft.window"}
"""Tensors of the checkpoint that are not needed: Hann windows."""


def build(source: Path, target: Path) -> None:
    """Build the graph from the checkpoint `source` and write it to `target`, atomically. Raises EngineFailed."""
    tensors = {name: value for name, value in read_tensors(source).items() if name not in _UNUSED}
    blocks = len(list(takewhile(lambda block: f"{_block(block)}.gamma" in tensors, count())))
    _check(tensors, blocks)
    draft = target.with_suffix(".draft")
    onnx.save(_model(tensors, blocks), draft)
    draft.replace(target)


def _block(number: int) -> str:
    return f"backbone.convnext.{number}"


def _check(tensors: Mapping[str, Array], blocks: int) -> None:
    found = {name: value.shape for name, value in tensors.items()}
    bands, size = found.get(_FILTERS, (0, 0))[-1], found.get("backbone.norm.weight", (0,))[0]
    wide = found.get(f"{_block(0)}.pwconv1.bias", (0,))[0]
    wanted = {_FILTERS: (BINS, bands), "head.out.weight": (2 * BINS, size), "head.out.bias": (2 * BINS,)}
    wanted |= {"backbone.embed.weight": (size, bands, 2 * REACH + 1), "backbone.embed.bias": (size,)}
    for block in range(max(1, blocks)):
        parts = {"gamma": (size,), "dwconv.weight": (size, 1, 2 * REACH + 1), "dwconv.bias": (size,)}
        parts |= {"norm.weight": (size,), "norm.bias": (size,), "pwconv1.weight": (wide, size)}
        parts |= {"pwconv1.bias": (wide,), "pwconv2.weight": (size, wide), "pwconv2.bias": (size,)}
        wanted |= {f"{_block(block)}.{name}": shape for name, shape in parts.items()}
    for norm in ("backbone.norm", "backbone.final_layer_norm"):
        wanted |= {f"{norm}.weight": (size,), f"{norm}.bias": (size,)}
    if wrong := sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name)):
        raise EngineFailed(f"The checkpoint is not LavaSR's: wrong, lacking or of another shape are {wrong}")


def _model(tensors: Mapping[str, Array], blocks: int) -> onnx.ModelProto:
    size = len(tensors["backbone.norm.weight"])
    nodes, value = list(_front()), "embedded"
    for block in range(blocks):
        nodes += _convnext(_block(block), value, f"out{block}", size)
        value = f"out{block}"
    nodes += _back(value)
    frames = ["n", "frames", BINS]
    inputs = [helper.make_tensor_value_info("magnitude", TensorProto.FLOAT, frames)]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, frames) for name in ("real", "imaginary")]
    graph = helper.make_graph(nodes, "LavaSR", inputs, outputs, _constants(tensors))
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="ttsai-server")


def _constants(tensors: Mapping[str, Array]) -> list[TensorProto]:
    """The tensors as ONNX constants; matrices of linear layers are transposed."""
    turned = {name: value.T if value.ndim == 2 and name != _FILTERS else value for name, value in tensors.items()}
    limits = {"softest": np.array(_SOFTEST, np.float32), "loudest": np.array(_LOUDEST, np.float32)}
    constants = {**turned, **limits}
    return [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]


def _front() -> tuple[NodeProto, ...]:
    """Nodes that compute "embedded", (n, frames, size), from "magnitude"."""
    return (
        helper.make_node("MatMul", ["magnitude", _FILTERS], ["mel"]),
        helper.make_node("Max", ["mel", "softest"], ["audible"]),
        helper.make_node("Log", ["audible"], ["log"]),
        *_convolved("backbone.embed", "log", "convolved", 1),
        _normed("backbone.norm", "convolved", "embedded"),
    )


def _convnext(name: str, source: str, target: str, size: int) -> tuple[NodeProto, ...]:
    return (
        *_convolved(f"{name}.dwconv", source, f"{name}.convolved", size),
        _normed(f"{name}.norm", f"{name}.convolved", f"{name}.normed"),
        *_linear(f"{name}.pwconv1", f"{name}.normed", f"{name}.wide"),
        helper.make_node("Gelu", [f"{name}.wide"], [f"{name}.active"]),
        *_linear(f"{name}.pwconv2", f"{name}.active", f"{name}.narrow"),
        helper.make_node("Mul", [f"{name}.narrow", f"{name}.gamma"], [f"{name}.scaled"]),
        helper.make_node("Add", [source, f"{name}.scaled"], [target]),
    )


def _back(source: str) -> tuple[NodeProto, ...]:
    return (
        _normed("backbone.final_layer_norm", source, "hidden"),
        *_linear("head.out", "hidden", "polar"),
        helper.make_node("Split", ["polar"], ["magnitude_log", "phase"], axis=-1, num_outputs=2),
        helper.make_node("Exp", ["magnitude_log"], ["unbounded"]),
        helper.make_node("Min", ["unbounded", "loudest"], ["made"]),
        helper.make_node("Cos", ["phase"], ["cosine"]),
        helper.make_node("Sin", ["phase"], ["sine"]),
        helper.make_node("Mul", ["made", "cosine"], ["real"]),
        helper.make_node("Mul", ["made", "sine"], ["imaginary"]),
    )


def _convolved(name: str, source: str, target: str, group: int) -> tuple[NodeProto, ...]:
    """Convolution over the frames, in `group` groups of channels."""
    weights = [f"{name}.weight", f"{name}.bias"]
    return (
        helper.make_node("Transpose", [source], [f"{name}.in"], perm=[0, 2, 1]),
        helper.make_node("Conv", [f"{name}.in", *weights], [f"{name}.out"], pads=[REACH, REACH], group=group),
        helper.make_node("Transpose", [f"{name}.out"], [target], perm=[0, 2, 1]),
    )


def _normed(name: str, source: str, target: str) -> NodeProto:
    return helper.make_node(
        "LayerNormalization", [source, f"{name}.weight", f"{name}.bias"], [target], axis=-1, epsilon=_EPSILON
    )


def _linear(name: str, source: str, target: str) -> tuple[NodeProto, ...]:
    return (
        helper.make_node("MatMul", [source, f"{name}.weight"], [f"{name}.product"]),
        helper.make_node("Add", [f"{name}.product", f"{name}.bias"], [target]),
    )
