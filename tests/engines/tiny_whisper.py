"""A Whisper that knows nothing: OpenAI's architecture and file format, tiny and random. Needs the extra."""

from pathlib import Path
from typing import Any

MULTILINGUAL, LANGUAGES_SINCE_V3 = 51865, 51866


def write_tiny_whisper(file: Path, **dims: int) -> None:
    """A checkpoint as OpenAI publishes them: dims and model_state_dict, in fp16."""
    import torch  # pyright: ignore[reportMissingImports]
    from whisper import ModelDimensions, Whisper  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 48, "n_audio_head": 6, "n_audio_layer": 4,
        "n_vocab": MULTILINGUAL, "n_text_ctx": 64, "n_text_state": 48, "n_text_head": 6, "n_text_layer": 4,
    }  # fmt: skip
    sizes |= dims
    state = Whisper(ModelDimensions(**sizes)).state_dict()
    state["decoder.token_embedding.weight"] *= 0.5
    state["decoder.ln.weight"] *= 1.2
    state["encoder.positional_embedding"] *= 1
    torch.save({"dims": sizes, "model_state_dict": {name: tensor.half() for name, tensor in state.items()}}, file)
