"""A small Kokoro of the publisher's architecture, randomly initialised."""

import json
import warnings
from pathlib import Path
from typing import Any, cast

import torch  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.kokoro import torch_backend

SIZES: dict[str, Any] = {
    "n_layer": 1,
    "max_dur": 2,
    "plbert": {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64},
}
DECODER = {"resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3, 5]]}
PITCH = 150.0


def write_small_kokoro(folder: Path, kokoro_weights: Path) -> Path:
    """Write its checkpoint, in PyTorch's default type, and its config. → the folder."""
    from kokoro.model import KModel  # pyright: ignore[reportMissingImports]

    config = json.loads((kokoro_weights / "config.json").read_text())
    config |= SIZES | {"istftnet": {**config["istftnet"], **DECODER}}
    (folder / "config.json").write_text(json.dumps(config))
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        model = cast("Any", KModel)("hexgrad/Kokoro-82M", config, torch_backend._empty())
    torch.nn.init.constant_(model.predictor.F0_proj.bias, PITCH)  # else nothing is voiced
    parts = {name: {f"module.{k}": v for k, v in part.state_dict().items()} for name, part in model.named_children()}
    torch.save(parts, folder / torch_backend.CHECKPOINT)
    return folder
