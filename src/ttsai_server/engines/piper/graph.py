"""Cuts the graph of a Piper voice in two, so that sound can be made of a part of a sentence.

A VITS is a chain: text ──encoder, durations, flow──▶ latent frames ──HiFi-GAN (Kong et al. 2020)──▶ sound. The last is
two thirds of the work, and has no norms: of a window of frames, with some more on either side, it makes exactly the
sound that it makes there of all of them.

encoder  in  the graph's own inputs
         out ``durations`` float32 (1, 1, n): frames of each id; t is their sum · ``frames`` float32 (1, c, t)
decoder  in  ``frames`` · ``sid``, where the voice has several speakers
         out ``output`` float32 (1, 1, 1, HOP t)
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from ttsai_server.engines.shared.graph_editor import GraphEditor, attribute, one
from ttsai_server.errors import EngineFailed

_FIRST_KERNEL = 7
"""Of the convolution that the decoder begins with; the one for the speaker has 1."""


def cut(file: Path) -> tuple[bytes, bytes]:
    """The encoder and the decoder of the graph in that file. Raises EngineFailed if it is not that of a Piper voice."""
    try:
        model = onnx.load(file)
    except Exception as error:  # protobuf's own exceptions share no other base
        raise EngineFailed(f"{file.name} can't be loaded: {error}") from error
    edit = GraphEditor(model)
    durations = one(edit.of("Ceil"), "rounding of durations").output[0]
    frames = _frames(edit)
    edit.rename({durations: "durations", frames: "frames"})
    parts = {
        "encoder": edit.part(edit.inputs, [_floats("durations"), _floats("frames")]),
        "decoder": edit.part([_floats("frames")], edit.outputs),
    }
    read = {name for node in parts["decoder"].nodes for name in node.input}
    parts["decoder"].inputs += [value for value in edit.inputs if value.name in read]
    opset = max(each.version for each in model.opset_import)
    encoder, decoder = (part.model(name, opset, model.ir_version) for name, part in parts.items())
    return encoder.SerializeToString(), decoder.SerializeToString()


def _frames(edit: GraphEditor) -> str:
    """Name of what the decoder begins with: its first convolution comes before the first one that raises the rate."""
    raising = edit.of("ConvTranspose")
    if not raising:
        raise EngineFailed("The graph has no decoder.")
    activation = edit.producer(raising[0].input[0], "LeakyRelu")
    before = [node for node in edit.nodes if activation.input[0] in node.output]
    if before and before[0].op_type == "Add":  # of what is the speaker's
        before = [node for node in edit.nodes if set(before[0].input) & set(node.output)]
    first = [n for n in before if n.op_type == "Conv" and attribute(n, "kernel_shape", None) == [_FIRST_KERNEL]]
    return one(first, "first convolution of the decoder").input[0]


def _floats(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None])
