"""Reads the tensors of a PyTorch checkpoint without torch.

The old format (before PyTorch 1.6) is a sequence of pickles: a magic number, a protocol number and system information;
the object, whose tensors name their storage, offset, shape and strides; the storages' keys; then for each key its
length, as int64, and its values. The new format is a zip archive of the object's pickle, `data.pkl`, and a file for
each storage, `data/KEY` (see `_legacy_save` and `_save` in `torch/serialization.py`).
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ttsai_server.errors import EngineFailed

Array = NDArray[np.float32]
Tensor = Callable[[Mapping[str, Array]], Array]
"""Function from the storages to a tensor: in the old format the storages follow the object."""
MAGIC = 0x1950A86A20F9469CFC6C
_FLOATS = "torch.FloatStorage"


def read_tensors(file: Path, entry: str = "") -> dict[str, Array]:
    """Name → float32 tensor of the checkpoint's state dict, or of the one in its `entry`.

    Safe for untrusted files: unpickles tensors and containers only. Raises EngineFailed if it is not such a file, or
    has no such entry.
    """
    try:
        state, storages = _archived(file) if zipfile.is_zipfile(file) else _in_a_row(file)
        tensors: Mapping[str, Tensor] = state[entry] if entry else state
        return {name: tensor(storages) for name, tensor in tensors.items()}
    except (
        pickle.UnpicklingError, zipfile.BadZipFile, EOFError, LookupError, TypeError, ValueError, AttributeError
    ) as error:  # fmt: skip
        raise EngineFailed(f"{file.name} can't be read: {error!r}") from error


def _in_a_row(file: Path) -> tuple[Any, dict[str, Array]]:
    """The object and its storages, from the old format."""
    with file.open("rb") as stream:
        if _Plain(stream).load() != MAGIC:
            raise EngineFailed(f"{file.name} is not a PyTorch checkpoint.")
        for _ in range(2):  # protocol, machine
            _Plain(stream).load()
        state = _Plain(stream).load()
        return state, {key: _storage(stream) for key in _Plain(stream).load()}


def _archived(file: Path) -> tuple[Any, dict[str, Array]]:
    """The object and its storages, from the new format."""
    with zipfile.ZipFile(file) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl") + "data/"
        stored = [name for name in archive.namelist() if name.startswith(folder)]
        storages = {name.removeprefix(folder): np.frombuffer(archive.read(name), "<f4") for name in stored}
        with archive.open(pickled) as stream:
            return _Plain(stream).load(), storages


class _Plain(pickle.Unpickler):
    """Unpickles tensors and containers; refuses every other class."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name}.{global_name}"
        known = {"collections.OrderedDict": OrderedDict, "torch._utils._rebuild_tensor_v2": _tensor, _FLOATS: _FLOATS}
        if name not in known:
            raise pickle.UnpicklingError(f"{name} is not part of a checkpoint")
        return known[name]

    def persistent_load(self, pid: Any) -> str:
        """The key of a storage."""
        kind, dtype, key, *_ = pid
        if (kind, dtype) != ("storage", _FLOATS):
            raise pickle.UnpicklingError(f"{kind} of {dtype} is not one of float32")
        return str(key)


def _tensor(key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> Tensor:
    def read(storages: Mapping[str, Array]) -> Array:
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if not 0 <= offset <= last < len(storages[key]):
            raise ValueError(f"a tensor reaches over the end of storage {key}")
        values = storages[key][offset:]
        return np.lib.stride_tricks.as_strided(values, shape, [4 * stride for stride in strides]).copy()

    return read


def _storage(stream: BinaryIO) -> Array:
    count = int.from_bytes(stream.read(8), "little")
    values = np.frombuffer(stream.read(4 * count), "<f4")
    if len(values) != count:
        raise EOFError("a storage is cut off")
    return values
