"""Demucs that know nothing: HT Demucs's architecture and both file formats, tiny and random. Needs the extra."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

SEGMENT = Fraction(9, 5)
"""Seconds; 39/5 as published."""


def tiny_demucs(sources: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """A model, and what it was made of."""
    import torch  # pyright: ignore[reportMissingImports]
    from demucs.htdemucs import HTDemucs  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "sources": list(sources), "channels": 8, "growth": 2, "nfft": 4096, "cac": True, "depth": 4, "rewrite": True,
        "norm_starts": 4, "norm_groups": 4, "dconv_mode": 3, "t_layers": 1, "t_heads": 8, "bottom_channels": 0,
        "samplerate": 44100, "segment": SEGMENT,
    }  # fmt: skip
    return HTDemucs(**sizes).eval(), sizes


def write_safetensors(file: Path, sources: Sequence[str], name: str = "demucs.htdemucs.HTDemucs") -> None:
    """As the author's hub repository has it: half precision, and what the model is made of as JSON."""
    from safetensors.torch import save_file  # pyright: ignore[reportMissingImports]

    model, sizes = tiny_demucs(sources)
    segment = {"_type": "fraction", "numerator": SEGMENT.numerator, "denominator": SEGMENT.denominator}
    about = {"klass": name, "args": "[]", "kwargs": json.dumps({**sizes, "segment": segment})}
    save_file({key: value.half().contiguous() for key, value in model.state_dict().items()}, file, about)


def write_pickle(file: Path, sources: Sequence[str], **more: Any) -> None:
    """As it was first published: half precision, with its class, and facts of its training."""
    import torch  # pyright: ignore[reportMissingImports]

    model, sizes = tiny_demucs(sources)
    state = {key: value.half() for key, value in model.state_dict().items()}
    package = {"klass": type(model), "args": (), "kwargs": sizes, "state": state, "training_args": {}}
    torch.save({**package, **more}, file)
