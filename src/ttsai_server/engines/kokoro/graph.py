"""Build the three float32 graphs that the CPU runtimes run, from a published ONNX export of Kokoro-82M, int8 or float.

The published exports (thewh1teagle's kokoro-onnx release and onnx-community's repository hold the same graph) use ONNX
Runtime's own fused operators and, in int8, its quantised kernels. The built graphs have standard operators only, in
float32. They run one after the other, and each takes what it needs of what there is by then. There are three because
they want different precisions: prosody adds up phases and rounds durations, which bfloat16 spoils; the encoder takes
bfloat16 well (of 200 durations one changes, by a frame), and so does the decoder, where five sixths of the time go.

encoder.onnx, the phonemes' context; takes bfloat16
    in  ``input_ids`` int64 (1, n): 0, phoneme ids, 0; n <= 512
    out ``context`` float32 (1, n, 512)
prosody.onnx, durations, pitch and excitation; run it in float32
    in  ``input_ids`` · ``context`` · ``style`` float32 (1, 256) · ``speed`` float32 (1,)
    out ``duration`` float32 (1, n): frames of 600 samples that each id lasts; t is their sum
        ``asr`` (1, 512, t) · ``f0`` (1, 2 t) Hz · ``energy`` (1, 2 t) · ``harmonics`` (1, 22, 120 t + 1)
decoder.onnx, the decoder and vocoder; takes bfloat16
    in  ``asr`` · ``f0`` · ``energy`` · ``harmonics``, of which silence at either end may be left out · ``style`` ·
        ``shares`` float32 (2,), adding up to 1: of what is given, and of what was left out
    out ``waveform`` float32 (600 t,), 24 kHz

The exports hold no random operator (their makers left out the noise of the harmonic source): equal inputs give equal
sound.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from ttsai_server.engines.kokoro import rewrite
from ttsai_server.engines.kokoro.dequantise import dequantise
from ttsai_server.engines.kokoro.edit import GraphEditor, one
from ttsai_server.engines.kokoro.nhwc import as_images
from ttsai_server.errors import EngineFailed

GRAPH, ENCODER, PROSODY, DECODER = "graph", "encoder.onnx", "prosody.onnx", "decoder.onnx"
PARTS = {
    ENCODER: ("input_ids",),
    PROSODY: ("input_ids", "context", "style", "speed"),
    DECODER: ("asr", "f0", "energy", "harmonics", "style", "shares"),
}
"""What each takes, in the order in which they run."""
FORM = 5
"""Of what `build` makes: one more whenever that changes."""
_FORM_FILE = "form"
_OPSET, _IR_VERSION = 20, 9
_INPUTS = {"tokens": "input_ids", "input_ids": "input_ids", "style": "style", "speed": "speed"}
_UNKNOWN = ("Loop", "If", "Scan", "SequenceAt", "SequenceInsert", "SplitToSequence", "RandomNormalLike", "RandomNormal")
_CUTS = {
    "/encoder/bert_encoder/Add_output_0": "context",
    "/encoder/MatMul_1_output_0": "asr",
    "/encoder/Squeeze_output_0": "f0",
    "/encoder/Squeeze_1_output_0": "energy",
    "/decoder/decoder/generator/Concat_3_output_0": "harmonics",
}
_SHAPES: dict[str, list[str | int]] = {
    "input_ids": [1, "sequence_length"],
    "context": [1, "sequence_length", 512],
    "asr": [1, 512, "frames"],
    "f0": [1, "half_frames"],
    "energy": [1, "half_frames"],
    "harmonics": [1, 22, "hops"],
    "style": [1, 256],
    "speed": [1],
    "shares": [2],
    "duration": [1, "sequence_length"],
    "waveform": ["samples"],
}


def built(folder: Path) -> bool:
    """Whether that folder holds the graphs as this version of `build` writes them."""
    form = folder / _FORM_FILE
    return form.is_file() and form.read_text("ascii") == str(FORM) and all((folder / part).is_file() for part in PARTS)


def build(source: Path, target: Path) -> None:
    """Write the three graphs, made from the ONNX export at `source`, to the folder `target`, all or none.

    Raises EngineFailed where `source` is not a Kokoro export of the known form.
    """
    edit = GraphEditor(onnx.load(source))
    _check(edit)
    dequantise(edit)
    rewrite.standardise(edit)
    rewrite.convolve_stft(edit)
    rewrite.mend_inverse_stft(edit)
    rewrite.unroll_snake(edit)
    rewrite.stack_styles(edit)
    rewrite.shuffle_upsampling(edit)
    _name_cuts(edit)
    parts = {
        ENCODER: _part(edit, ENCODER, "context"),
        PROSODY: _part(edit, PROSODY, "duration", "asr", "f0", "energy", "harmonics"),
        DECODER: _part(edit, DECODER, "waveform"),
    }
    rewrite.count_silence(parts[DECODER], "shares")
    as_images(parts[DECODER], ["asr", "harmonics"])
    _write(parts, target)


def _part(edit: GraphEditor, name: str, *outputs: str) -> GraphEditor:
    return edit.part([_value(i) for i in PARTS[name]], [_value(o) for o in outputs])


def _check(edit: GraphEditor) -> None:
    names = [i.name for i in edit.inputs]
    if sorted(_INPUTS.get(n, "") for n in names) != ["input_ids", "speed", "style"]:
        raise EngineFailed(f"inputs {names} are not those of a Kokoro export")
    for node in edit.of(*_UNKNOWN):
        raise EngineFailed(f"{node.name!r}: {node.op_type} is not part of the known export")


def _name_cuts(edit: GraphEditor) -> None:
    """Give the inputs, the cuts and the durations their names."""
    rounded = edit.made_by("Round")
    frames = one([n.output[0] for n in edit.of("Clip") if n.input[0] in rounded], "rounded duration")
    for value in edit.inputs:
        value.name = _INPUTS[value.name]
    edit.rename({**_INPUTS, **_CUTS, frames: "duration", edit.outputs[0].name: "waveform"})


def _value(name: str) -> onnx.ValueInfoProto:
    kind = TensorProto.INT64 if name == "input_ids" else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, _SHAPES[name])


def _write(parts: dict[str, GraphEditor], target: Path) -> None:
    """Write into a folder beside `target`, then rename it into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}.", suffix=".part"))
    try:
        for name, part in parts.items():
            onnx.save(part.model(name, _OPSET, _IR_VERSION), partial / name)
        (partial / _FORM_FILE).write_text(str(FORM), "ascii")
        partial.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
