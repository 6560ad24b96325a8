"""Spleeters that know nothing: the published architecture and file format, random and with few filters.

Their files are written here, not by TensorFlow, to the description of the formats that the reader names.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ttsai_server.engines.spleeter.checkpoint import DATA, INDEX, MAGIC

FILTERS = (2, 3, 4, 4, 5, 6)
"""Of the layers; the published ones have 16, 32, 64, 128, 256 and 512."""
Tensors = dict[str, np.ndarray]


def tensors(stems: int) -> Tensors:
    """As Keras names and shapes them."""
    random = np.random.default_rng(0)
    made: Tensors = {}
    for stem in range(stems):
        down = zip((2, *FILTERS), FILTERS, strict=False)
        wide = [FILTERS[-1], *(2 * count for count in reversed(FILTERS[:-1]))]
        up = zip(wide, (*reversed(FILTERS[:-1]), 1), strict=True)
        for layer, (before, after) in enumerate(down):
            made |= _convolution(random, _name("conv2d", 7 * stem + layer), (5, 5, before, after), after)
            made |= _normalisation(random, _name("batch_normalization", 12 * stem + layer), after)
        for layer, (before, after) in enumerate(up):
            made |= _convolution(random, _name("conv2d_transpose", 6 * stem + layer), (5, 5, after, before), after)
            made |= _normalisation(random, _name("batch_normalization", 12 * stem + 6 + layer), after)
        made |= _convolution(random, _name("conv2d", 7 * stem + 6), (4, 4, 1, 2), 2)
    return made


def write_tiny_spleeter(folder: Path, stems: int) -> None:
    """The checkpoint's two files."""
    index, data = bundle({**tensors(stems), "global_step": np.array(7)})
    (folder / INDEX).write_bytes(index)
    (folder / DATA).write_bytes(data)


def bundle(values: Mapping[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Index and data of a checkpoint of float32 and int64 tensors."""
    entries: list[tuple[bytes, bytes]] = [(b"", b"\x08\x01\x1a\x02\x08\x01")]  # one file of data, version 1
    data = b""
    for name in sorted(values):
        value = values[name]
        kind = {"float32": 1, "int64": 9}[value.dtype.name]
        shape = b"".join(_bytes(2, _number(1, size)) for size in value.shape)
        place = _number(4, len(data)) if data else b""  # nothing is written of a number that is 0
        crc = b"\x35\0\0\0\0"
        entries.append((name.encode(), _number(1, kind) + _bytes(2, shape) + place + _number(5, value.nbytes) + crc))
        data += value.tobytes()
    return table(entries), data


def table(entries: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
    """LevelDB's: blocks of a few entries each, an index of them, and a footer."""
    content, handles = b"", list[tuple[bytes, bytes]]()
    for first in range(0, len(entries), 20):
        part = entries[first : first + 20]
        handles.append((part[-1][0], _varint(len(content)) + _varint(len(_block(part)))))
        content += _block(part) + bytes([compression]) + bytes(4)
    meta = _varint(len(content)) + _varint(len(_block([])))
    content += _block([]) + bytes(5)
    footer = meta + _varint(len(content)) + _varint(len(_block(handles)))
    return content + _block(handles) + bytes(5) + footer.ljust(40, b"\0") + MAGIC.to_bytes(8, "little")


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    content, restarts, before = b"", list[int](), b""
    for number, (key, value) in enumerate(entries):
        if number % 16 == 0:
            restarts.append(len(content))
            before = b""
        shared = next(
            (i for i, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), min(len(before), len(key))
        )
        content += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return content + b"".join(number.to_bytes(4, "little") for number in [*restarts, len(restarts)])


def _varint(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _convolution(random: np.random.Generator, name: str, shape: tuple[int, ...], count: int) -> Tensors:
    kernel = random.normal(0, 1.5 / np.sqrt(np.prod(shape[:2]) * shape[2]), shape)
    return {f"{name}/kernel": kernel.astype(np.float32), f"{name}/bias": _around(random, 0, count)}


def _normalisation(random: np.random.Generator, name: str, count: int) -> Tensors:
    centres = {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}
    return {f"{name}/{part}": _around(random, centre, count) for part, centre in centres.items()}


def _around(random: np.random.Generator, centre: float, count: int) -> np.ndarray:
    return (centre + random.uniform(-0.3, 0.3, count)).astype(np.float32)


def _name(layer: str, number: int) -> str:
    return f"{layer}_{number}" if number else layer
