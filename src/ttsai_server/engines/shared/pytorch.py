"""What engines that run on PyTorch share. Imports torch only when it is used."""

import random
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import local
from types import ModuleType
from typing import Any, Generic, TypeVar

from ttsai_server.engines.base import Cancellation, Cancelled, Engine, LoadContext
from ttsai_server.errors import EngineFailed

Networks = TypeVar("Networks")
Tensors = Mapping[str, Any]
"""A state dict: name → tensor."""


def prepare_device(place: LoadContext) -> None:
    """Set the number of threads. Raises EngineFailed if the device is a GPU that PyTorch can't use."""
    import torch  # pyright: ignore[reportMissingImports]

    if place.device == "cuda" and not torch.cuda.is_available():
        raise EngineFailed("PyTorch sees no CUDA device, or was built without CUDA.")
    torch.set_num_threads(place.threads)


def import_torchaudio() -> None:
    """Import torchaudio, also where its native library, built for CUDA, does not go with PyTorch.

    Its functions that are written in Python work without it. To be called before packages that import torchaudio.
    """
    import torch  # pyright: ignore[reportMissingImports]

    if torch.version.cuda is None and "torchaudio" not in sys.modules:
        without: Any = ModuleType("torchaudio._extension")
        without._IS_TORCHAUDIO_EXT_AVAILABLE = without._IS_ALIGN_AVAILABLE = False
        without.fail_if_no_align = _unchanged
        sys.modules[without.__name__] = without
    if find_spec("torchaudio"):
        import_module("torchaudio")


def _unchanged(function: Any) -> Any:
    return function


def free_device(device: str) -> None:
    """Give the memory of deleted tensors back to the device."""
    if device == "cuda":
        import torch  # pyright: ignore[reportMissingImports]

        torch.cuda.empty_cache()


def read_state(file: Path, entry: str = "") -> Tensors:
    """The state dict of a PyTorch file, or the one in its `entry`, on the CPU.

    Safe for untrusted files: only tensors and containers are unpickled. Raises EngineFailed for any other file.
    """
    import torch  # pyright: ignore[reportMissingImports]

    try:
        content = torch.load(file, "cpu", weights_only=True)
        return content[entry] if entry else content
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"{file.name} is no checkpoint of this model: {error}") from error


def fill(module: Any, state: Tensors, file: str) -> Any:
    """Load the state dict into the module, set it to inference, and return it.

    Weight normalisation (Salimans & Kingma 2016), where the state has it, is computed once, here: the module has plain
    weights. Raises EngineFailed, which names `file`, if names or shapes differ.
    """
    try:
        module.load_state_dict(_without_weight_norm(state))
    except Exception as error:  # a wrong state may raise anything
        raise EngineFailed(f"{file} is no checkpoint of this model: {error}") from error
    return module.eval().requires_grad_(False)


def _without_weight_norm(state: Tensors) -> Tensors:
    """`x.weight_g` and `x.weight_v` become `x.weight`: the direction of v in each slice of the first axis, times g."""
    plain = {name: value for name, value in state.items() if not name.endswith((".weight_g", ".weight_v"))}
    for name in state:
        if name.endswith(".weight_v"):
            layer = name.removesuffix("_v")
            direction, size = state[name], state[f"{layer}_g"]
            norm = direction.flatten(1).norm(dim=1).reshape(size.shape)
            plain[layer] = direction * (size / norm)
    return plain


class Interruptible:
    """Runs modules so that a cancellation waits for at most one of their layers."""

    def __init__(self, *modules: Any) -> None:
        self._thread = local()
        for module in modules:
            for layer in module.modules():
                layer.register_forward_pre_hook(self._raise_if_cancelled)

    @contextmanager
    def running(self, cancellation: Cancellation) -> Generator[None]:
        """Context for calls of the modules in this thread, without gradients.

        Raises Cancelled, or EngineFailed if PyTorch fails.
        """
        import torch  # pyright: ignore[reportMissingImports]

        self._thread.cancellation = cancellation
        try:
            self._raise_if_cancelled()
            with torch.inference_mode():
                yield
        except RuntimeError as error:
            raise EngineFailed(f"PyTorch failed: {error}") from error
        finally:
            self._thread.cancellation = None

    def _raise_if_cancelled(self, *_: Any) -> None:
        """Called before each layer; also for other models, where they share one, as a default argument is shared."""
        cancellation: Cancellation | None = getattr(self._thread, "cancellation", None)
        if cancellation and cancellation.cancelled:
            raise Cancelled


class PyTorchEngine(Engine, Generic[Networks]):
    """Base class of engines whose networks run on PyTorch."""

    def __init__(self, networks: Networks, modules: Sequence[Any], device: str) -> None:
        """networks: what `_at_work` lends, in any form. modules: those that a cancellation stops."""
        self._networks: Networks | None = networks
        self._running, self._device = Interruptible(*modules), device

    def close(self) -> None:
        self._networks = None
        free_device(self._device)

    @contextmanager
    def _at_work(self, cancellation: Cancellation, seed: int = 0) -> Generator[Networks]:
        """The networks, for use in this thread, with this seed of PyTorch's and Python's random numbers.

        Raises EngineFailed if the engine is closed, and as `Interruptible.running`.
        """
        import torch  # pyright: ignore[reportMissingImports]

        networks = self._networks
        if networks is None:
            raise EngineFailed("The engine is closed.")
        with self._running.running(cancellation):
            torch.manual_seed(seed)
            random.seed(seed)
            yield networks
