"""A Whisper that knows nothing: OpenAI's architecture and file format, tiny and random. Needs the extra."""

from pathlib import Path
from typing import Any

TIMES_SINCE = 50364
"""First token that is a time; training has taught when to write one, so that here none is likely."""


SIZES = {
    "tiny": (4, 6),
    "base": (6, 8),
    "small": (12, 12),
    "medium": (24, 16),
    "large-v3": (32, 20),
    "large-v3-turbo": (4, 20),
}
"""Size → layers and heads of the published decoder, which the package's table of heads that align words is for."""


def write_tiny_whisper(file: Path, size: str = "tiny") -> None:
    """A checkpoint as OpenAI publishes them: dims and model_state_dict, in fp16."""
    import torch  # pyright: ignore[reportMissingImports]
    from whisper import ModelDimensions, Whisper  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

    torch.manual_seed(0)
    layers, heads = SIZES[size]
    third = size in ("large-v3", "large-v3-turbo")
    sizes: dict[str, Any] = {
        "n_mels": 128 if third else 80, "n_audio_ctx": 1500, "n_audio_state": 8 * heads, "n_audio_head": heads,
        "n_audio_layer": 4, "n_vocab": 51866 if third else 51865, "n_text_ctx": 16, "n_text_state": 8 * heads,
        "n_text_head": heads, "n_text_layer": layers,
    }  # fmt: skip
    state = Whisper(ModelDimensions(**sizes)).state_dict()
    state["decoder.positional_embedding"].normal_()
    state["decoder.token_embedding.weight"] *= 0.6
    state["decoder.token_embedding.weight"][TIMES_SINCE:] = 0
    torch.save({"dims": sizes, "model_state_dict": {name: tensor.half() for name, tensor in state.items()}}, file)
