"""A Whisper that knows nothing: OpenAI's architecture and file format, tiny and random. Needs the extra."""

from pathlib import Path
from typing import Any

TIMES_SINCE = 50364
"""First token that is a time; training has taught when to write one, so that here none is likely."""


def write_tiny_whisper(file: Path) -> None:
    """A checkpoint as OpenAI publishes them: dims and model_state_dict, in fp16."""
    import torch  # pyright: ignore[reportMissingImports]
    from whisper import ModelDimensions, Whisper  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 48, "n_audio_head": 6, "n_audio_layer": 4,
        "n_vocab": 51865, "n_text_ctx": 16, "n_text_state": 48, "n_text_head": 6, "n_text_layer": 4,
    }  # fmt: skip
    state = Whisper(ModelDimensions(**sizes)).state_dict()
    state["decoder.positional_embedding"].normal_()
    state["decoder.token_embedding.weight"] *= 0.6
    state["decoder.token_embedding.weight"][TIMES_SINCE:] = 0
    torch.save({"dims": sizes, "model_state_dict": {name: tensor.half() for name, tensor in state.items()}}, file)
