"""A kNN-VC that knows nothing: the published architectures and file formats, tiny and random. Needs the extra."""

from pathlib import Path
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from tests.engines.torch_weights import normed_layers, random_state, read_shapes, shapes_of, with_weight_norm

from ttsai_server.engines.knn_vc.vocoder import Vocoder

PUBLISHED = read_shapes((Path(__file__).parent / "published.txt").read_text().splitlines())
"""Names and shapes of the published vocoder: 236 tensors, 16,533,506 numbers."""
FEATURES, HIDDEN, WIDE = 32, 16, 32
LAYERS = 8


def tiny_vocoder() -> dict[str, Any]:
    state = random_state(with_weight_norm(shapes_of(Vocoder(FEATURES, HIDDEN, WIDE)), normed_layers(PUBLISHED)))
    return state | {"conv_post.weight_g": 0.1 * state["conv_post.weight_g"]}


def tiny_wavlm() -> Any:
    """WavLM Large's architecture, with two layers more than are used."""
    from transformers import WavLMConfig, WavLMModel  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": FEATURES, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": LAYERS,
        "conv_dim": (16,) * 7, "conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2),
        "conv_bias": False, "feat_extract_norm": "layer", "do_stable_layer_norm": True, "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    }  # fmt: skip
    return WavLMModel(WavLMConfig(**sizes)).eval()


def write_tiny_knn_vc(folder: Path) -> None:
    wavlm = tiny_wavlm()
    wavlm.config.save_pretrained(folder)
    torch.save(wavlm.state_dict(), folder / "pytorch_model.bin")
    torch.save({"generator": tiny_vocoder()}, folder / "vocoder.pt")


def noise(seed: int, *shape: int) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, np.float32))
