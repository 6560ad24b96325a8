"""Rewrites the float Kokoro graph: standard operators only, a corrected inverse STFT, and operators that CPUs run fast.

Each function changes a GraphEditor in place and raises EngineFailed if the graph is not the known export. They keep
the result up to float32 rounding, except `mend_inverse_stft`, which corrects an error of the exports, and
`count_silence`, if silence is left out.
"""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from ttsai_server.engines.shared.graph_editor import GraphEditor, attribute, expect, one, other_input
from ttsai_server.errors import EngineFailed

STFT_LENGTH, STFT_HOP, STFT_BINS = 20, 5, 11
RATES = ((r"/decode\.3/norm2/", 2), (r"/(noise_res\.0|resblocks\.[012])/", 20), (r"/(noise_res|resblocks)", 120))
"""Pattern of the names of the decoder's norms → values per frame of their input; for all others it is 1."""
EDGE = (1, 3)
"""Frames, [begin, end), that represent the silence left out; the very first differs, since nothing precedes it."""
Array = npt.NDArray[np.float32]


def standardise(edit: GraphEditor) -> None:
    """Replace ONNX Runtime's fused operators by standard ones."""
    for node in edit.of("FastGelu"):
        biased = edit.put_before(node, "Add", node.input[:2])
        edit.replace(node, "Gelu", [biased], [helper.make_attribute("approximate", "tanh")])
    for node in edit.of("SkipLayerNormalization"):
        total = edit.put_before(node, "Add", node.input[:2])
        epsilon = helper.make_attribute("epsilon", attribute(node, "epsilon", 1e-12))
        edit.replace(node, "LayerNormalization", [total, *node.input[2:4]], [epsilon])
    for node in edit.of("FusedMatMul"):
        _split_fused_matmul(edit, node)
    for node in edit.nodes:
        if node.domain not in ("", "ai.onnx"):
            raise EngineFailed(f"{node.name!r}: {node.op_type} has no standard form here")
    edit.prune()


def _split_fused_matmul(edit: GraphEditor, node: onnx.NodeProto) -> None:
    """Split a FusedMatMul that transposes its first input, (1, a, b), the only form in the export."""
    if [attribute(node, k, d) for k, d in (("transA", 0), ("transB", 0), ("alpha", 1.0))] != [1, 0, 1.0]:
        raise EngineFailed(f"{node.name!r} is not the fused product of the known export")
    transposed = edit.put_before(node, "Transpose", node.input[:1], perm=[0, 2, 1])
    edit.replace(node, "MatMul", [transposed, node.input[1]])


def mend_inverse_stft(edit: GraphEditor) -> None:
    """Replace what follows the inverse STFT's overlap-add by the correct normalisation.

    The exports divide only the first 20 samples, by the squared window of a single frame (down to 6e-4: a click at
    every start), and leave all later ones too loud by the window's overlap: squared Hann windows of 20 samples at hop
    5 sum to 1.5. Here that sum is folded into the basis, and the half window to crop at both ends becomes the padding
    of the transposed convolution.
    """
    node = one([n for n in edit.of("ConvTranspose") if "istft" in n.name], "inverse STFT")
    overlap = np.square(_hann()).sum() / STFT_HOP
    basis = edit.constant(node.input[1]) * (STFT_LENGTH / STFT_HOP / overlap)
    weights = edit.add("inverse_stft_basis", basis.astype(np.float32))
    crop = [STFT_LENGTH // 2] * 2
    last = edit.producer(one(edit.outputs, "output").name, "Gather")
    added = edit.put_before(last, "ConvTranspose", [node.input[0], weights], strides=[STFT_HOP], pads=crop)
    edit.replace(last, "Reshape", [added, edit.index(-1)])
    edit.prune()


def convolve_stft(edit: GraphEditor) -> None:
    """Replace the STFT by a convolution with its basis, and define the phase of real and of zero bins.

    The lowest and the highest bin are real: if negative, their phase is pi, whatever the sign of their zero imaginary
    part; a bin that is exactly 0 has phase 0, not NaN.
    """
    stft = one(edit.of("STFT"), "STFT")
    signal = edit.producer(stft.input[0], "Reshape").input[0]  # (1, 1, samples)
    basis = edit.add("stft_basis", _stft_basis())
    spectrum = edit.put_before(stft, "Conv", [signal, basis], strides=[STFT_HOP])
    turned = edit.only_consumer(stft.output[0])
    for part in edit.consumers(turned.output[0]):
        first = STFT_BINS * int(edit.constant(expect(part, "Gather").input[1]))
        bounds = [edit.index(v) for v in (first, first + STFT_BINS, 1)]
        edit.replace(part, "Slice", [spectrum, *bounds])
    ratio = edit.producer(one(edit.of("Atan"), "phase").input[0], "Div")
    imaginary, real = ratio.input
    for above in edit.consumers(imaginary):
        if above.op_type == "Greater":
            edit.replace(above, "GreaterOrEqual", above.input)
    edit.replace(ratio, "Div", [imaginary, edit.put_before(ratio, "Add", [real, edit.number(1e-20)])])
    edit.prune()


def _stft_basis() -> Array:
    """float32 (2 bins, 1, length): windowed cosines, then negative sines."""
    turns = np.outer(np.arange(STFT_BINS), np.arange(STFT_LENGTH)) / STFT_LENGTH
    sines = -np.sin(2 * np.pi * turns)
    sines[[0, -1]] = 0.0
    return (np.concatenate([np.cos(2 * np.pi * turns), sines]) * _hann())[:, None].astype(np.float32)


def _hann() -> npt.NDArray[np.float64]:
    """The periodic Hann window of the model's STFT."""
    return np.hanning(STFT_LENGTH + 1)[:-1]


def unroll_snake(edit: GraphEditor) -> None:
    """Replace sin(a x)^2, of the generator's Snake activations (Ziyin et al. 2020), by arithmetic that vectorises.

    With v = |a x / pi mod 1| - 1/2 it is cos(pi v)^2, and with d = sqrt(2) cos(pi v / 2) that is (d^2 - 1)^2; d is
    approximated by a parabola in v^2, fitted to minimise the largest error of the square: 1.8e-5. Each operator reads
    only the previous one's output, so OpenVINO fuses all of them, and the sum with x, into one kernel; with a scalar
    sine in the middle they took a third of the whole time.
    """
    sines = edit.made_by("Sin")
    for square in edit.of("Pow"):
        if square.input[0] in sines:
            _unroll(edit, square, edit.producer(edit.producer(square.input[0], "Sin").input[0], "Mul"))
    edit.prune()


_BEND, _CENTRE, _TOP = 0.35135414, -2.48224181, -0.75066666
"""d = bend (v^2 + centre)^2 + top."""


def _unroll(edit: GraphEditor, square: onnx.NodeProto, angle: onnx.NodeProto) -> None:
    alpha, x = sorted(angle.input, key=lambda name: name not in edit.constants)
    rate = edit.add(f"{alpha}.turns", (edit.constant(alpha) / math.pi).astype(np.float32))
    turns = edit.put_before(square, "Mul", [x, rate])
    part = edit.put_before(square, "Mod", [turns, edit.number(1.0)], fmod=1)
    value = edit.put_before(square, "Abs", [part])
    for op, constant in (
        *(("Add", -0.5), ("Pow", 2.0)),
        *(("Add", _CENTRE), ("Pow", 2.0), ("Mul", _BEND), ("Add", _TOP), ("Pow", 2.0)),
        ("Add", -1.0),
    ):
        value = edit.put_before(square, op, [value, edit.number(constant)])
    edit.replace(square, "Pow", [value, edit.number(2.0)])
    last = square
    while x not in last.input:  # the factor 1 / a, then the sum with x: OpenVINO fuses along the first input only
        name = last.output[0]
        last = edit.only_consumer(name)
        edit.replace(last, last.op_type, [name, other_input(last, name)])


def stack_styles(edit: GraphEditor) -> None:
    """Compute AdaIN's scales 1 + g and shifts, the halves of a linear layer's output, by one product for all layers.

    The 1 is added to the bias. OpenVINO fuses the product with the scale and the sum with the shift into one kernel,
    unless either comes directly from a Split (a Reshape in between is enough), and uses the memory layout of the
    kernel's inputs, the first one's in doubt: that of convolutions. Two hundred separate products, each with its own
    kernel and layout, took 80 MB more.

    Where a Snake follows, the input of its sine gets its own scale and shift: OpenVINO fuses two branches that join
    only if they begin at different values.
    """
    stacks: dict[str, _Stack] = {}
    for split in edit.of("Split"):
        pairs = [(a, b) for a in edit.consumers(split.output[0]) for b in edit.consumers(a.output[0])]
        if [(a.op_type, b.op_type) for a, b in pairs] == [("Add", "Mul")]:
            _stack_style(edit, split, *pairs[0], stacks)
    for stack in stacks.values():
        stack.close()
    edit.prune()


class _Stack:
    """Linear layers with the same input, a style (1, inputs), combined into one."""

    def __init__(self, edit: GraphEditor, style: str, first: onnx.NodeProto) -> None:
        """first: the node before which the product is inserted."""
        self._edit = edit
        self._names = f"{style}.weights", f"{style}.biases"
        self._weights: list[Array] = []
        self._biases: list[Array] = []
        self._height = 0
        product = edit.put_before(first, "MatMul", [style, self._names[0]])
        biased = edit.put_before(first, "Add", [product, self._names[1]])
        self._stacked = edit.put_before(first, "Reshape", [biased, edit.index(-1)])

    def add(self, node: onnx.NodeProto, weights: Array, biases: Array) -> str:
        """Add a layer: weights (inputs, channels), biases (channels,). Returns the name of its output, (1, channels,
        1), which is computed before `node`."""
        channels, bounds = len(biases), (self._height, self._height + len(biases), 0)
        self._weights.append(weights)
        self._biases.append(biases)
        self._height += channels
        part = self._edit.put_before(node, "Slice", [self._stacked, *(self._edit.index(v) for v in bounds)])
        return self._edit.put_before(node, "Reshape", [part, self._edit.index(1, channels, 1)])

    def close(self) -> None:
        """Concatenate the layers; none may be added after it."""
        for name, parts in zip(self._names, (self._weights, self._biases), strict=True):
            self._edit.add(name, np.concatenate(parts, axis=-1))


def _stack_style(
    edit: GraphEditor,
    split: onnx.NodeProto,
    plus_one: onnx.NodeProto,
    product: onnx.NodeProto,
    stacks: dict[str, _Stack],
) -> None:
    biased = edit.producer(edit.producer(split.input[0], "Unsqueeze").input[0], "Add")
    style, weight = edit.producer(biased.input[0], "MatMul").input
    if style not in stacks:
        stacks[style] = _Stack(edit, style, split)
    weights = np.split(edit.constant(weight), 2, axis=-1)
    biases = np.split(edit.constant(biased.input[1]), 2)
    biases[0] = biases[0] + edit.constant(other_input(plus_one, split.output[0]))
    normal = other_input(product, plus_one.output[0])
    total = expect(edit.only_consumer(product.output[0]), "Add")

    def scale_and_shift(node: onnx.NodeProto, factor: Array) -> None:
        """Replace `node` by sequence * scale + shift, both multiplied by `factor` (channels,)."""
        scale, shift = (stacks[style].add(node, weights[half] * factor, biases[half] * factor) for half in (0, 1))
        edit.replace(node, "Add", [edit.put_before(node, "Mul", [normal, scale]), shift])

    for turns in edit.consumers(total.output[0]):
        if turns.op_type == "Mul":
            scale_and_shift(turns, edit.constant(other_input(turns, total.output[0])).reshape(-1))
    scale_and_shift(total, np.ones(1, np.float32))


def shuffle_upsampling(edit: GraphEditor) -> None:
    """Replace transposed convolutions whose kernel is two strides long by a convolution and a shuffle.

    For stride s and padding p, output o = m s + j - p is x[m] times tap j plus x[m - 1] times tap j + s: a kernel of
    two samples that computes s outputs at once.
    """
    for node in edit.of("ConvTranspose"):
        weight = edit.constant(node.input[1])  # (in, out, kernel)
        stride, group = attribute(node, "strides", [1])[0], attribute(node, "group", 1)
        if group == 1 and weight.shape[2] == 2 * stride and weight.shape[1] > 1:
            _shuffle(edit, node, weight, stride, attribute(node, "pads", [0])[0])
    edit.prune()


def _shuffle(edit: GraphEditor, node: onnx.NodeProto, weight: Array, stride: int, pad: int) -> None:
    name, channels = node.input[1], weight.shape[1]
    taps = np.stack([weight[..., stride:], weight[..., :stride]], -1)  # (in, out, phase, [x[m-1], x[m]])
    kernel = taps.transpose(2, 1, 0, 3).reshape(stride * channels, weight.shape[0], 2)
    inputs = [node.input[0], edit.add(f"{name}.phases", kernel)]
    if len(node.input) > 2:
        inputs.append(edit.add(f"{node.input[2]}.phases", np.tile(edit.constant(node.input[2]), stride)))
    phases = edit.put_before(node, "Conv", inputs, pads=[1, 1])
    split = edit.put_before(node, "Reshape", [phases, edit.index(1, stride, channels, -1)])
    transposed = edit.put_before(node, "Transpose", [split], perm=[0, 2, 3, 1])
    interleaved = edit.put_before(node, "Reshape", [transposed, edit.index(1, channels, -1)])
    edit.replace(node, "Slice", [interleaved, *(edit.index(v) for v in (pad, pad - stride, 2))])


def count_silence(edit: GraphEditor, shares: str) -> None:
    """Let the decoder's norms include the silence left out at the ends, so that speech stays the same without it.

    AdaIN normalises over time: with less silence the rest becomes softer, by up to 3 dB for two words. Let y be the
    given frames normalised to mean 0 and variance 1, e the silence left out, and a and b the `shares` of the two. Then
    the mean of all frames is m = b E[e] and their variance v = a + b E[e^2] - m^2. Normalising by them gives (y - m) /
    sqrt(v), which is folded into the scale and shift that follow, so the extra cost is vectors of one value per
    channel. For e we take a few frames of the silence at the start. shares: name of the new input.
    """
    given, left_out = (
        edit.put_before(edit.nodes[0], "Slice", [shares, *(edit.index(v) for v in (part, part + 1, 0))])
        for part in range(2)
    )
    for root in edit.of("Sqrt"):
        norm = edit.only_consumer(root.output[0])
        pairs = [(product, edit.only_consumer(product.output[0])) for product in edit.consumers(norm.output[0])]
        if norm.op_type == "Div" and pairs and all((p.op_type, s.op_type) == ("Mul", "Add") for p, s in pairs):
            _count_silence(edit, norm.output[0], pairs, given, left_out)
    edit.prune()


def _count_silence(
    edit: GraphEditor, normed: str, pairs: list[tuple[onnx.NodeProto, onnx.NodeProto]], given: str, left_out: str
) -> None:
    rate = next((rate for pattern, rate in RATES if re.search(pattern, normed)), 1)

    def put(op: str, *inputs: str) -> str:
        return edit.put_before(pairs[0][0], op, inputs)

    def share(values: str) -> str:
        """Their mean over time, (1, channels, 1), times the share of the silence."""
        return put("Mul", edit.put_before(pairs[0][0], "ReduceMean", [values, edit.index(2)]), left_out)

    silence = put("Slice", normed, *(edit.index(v) for v in (EDGE[0] * rate, EDGE[1] * rate, 2)))
    mean, square = share(silence), share(put("Mul", silence, silence))
    deviation = put("Sqrt", put("Sub", put("Add", square, given), put("Mul", mean, mean)))
    for product, total in pairs:
        scale = edit.put_before(product, "Div", [other_input(product, normed), deviation])
        shift = other_input(total, product.output[0])
        lower = edit.put_before(total, "Sub", [shift, edit.put_before(total, "Mul", [mean, scale])])
        edit.replace(product, "Mul", [normed, scale])
        edit.replace(total, "Add", [product.output[0], lower])
