"""A checkpoint of kokoro-inno-clone-tuner that knows nothing: the published names, shapes and types, random values."""

import json
from math import prod
from pathlib import Path
from zlib import crc32

import numpy as np

from ttsai_server.engines.kokoro.inno.checkpoint import STYLE, shapes
from ttsai_server.engines.kokoro.styles import LONGEST

ABOUT = {
    "version": "0.2.0",
    "blend_names": "af_heart,am_adam,bm_george",
    "blend_gate": "3.0",
    "blend_scale": "2.0,1.0,1.0",
    "grade_pen": "0.5",
    "tilt_mean": "-8.0",
    "tilt_sd": "2.0",
}
OTHERS = {
    "blend.rows": (3, LONGEST, STYLE // 2),
    "blend.stats": (3, 3),
    "blend.grades": (3,),
    "head.W": (3, STYLE // 2),
    "head.mu": (2,),
    "head.sd": (2,),
}
"""Of the authors' prosody."""


def write_random_inno(file: Path, style: np.ndarray) -> None:
    """style: (256,), what the head makes of every voice, but for the little that the random weights add."""
    tensors = {name: _random(name, shape) for name, shape in {**shapes(), **OTHERS}.items()}
    tensors["heads.tilt.weight"] /= 50
    tensors["heads.style.2.bias"] = style.astype("<f4")
    counters = [name for name in tensors if name.endswith("running_mean")]
    tensors |= {name.replace("running_mean", "num_batches_tracked"): np.array(1, "<i8") for name in counters}
    write_safetensors(file, tensors, ABOUT)


def write_safetensors(file: Path, tensors: dict[str, np.ndarray], about: dict[str, str]) -> None:
    header: dict[str, object] = {"__metadata__": about}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.nbytes
        kind = {"<f2": "F16", "<f4": "F32", "<i8": "I64"}[tensor.dtype.str]
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [start, end]}
    written = json.dumps(header).encode()
    values = b"".join(tensor.tobytes() for tensor in tensors.values())
    file.write_bytes(len(written).to_bytes(8, "little") + written + values)


def _random(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Each output is about as large as its inputs."""
    values = np.random.default_rng(crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        values = 1 + 0.1 * np.abs(values)
    elif len(shape) == 1:
        values *= 0.02
    else:
        values *= prod(shape[1:]) ** -0.5
    return values.astype("<f2" if name.startswith("enc.") else "<f4")
