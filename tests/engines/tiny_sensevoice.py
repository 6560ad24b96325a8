"""A SenseVoice that knows nothing: the inputs, outputs and metadata of sherpa-onnx's export, a tiny random encoder.

As in the real one, four rows go before the sound's: language, event, emotion, text norm (An et al. 2024, FunAudioLLM).
Training has taught that one to give them back as tags, and a blank for silence; this one's embeddings are the tags.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import GraphProto, TensorProto, helper, numpy_helper, save
from tests.engines.graphs import Ends

PUBLISHED: Ends = {
    "x": ("FLOAT", (None, None, 560)),
    "x_length": ("INT32", (None,)),
    "language": ("INT32", (None,)),
    "text_norm": ("INT32", (None,)),
    "logits": ("FLOAT", (None, None, 25055)),
}
"""What the graph of sherpa-onnx's export takes and gives, by its scripts/sense-voice/export-onnx.py."""
FEATURES = 560
PIECES = [
    "▁the",
    "▁rain",
    "▁has",
    "▁stop",
    "ped",
    "▁gar",
    "den",
    "'",
    "s",
    ",",
    ".",
    "。",
    "你",
    "好",
    "雨",
    "ま",
    "す",
    "▁비",
    "가",
    "▁",
]
TAGS = {
    0: "<|en|>", 1: "<|Speech|>", 2: "<|NEUTRAL|>", 3: "<|zh|>", 4: "<|en|>", 7: "<|yue|>", 11: "<|ja|>", 12: "<|ko|>",
    13: "<|nospeech|>", 14: "<|withitn|>", 15: "<|woitn|>",
}  # fmt: skip
"""Row of the embedding table → the tag that the model gives back for it; 0 is `auto`, which hears English here."""
TOKENS = ["<unk>", *PIECES, *dict.fromkeys(TAGS.values())]
METADATA = {
    "lfr_window_size": "7", "lfr_window_shift": "6", "normalize_samples": "0", "vocab_size": str(len(TOKENS)),
    "neg_mean": ",".join(["-10"] * FEATURES), "inv_stddev": ",".join(["0.3"] * FEATURES),
    "model_type": "sense_voice_ctc", "comment": "iic/SenseVoiceSmall", "with_itn": "14", "without_itn": "15",
    "lang_auto": "0", "lang_zh": "3", "lang_en": "4", "lang_yue": "7", "lang_ja": "11", "lang_ko": "12",
    "lang_nospeech": "13",
}  # fmt: skip


def write_tiny_sensevoice(folder: Path, metadata: Mapping[str, str] = METADATA) -> None:
    """model.int8.onnx and tokens.txt in `folder`."""
    model = helper.make_model(_graph(), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata))
    save(model, folder / "model.int8.onnx")
    (folder / "tokens.txt").write_text("".join(f"{token} {i}\n" for i, token in enumerate(TOKENS)), "utf-8")


def _weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    table = np.zeros((16, len(TOKENS)), np.float32)
    for row, tag in TAGS.items():
        table[row, TOKENS.index(tag)] = 1
    bias = np.zeros(len(TOKENS), np.float32)
    bias[len(PIECES) + 1 :] = -100  # sound is no tag
    return {
        "table": table,
        "hidden": random.normal(0, 0.15, (FEATURES, 32)).astype(np.float32),
        "head": random.normal(0, 1, (32, len(TOKENS))).astype(np.float32),
        "bias": bias,
        "tags": np.array([[1, 2]], np.int32),
        "one": np.array([1], np.int64),
    }


def _graph() -> GraphProto:
    node, tensor = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("Unsqueeze", ["language", "one"], ["l"]),
        node("Unsqueeze", ["text_norm", "one"], ["n"]),
        node("Concat", ["l", "tags", "n"], ["rows"], axis=1),
        node("Gather", ["table", "rows"], ["tag_logits"]),
        node("MatMul", ["x", "hidden"], ["h"]),
        node("Tanh", ["h"], ["t"]),
        node("MatMul", ["t", "head"], ["m"]),
        node("Add", ["m", "bias"], ["sound_logits"]),
        node("Concat", ["tag_logits", "sound_logits"], ["logits"], axis=1),
    ]
    inputs = [
        tensor("x", TensorProto.FLOAT, ["N", "T", FEATURES]),
        *(tensor(name, TensorProto.INT32, ["N"]) for name in ("x_length", "language", "text_norm")),
    ]
    output = tensor("logits", TensorProto.FLOAT, ["N", "rows + T", len(TOKENS)])
    weights = [numpy_helper.from_array(value, name) for name, value in _weights().items()]
    return helper.make_graph(nodes, "tiny", inputs, [output], weights)
