"""Demucs that know nothing: HT Demucs's architecture and both file formats, tiny and random. Needs the extra."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

SEGMENT = Fraction(9, 5)
"""Seconds; 39/5 as published."""


PUBLISHED: dict[str, tuple[dict[str, int], int]] = {
    "htdemucs": ({"channels": 48, "t_layers": 5, "bottom_channels": 512}, 84_141_911),
    "htdemucs_6s": ({"channels": 48, "t_layers": 5, "bottom_channels": 0}, 54_996_327),
}
"""Model → the sizes that the tiny one does not have, and the length of the published pickle in bytes."""


def tiny_demucs(sources: Sequence[str], **sizes_of_another: int) -> tuple[Any, dict[str, Any]]:
    """A model, and what it was made of; with those sizes instead of tiny ones."""
    import torch  # pyright: ignore[reportMissingImports]
    from demucs.htdemucs import HTDemucs  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "sources": list(sources), "channels": 8, "growth": 2, "nfft": 4096, "cac": True, "depth": 4, "rewrite": True,
        "norm_starts": 4, "norm_groups": 4, "dconv_mode": 3, "t_layers": 1, "t_heads": 8, "bottom_channels": 0,
        "samplerate": 44100, "segment": SEGMENT, **sizes_of_another,
    }  # fmt: skip
    return HTDemucs(**sizes).eval(), sizes


def write_safetensors(file: Path, sources: Sequence[str], name: str = "demucs.htdemucs.HTDemucs") -> None:
    """As the author's hub repository has it: half precision, and what the model is made of as JSON."""
    from safetensors.torch import save_file  # pyright: ignore[reportMissingImports]

    model, sizes = tiny_demucs(sources)
    segment = {"_type": "fraction", "numerator": SEGMENT.numerator, "denominator": SEGMENT.denominator}
    about = {"klass": name, "args": "[]", "kwargs": json.dumps({**sizes, "segment": segment})}
    save_file({key: value.half().contiguous() for key, value in model.state_dict().items()}, file, about)


def write_pickle(file: Path, sources: Sequence[str], sizes: Mapping[str, int] = {}, **more: Any) -> None:
    """As it was first published: half precision, with its class, and facts of its training."""
    import torch  # pyright: ignore[reportMissingImports]

    model, made_of = tiny_demucs(sources, **sizes)
    state = {key: value.half() for key, value in model.state_dict().items()}
    package = {"klass": type(model), "args": (), "kwargs": made_of, "state": state, "training_args": {}}
    torch.save({**package, **more}, file)
