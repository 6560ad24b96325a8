"""Reads the tensors of a TensorFlow checkpoint (TensorBundle, "V2"), without TensorFlow.

`model.index` is a LevelDB table (leveldb/doc/table_format.md): the tensors' names, each with a BundleEntryProto
(tensorflow/core/protobuf/tensor_bundle.proto) with its type, shape, offset and size in `model.data-00000-of-00001`.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttsai_server.errors import EngineFailed

Array = NDArray[np.float32]
INDEX, DATA = "model.index", "model.data-00000-of-00001"
MAGIC = 0xDB4775248B80FB57
"""The last eight bytes of a table."""
_FOOTER, _PLAIN = 48, 0
"""Bytes of a table's footer; compression type "none" of a block, the only one that TensorFlow writes."""
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5
"""Fields of a BundleEntryProto."""
_FLOAT32 = 1
"""TensorFlow's number of the type."""


def read_checkpoint(folder: Path) -> dict[str, Array]:
    """Name → float32 tensor; other types are ignored. Raises EngineFailed if there is no such checkpoint."""
    try:
        return read_tensors((folder / INDEX).read_bytes(), (folder / DATA).read_bytes())
    except OSError as error:
        raise EngineFailed(f"{error.filename} can't be read: {error.strerror}") from error


def read_tensors(index: bytes, data: bytes) -> dict[str, Array]:
    """Name → float32 tensor, a view of `data`. Raises EngineFailed if they are not in TensorFlow's format."""
    try:
        entries = {key.decode(): dict(_fields(value)) for key, value in _table(index) if key}  # no key: the header
        floats = {name: entry for name, entry in entries.items() if entry.get(_DTYPE) == _FLOAT32}
        return {name: _tensor(entry, data) for name, entry in floats.items()}
    except (IndexError, ValueError, TypeError) as error:
        raise EngineFailed(f"{INDEX} can't be read: {error}") from error


def _tensor(entry: dict[int, int | bytes], data: bytes) -> Array:
    if entry.get(_SHARD, 0):
        raise ValueError("a tensor is in another file")
    offset, size, shape = int(entry.get(_OFFSET, 0)), int(entry.get(_SIZE, 0)), _shape(entry.get(_SHAPE, b""))
    if 4 * prod(shape) != size or offset + size > len(data):
        raise ValueError(f"a tensor of shape {shape} can't be {size} bytes from {offset} on")
    return np.frombuffer(data, "<f4", prod(shape), offset).reshape(shape)


def _shape(message: int | bytes) -> tuple[int, ...]:
    """A TensorShapeProto: dimensions (field 2), each a message with its size (field 1)."""
    dimensions = [dict(_fields(value)) for number, value in _fields(message) if number == 2]
    return tuple(int(dimension.get(1, 0)) for dimension in dimensions)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys of a table with their values, in order."""
    footer = content[-_FOOTER:]
    if len(footer) < _FOOTER or int.from_bytes(footer[-8:], "little") != MAGIC:
        raise ValueError("it is no table")
    blocks = _handle(footer, _handle(footer, 0)[2])  # after that of a block that nothing needs
    for _, handle in _block(content, *blocks[:2]):
        yield from _block(content, *_handle(handle, 0)[:2])


def _handle(content: bytes, position: int) -> tuple[int, int, int]:
    """Parse a BlockHandle: the block's offset, its size, and the position after the handle."""
    offset, position = _varint(content, position)
    size, position = _varint(content, position)
    return offset, size, position


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """A block's keys and values; a key is stored without the prefix that it shares with the previous one."""
    if content[offset + size] != _PLAIN:
        raise ValueError("a block is compressed")
    restarts = int.from_bytes(content[offset + size - 4 : offset + size], "little")
    end, key = offset + size - 4 * (restarts + 1), b""
    while offset < end:
        shared, offset = _varint(content, offset)
        rest, offset = _varint(content, offset)
        length, offset = _varint(content, offset)
        key = key[:shared] + content[offset : offset + rest]
        yield key, content[offset + rest : offset + rest + length]
        offset += rest + length


def _fields(message: int | bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a Protocol Buffers message's fields; a value is an integer, or bytes."""
    if isinstance(message, int):
        raise ValueError("a number is where a message should be")
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag & 7 == 0:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if tag & 7 == 2:
            length, position = _varint(message, position)
        else:
            length = {1: 8, 5: 4}.get(tag & 7, -1)
        if not 0 <= length <= len(message) - position:
            raise ValueError("a field is cut off")
        yield tag >> 3, message[position : position + length]
        position += length


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """Parse a little-endian base-128 varint; returns it and the position after it."""
    number = shift = 0
    while True:
        byte = content[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
        shift += 7
