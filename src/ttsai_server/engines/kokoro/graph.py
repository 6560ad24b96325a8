"""Builds the three float32 graphs that the CPU backends run, from a published ONNX export of Kokoro-82M, int8 or float.

The published exports (thewh1teagle's kokoro-onnx release and onnx-community's repository hold the same graph) use ONNX
Runtime's fused operators and, in int8, its quantised kernels. The built graphs have standard operators only, in
float32. They run one after the other; a graph's inputs are the model's inputs and outputs of the earlier graphs. There
are three because they need different precisions: prosody adds up phases and rounds durations, which bfloat16 spoils;
bfloat16 is good enough for the encoder (one of 200 durations changes, by a frame) and for the decoder, which takes five
sixths of the time.

encoder.onnx, encodes the phonemes; bfloat16 will do
    in  ``input_ids`` int64 (1, n): 0, phoneme ids, 0; n <= 512
    out ``context`` float32 (1, n, 512)
prosody.onnx, durations, pitch and excitation; run it in float32
    in  ``input_ids`` · ``context`` · ``style`` float32 (1, 256) · ``speed`` float32 (1,)
    out ``duration`` float32 (1, n): frames of 600 samples that each id lasts; t is their sum
        ``asr`` (1, 512, t) · ``f0`` (1, 2 t) Hz · ``energy`` (1, 2 t) · ``harmonics`` (1, 22, 120 t + 1)
decoder.onnx, the decoder and vocoder; bfloat16 will do
    in  ``asr`` · ``f0`` · ``energy`` · ``harmonics``, each with or without the silence at either end · ``style`` ·
        ``shares`` float32 (2,), which sum to 1: of the frames given, and of the silence left out
    out ``waveform`` float32 (600 t,), 24 kHz

The exports have no random operators (they omit the noise of the harmonic source), so the result is deterministic.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from ttsai_server.engines.kokoro import rewrite
from ttsai_server.engines.kokoro.dequantise import dequantise
from ttsai_server.engines.kokoro.nhwc import as_images
from ttsai_server.engines.shared.graph_editor import GraphEditor, one
from ttsai_server.errors import EngineFailed

GRAPH, ENCODER, PROSODY, DECODER = "graph", "encoder.onnx", "prosody.onnx", "decoder.onnx"
PARTS = {
    ENCODER: ("input_ids",),
    PROSODY: ("input_ids", "context", "style", "speed"),
    DECODER: ("asr", "f0", "energy", "harmonics", "style", "shares"),
}
"""Graph → its inputs, in the order in which they run."""
FORM = 5
"""Version of the files that `build` writes; increment it whenever they change."""
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
    """Whether the folder holds the graphs as written by this version of `build`."""
    form = folder / _FORM_FILE
    return form.is_file() and form.read_text("ascii") == str(FORM) and all((folder / part).is_file() for part in PARTS)


def build(source: Path, target: Path) -> None:
    """Build the three graphs from the ONNX export `source` and write them to the folder `target`, atomically.

    Raises EngineFailed if `source` is not a Kokoro export of the known form.
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
    """Rename the inputs, the values between the graphs, and the durations."""
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
