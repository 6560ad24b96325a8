"""A graph with the inputs and the output of sherpa-onnx's export of MeloTTS, tiny and random: it makes noise.

It is no VITS: a sound for each phoneme and tone, as long as each other.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PHONES = ("_", *"abcdefghijklmnopqrstuvwxyz", *"!?,.'-")
CHINESE = """
你好 n i h a o|你 n i|好 h a o|天 t i a n|气 q i|雨 y u|停 t i n g|了 l e|一 y i|二 e r|十 s h i|这 z h e|就 j i u
是 s h i|我 w o|的 d e|声 s h e n g|音 y i n|可 k e|以 y i|为 w e i|读 d u|故 g u|事 s h i|新 x i n|闻 w e n|或 h u o
者 z h e|写 x i e|任 r e n|何 h e|文 w e n|字 z i
"""
TONES, FRAMES, HOP, WIDTH = 11, 4.0, 256, 8


def write_tiny_melotts(folder: Path, layers: int = 0) -> None:
    """layers: that take time, some hundredths of a second for a paragraph, and change little."""
    (folder / "tokens.txt").write_text("".join(f"{phone} {id}\n" for id, phone in enumerate(PHONES)))
    chinese = [(entry, "1") for entry in CHINESE.strip().replace("\n", "|").split("|")]
    english = [(entry, "7") for entry in ("rain r e n", *(f"{phone} {phone}" for phone in PHONES if phone.isalpha()))]
    lines = (f"{entry}{f' {tone}' * (len(entry.split()) - 1)}\n" for entry, tone in (*chinese, *english))
    (folder / "lexicon.txt").write_text("".join(lines), "utf-8")
    chance = np.random.default_rng(0)
    weights = {
        "phones": chance.normal(size=(len(PHONES), WIDTH)).astype(np.float32),
        "pitches": chance.normal(size=(TONES, WIDTH)).astype(np.float32),
        "filter": chance.normal(size=(WIDTH, 1, HOP)).astype(np.float32) * 0.1,
        "as_it_is": np.ones(2, np.float32),
        "frames": np.array([FRAMES], np.float32),
        "wide": chance.normal(size=(64, WIDTH, 9)).astype(np.float32) * 0.1,
        "narrow": chance.normal(size=(WIDTH, 64, 9)).astype(np.float32) * 0.01,
    }
    nodes = [
        helper.make_node("Gather", ["phones", "x"], ["a"]),
        helper.make_node("Gather", ["pitches", "tones"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Transpose", ["c"], ["d"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["frames", "length_scale"], ["longer"]),
        helper.make_node("Concat", ["as_it_is", "longer"], ["sizes"], axis=0),
        helper.make_node("Resize", ["d", "", "sizes"], ["e"], mode="nearest"),
        *(node for number in range(layers) for node in _layer("e" if not number else f"e{number}", f"e{number + 1}")),
        helper.make_node("ConvTranspose", [f"e{layers}" if layers else "e", "filter"], ["f"], strides=[HOP]),
        helper.make_node("Tanh", ["f"], ["y"]),
    ]
    whole, real = TensorProto.INT64, TensorProto.FLOAT
    inputs = [
        *(helper.make_tensor_value_info(name, whole, ["N", "L"]) for name in ("x", "tones")),
        *(helper.make_tensor_value_info(name, whole, ["N"]) for name in ("x_lengths", "sid")),
        *(helper.make_tensor_value_info(name, real, [1]) for name in ("noise_scale", "length_scale", "noise_scale_w")),
    ]
    outputs = [helper.make_tensor_value_info("y", real, ["N", "S", "T"])]
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "melo", inputs, outputs, constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "model.onnx"
    )


def _layer(before: str, after: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Conv", [before, "wide"], [f"{after}_wide"], pads=[4, 4]),
        helper.make_node("Conv", [f"{after}_wide", "narrow"], [f"{after}_narrow"], pads=[4, 4]),
        helper.make_node("Add", [before, f"{after}_narrow"], [after]),
    ]
