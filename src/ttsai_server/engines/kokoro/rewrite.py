"""Rewrites of the float Kokoro graph: standard operators only, a mended inverse STFT, and forms that CPUs run fast.

Each function changes a GraphEditor in place and raises EngineFailed where the graph is not the known export. None
changes the result beyond float32 rounding, but for `mend_inverse_stft`, which removes a fault of the exports, and
`count_silence`, where silence is left out.
"""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from ttsai_server.engines.kokoro.edit import GraphEditor, attribute, expect, one, other_input
from ttsai_server.errors import EngineFailed

STFT_LENGTH, STFT_HOP, STFT_BINS = 20, 5, 11
RATES = ((r"/decode\.3/norm2/", 2), (r"/(noise_res\.0|resblocks\.[012])/", 20), (r"/(noise_res|resblocks)", 120))
"""Which of the decoder's norms see how many numbers a frame; all others see one."""
EDGE = (1, 3)
"""Frames between which silence is like what was left out: the very first has nothing before it."""
Array = npt.NDArray[np.float32]


def standardise(edit: GraphEditor) -> None:
    """ONNX Runtime's fused operators as standard ones."""
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
    """FusedMatMul with its first input, (1, a, b), transposed: the only form that the export has."""
    if [attribute(node, k, d) for k, d in (("transA", 0), ("transB", 0), ("alpha", 1.0))] != [1, 0, 1.0]:
        raise EngineFailed(f"{node.name!r} is not the fused product of the known export")
    turned = edit.put_before(node, "Transpose", node.input[:1], perm=[0, 2, 1])
    edit.replace(node, "MatMul", [turned, node.input[1]])


def mend_inverse_stft(edit: GraphEditor) -> None:
    """Replace what follows the inverse STFT's overlap-add by its true normalisation.

    The exports divide the first 20 samples alone, by the squared window of one single frame (down to 6e-4: a click at
    every start), and leave all later ones too loud by the window's overlap: squared Hann windows of 20 samples at hop
    5 add up to 1.5. Here that sum goes into the basis, and the half window that is cropped at both ends is the
    transposed convolution's own padding.
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
    """The STFT as a convolution with its basis, and a phase that is defined where a bin is real, or nothing at all.

    The lowest and the highest bin are real: half a turn where negative, whichever way their zero imaginary part was
    rounded; a bin that is exactly 0 has phase 0, not NaN.
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
    """Float32 (2 bins, 1, length): windowed cosines, then negative sines."""
    turns = np.outer(np.arange(STFT_BINS), np.arange(STFT_LENGTH)) / STFT_LENGTH
    sines = -np.sin(2 * np.pi * turns)
    sines[[0, -1]] = 0.0
    return (np.concatenate([np.cos(2 * np.pi * turns), sines]) * _hann())[:, None].astype(np.float32)


def _hann() -> npt.NDArray[np.float64]:
    """The periodic Hann window of the model's STFT."""
    return np.hanning(STFT_LENGTH + 1)[:-1]


def unroll_snake(edit: GraphEditor) -> None:
    """sin(a x)^2, of the generator's Snake activations (Ziyin et al. 2020), as arithmetic that vectorises.

    With v = |a x / pi mod 1| - 1/2 it is cos(pi v)^2, and with d = sqrt(2) cos(pi v / 2) that is (d^2 - 1)^2; d is a
    parabola in v^2, fitted so that the largest error of the square is least: 1.8e-5. Each step reads nothing but the
    step before, so that OpenVINO makes one kernel of all, the sum with x included: with a scalar sine in the middle
    they took a third of the time.
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
    while x not in last.input:  # the factor 1 / a, then the sum with x: OpenVINO joins on the first input only
        name = last.output[0]
        last = edit.only_consumer(name)
        edit.replace(last, last.op_type, [name, other_input(last, name)])


def stack_styles(edit: GraphEditor) -> None:
    """AdaIN's scales 1 + g and shifts, halves of what a linear layer each makes of the style, by one product for all.

    The 1 is part of a bias. OpenVINO makes one kernel of the product with the scale and the sum with the shift, unless
    either comes straight from a Split (a Reshape between them is enough), and takes over the memory layout of most of
    what the kernel reads, first of all the first: that of convolutions. Two hundred products for themselves, each with
    a kernel and a layout of its own, took 80 MB more.

    Where a Snake follows, the turns that its sine is taken of have a scale and a shift of their own: OpenVINO makes one
    kernel of steps whose ends meet only if they begin at different values.
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
    """Linear layers of one style, (1, inputs), as one."""

    def __init__(self, edit: GraphEditor, style: str, first: onnx.NodeProto) -> None:
        """first: the node before which the product is made."""
        self._edit = edit
        self._names = f"{style}.weights", f"{style}.biases"
        self._weights: list[Array] = []
        self._biases: list[Array] = []
        self._height = 0
        product = edit.put_before(first, "MatMul", [style, self._names[0]])
        biased = edit.put_before(first, "Add", [product, self._names[1]])
        self._made = edit.put_before(first, "Reshape", [biased, edit.index(-1)])

    def add(self, node: onnx.NodeProto, weights: Array, biases: Array) -> str:
        """A layer, (inputs, channels) and (channels,); the name of what it makes, before `node`: (1, channels, 1)."""
        channels, bounds = len(biases), (self._height, self._height + len(biases), 0)
        self._weights.append(weights)
        self._biases.append(biases)
        self._height += channels
        part = self._edit.put_before(node, "Slice", [self._made, *(self._edit.index(v) for v in bounds)])
        return self._edit.put_before(node, "Reshape", [part, self._edit.index(1, channels, 1)])

    def close(self) -> None:
        """Put the layers together; none may be added after it."""
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
        """Make `node` the sum of the shift and the product of scale and sequence, each `factor` (channels,) times."""
        scale, shift = (stacks[style].add(node, weights[half] * factor, biases[half] * factor) for half in (0, 1))
        edit.replace(node, "Add", [edit.put_before(node, "Mul", [normal, scale]), shift])

    for turns in edit.consumers(total.output[0]):
        if turns.op_type == "Mul":
            scale_and_shift(turns, edit.constant(other_input(turns, total.output[0])).reshape(-1))
    scale_and_shift(total, np.ones(1, np.float32))


def shuffle_upsampling(edit: GraphEditor) -> None:
    """A transposed convolution whose kernel is two strides long, as a plain convolution and a shuffle.

    Output o of stride s and padding p reads, with o + p = m s + j, x[m] by tap j and x[m - 1] by tap j + s: a kernel of
    two samples that makes s outputs at once.
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
    turned = edit.put_before(node, "Transpose", [split], perm=[0, 2, 3, 1])
    woven = edit.put_before(node, "Reshape", [turned, edit.index(1, channels, -1)])
    edit.replace(node, "Slice", [woven, *(edit.index(v) for v in (pad, pad - stride, 2))])


def count_silence(edit: GraphEditor, shares: str) -> None:
    """Let the decoder's norms count silence that is left out at its ends, so that speech is the same without it.

    AdaIN norms over time: the less silence there is, the softer the rest becomes, up to 3 dB where two words are said.
    With y normed over what is given, mean 0 and variance 1, and e like what is left out, the mean of all is m = b E[e]
    and the variance v = a + b E[e^2] - m^2, where a and b are the `shares` of what is given and left out. The norm of
    all is (y - m) / sqrt(v), which goes into the scale and the shift that follow: nothing but vectors of one number a
    channel is computed for it. The silence at the start stands for all: e is a few frames of it.
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
        """What their mean over time, (1, channels, 1), adds to that of all."""
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
