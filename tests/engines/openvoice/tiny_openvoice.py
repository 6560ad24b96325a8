"""An OpenVoice that knows nothing: the published architecture and file formats, tiny and random. Needs torch."""

import json
from pathlib import Path
from typing import Any

from tests.engines.torch_weights import (
    normed_layers,
    random_state,
    read_shapes,
    shapes_of,
    with_weight_norm,
)

PUBLISHED = read_shapes((Path(__file__).parent / "published.txt").read_text().splitlines())
"""Names and shapes of the published checkpoint: 486 tensors, 32,792,226 numbers."""
_FIXED = {
    "zero_g": True, "filter_channels": 768, "n_heads": 2, "n_layers": 6, "kernel_size": 3, "p_dropout": 0.1,
    "resblock": "1", "resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "upsample_rates": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4],
}  # fmt: skip
SIZES = {**_FIXED, "inter_channels": 192, "hidden_channels": 192, "upsample_initial_channel": 512, "gin_channels": 256}
"""As published."""
TINY = {**_FIXED, "inter_channels": 8, "hidden_channels": 8, "upsample_initial_channel": 32, "gin_channels": 8}
DATA = {"sampling_rate": 22050, "filter_length": 1024, "hop_length": 256, "win_length": 1024, "n_speakers": 0}
BINS = 513


def tiny_state() -> dict[str, Any]:
    from ttsai_server.engines.openvoice.network import Sizes, ToneColourConverter

    shapes = shapes_of(ToneColourConverter(Sizes.model_validate(TINY), BINS))
    return random_state(with_weight_norm(shapes, normed_layers(PUBLISHED)))


def write_tiny_openvoice(folder: Path, **changes: Any) -> None:
    """changes: keys of part `data` of the configuration."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.save({"model": tiny_state(), "iteration": 1}, folder / "checkpoint.pth")
    config = {"_version_": "v2", "data": DATA | changes, "model": TINY}
    (folder / "config.json").write_text(json.dumps(config))
