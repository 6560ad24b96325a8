"""Loads CosyVoice 2 by the package `cosyvoice-minicpmo`, from local files only.

That package leaves the language model out, and imports much that only training needs; here it is made whole.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ttsai_server.engines.shared.pytorch import import_torchaudio, read_state
from ttsai_server.errors import EngineFailed

SETTINGS, WORDS = "cosyvoice2.yaml", "CosyVoice-BlankEN"
SPEAKER_ENCODER, SPEECH_ENCODER = "campplus.onnx", "speech_tokenizer_v2.onnx"
MODELS = ("llm", "flow", "hift")
NEEDED = {*MODELS, "get_tokenizer", "feat_extractor"}
"""What is made of the settings; the rest is for training."""


@dataclass(frozen=True, slots=True)
class Networks:
    """The package's networks, on the device."""

    llm: Any
    """Writes speech tokens, 25 a second."""
    flow: Any
    """Makes a mel spectrogram of speech tokens."""
    hift: Any
    """Makes sound of a mel spectrogram."""
    reader: Any
    """The package's front end: text tokens, and what a voice is made of."""


def prepare() -> None:
    """Make the package fit to be imported, in a process of its own."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import_torchaudio()
    if "matcha.utils" in sys.modules:
        return
    import matcha  # pyright: ignore[reportMissingImports]

    # its own imports PyTorch Lightning, Hydra and others, of which nothing is used
    utils: Any = ModuleType("matcha.utils")
    utils.__path__ = [str(Path(folder) / "utils") for folder in matcha.__path__]
    matcha.utils = utils
    loggers: Any = ModuleType("matcha.utils.pylogger")
    loggers.get_pylogger = logging.getLogger
    sys.modules |= {utils.__name__: utils, loggers.__name__: loggers}


def load(folder: Path, device: str, threads: int) -> Networks:
    """Raises EngineFailed if a file is not usable."""
    prepare()
    try:
        parts = make(folder)
        for name in MODELS:
            state = {key.removeprefix("generator."): value for key, value in read_state(folder / f"{name}.pt").items()}
            parts[name].load_state_dict(state)
            parts[name].to(device).eval()
        reader = _reader(parts, folder, device, threads)
    except EngineFailed:
        raise
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"The files in {folder.name} are not CosyVoice 2's: {error}") from error
    return Networks(parts["llm"], parts["flow"], parts["hift"], reader)


def make(folder: Path) -> dict[str, Any]:
    """What the settings in the folder describe, with random weights: name → network or function."""
    from cosyvoice.llm import llm  # pyright: ignore[reportMissingImports]
    from hyperpyyaml import load_hyperpyyaml  # pyright: ignore[reportMissingImports]

    llm.Qwen2ForCausalLM = _Untrained  # its weights are in llm.pt too
    settings = re.sub(r"(^|\s)#.*", "", (folder / SETTINGS).read_text("utf-8"), flags=re.MULTILINE)  # no comments
    blocks = re.split(r"^(?=\w)", settings, flags=re.MULTILINE)
    kept = [block for block in blocks if block.split(":")[0] in NEEDED or "!" not in block]
    return load_hyperpyyaml("".join(kept), overrides={"qwen_pretrain_path": str(folder / WORDS)})


class _Untrained:
    @staticmethod
    def from_pretrained(folder: str) -> Any:
        from transformers import Qwen2Config, Qwen2ForCausalLM  # pyright: ignore[reportMissingImports]

        return Qwen2ForCausalLM(Qwen2Config.from_pretrained(folder))


def _reader(parts: dict[str, Any], folder: Path, device: str, threads: int) -> Any:
    """The package's front end, on this device, where its constructor chooses one."""
    import onnxruntime  # pyright: ignore[reportMissingImports]
    import torch  # pyright: ignore[reportMissingImports]
    from cosyvoice.cli.frontend import CosyVoiceFrontEnd  # pyright: ignore[reportMissingImports]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    made = CosyVoiceFrontEnd.__new__(CosyVoiceFrontEnd)
    made.tokenizer, made.feat_extractor = parts["get_tokenizer"](), parts["feat_extractor"]
    made.device, made.allowed_special = torch.device(device), "all"
    made.campplus_session, made.speech_tokenizer_session = (
        onnxruntime.InferenceSession(str(folder / file), options, providers=["CPUExecutionProvider"])
        for file in (SPEAKER_ENCODER, SPEECH_ENCODER)
    )
    return made
