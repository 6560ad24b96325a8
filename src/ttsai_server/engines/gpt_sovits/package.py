"""Loads GPT-SoVITS by the package `gsv-tts-lite`, from local files only.

The published files are pickles that hold more than tensors, so they are to be had from their publisher alone: the card
has their checksums.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ttsai_server.engines.shared.pytorch import import_torchaudio
from ttsai_server.errors import EngineFailed

TEXT_MODEL, SOUND_MODEL = "s1v3.ckpt", "s2Gv2ProPlus.pth"
SPEECH_ENCODER, TEXT_ENCODER = "chinese-hubert-base", "chinese-roberta-wwm-ext-large"
SPEAKER_ENCODER = "sv/pretrained_eres2netv2w24s4ep4.ckpt"
CACHES = [(1, 512), (1, 1024)]
"""(requests at once, tokens of text and speech together) that memory is kept for."""


def load(folder: Path, device: str) -> Any:
    """The package's `TTS` with all its networks loaded. Raises EngineFailed if a file is not usable."""
    prepare()
    from gsv_tts import TTS  # pyright: ignore[reportMissingImports]
    from gsv_tts.GPT_SoVITS.Featurizer import CNHubert, CNRoberta  # pyright: ignore[reportMissingImports]
    from gsv_tts.GPT_SoVITS.G2P.English import EnglishG2P  # pyright: ignore[reportMissingImports]
    from gsv_tts.GPT_SoVITS.SV import ERes2Net  # pyright: ignore[reportMissingImports]

    EnglishG2P.cache_dict = _keep_nothing
    try:
        made: Any = TTS(models_dir=str(folder), device=device, gpt_cache=CACHES.copy())
        made.load_gpt_model()
        made.load_sovits_model()
        made.cnhubert_model = CNHubert(folder / SPEECH_ENCODER, made.tts_config)
        made.tts_config.cnroberta = CNRoberta(folder / TEXT_ENCODER, made.tts_config)
        made.sv_model = ERes2Net(folder / SPEAKER_ENCODER, made.tts_config)
        made.init_language_module("en", "zh", "ja")
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"The files in {folder.name} are not GPT-SoVITS's: {error}") from error
    made._load_audio = _given
    return made


def prepare() -> None:
    """Make the package fit to be imported, in a process of its own."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    # which would play what is said on the server's own loudspeaker
    sys.modules["sounddevice"] = None  # pyright: ignore[reportArgumentType]
    import_torchaudio()


def text_model(package: Any) -> Any:
    (model,) = package.gpt_models.values()
    return model.t2s_model


def sound_model(package: Any) -> Any:
    (model,) = package.sovits_models.values()
    return model


def _given(sound: Any) -> Any:
    """(samples, rate) as they are given, where the package would read a file."""
    return sound


def _keep_nothing(*_: object) -> None:
    """In place of what writes the dictionary of English to the folder of the weights, which may be read-only."""
