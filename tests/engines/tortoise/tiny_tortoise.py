"""A Tortoise that knows nothing: the published architecture and files, narrow, shallow and random.

Run in its environment: python -m tests.engines.tortoise.tiny_tortoise FOLDER
"""

import sys
from pathlib import Path
from typing import Any

WIDTH, LAYERS = 64, 1


def write_tiny_tortoise(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]

    from ttsai_server.engines.shared.pytorch import import_torchaudio

    import_torchaudio()
    from tortoise.models.autoregressive import UnifiedVoice  # pyright: ignore[reportMissingImports]
    from tortoise.models.clvp import CLVP  # pyright: ignore[reportMissingImports]
    from tortoise.models.diffusion_decoder import DiffusionTts  # pyright: ignore[reportMissingImports]
    from tortoise.models.random_latent_generator import (  # pyright: ignore[reportMissingImports]
        RandomLatentConverter,
    )
    from tortoise.models.vocoder import UnivNetGenerator  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    networks: dict[str, Any] = {
        "autoregressive.pth": UnifiedVoice(
            layers=LAYERS, model_dim=WIDTH, heads=1, max_text_tokens=402, max_mel_tokens=604, max_conditioning_inputs=2,
            number_text_tokens=255, start_text_token=255, checkpointing=False,
        ),
        "diffusion_decoder.pth": DiffusionTts(
            model_channels=WIDTH, num_layers=LAYERS, in_latent_channels=WIDTH, num_heads=1,
        ),
        "clvp2.pth": CLVP(
            dim_text=WIDTH, dim_speech=WIDTH, dim_latent=WIDTH, text_enc_depth=LAYERS, text_seq_len=350, text_heads=1,
            speech_enc_depth=LAYERS, speech_heads=1, speech_seq_len=430, use_xformers=True,
        ),
        "rlg_auto.pth": RandomLatentConverter(WIDTH),
        "rlg_diffuser.pth": RandomLatentConverter(2 * WIDTH),
    }  # fmt: skip
    for file, network in networks.items():
        torch.save(_livelier(network).state_dict(), folder / file)
    vocoder = UnivNetGenerator(channel_size=8)
    torch.save({"model_g": vocoder.state_dict()}, folder / "vocoder.pth")


def _livelier(network: Any) -> Any:
    """With all that is told making a difference: some layers are zero before training, others near to it."""
    import torch  # pyright: ignore[reportMissingImports]

    for name, weight in network.named_parameters():
        if weight.dim() >= 2 and not name.endswith("pos_embedding.emb.weight"):
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    return network


if __name__ == "__main__":
    write_tiny_tortoise(Path(sys.argv[1]))
