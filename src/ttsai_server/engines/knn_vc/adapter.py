"""kNN-VC (Baas, van Niekerk & Kamper 2023): replaces each of WavLM's features (Chen et al. 2022) of a recording by the
mean of the nearest ones of another speaker, and makes sound of these by HiFi-GAN.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Converter, LoadContext
from ttsai_server.engines.shared.pytorch import (
    PyTorchEngine,
    fill,
    import_torchaudio,
    prepare_device,
    read_state,
)
from ttsai_server.engines.shared.silence import LOUD
from ttsai_server.engines.shared.stretches import converted
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

Samples = NDArray[np.float32]
VOCODER = "vocoder.pt"
WAVLM = ("config.json", "pytorch_model.bin")
LAYER = 6
"""Layer of WavLM whose output holds what is said and who says it."""
HOP, WINDOW = 320, 400
"""Samples of a feature; samples that it is made of."""
STRETCH_SECONDS = 10


class KnnVc(PyTorchEngine[tuple[Any, Any]], Converter):
    """Deterministic. A step converts 10 s. A voice is all features of the reference in which there is sound."""

    extra, packages = "knn-vc", ("torch", "transformers")
    gpu_packages = ()

    class Setup(Converter.Setup):
        neighbours: int = Field(default=4, ge=1, le=64)
        """How many of the reference's features are averaged for each of the recording's."""

    def __init__(self, card: ModelCard, wavlm: Any, vocoder: Any, neighbours: int, device: str) -> None:
        super().__init__((wavlm.to(device), vocoder.to(device)), (wavlm, vocoder), device)
        self._id, self._neighbours = card.id, neighbours

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> KnnVc:
        if not all((place.weights / file).is_file() for file in (*WAVLM, VOCODER)):
            raise WeightsMissing(card.id)
        prepare_device(place)
        neighbours = cls.Setup.model_validate(dict(card.setup)).neighbours
        return cls(card, _wavlm(place.weights), _vocoder(place.weights / VOCODER), neighbours, place.device)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        voice: list[NDArray[np.float16]] = []
        for start in range(0, recording.frames, STRETCH_SECONDS * recording.rate):
            samples = recording.read(start, STRETCH_SECONDS * recording.rate)[:, 0]
            end = start + len(samples)
            with self._at_work(cancellation) as (wavlm, _):
                features = _features(wavlm, samples, self._device)[0].half().cpu().numpy()
            voice.append(features[_loud(samples)])
            if end < recording.frames:
                yield Embedding(start / recording.rate, end / recording.rate)
            elif any(map(len, voice)):
                reference = Reference(self._id, {"features": np.concatenate(voice)})
                yield Embedding(start / recording.rate, end / recording.rate, reference, last=True)
                return
        raise BadRequest("There is no speech in the recording.")

    def convert(self, recording: Recording, target: Reference, cancellation: Cancellation) -> Generator[Audio]:
        import torch  # pyright: ignore[reportMissingImports]

        from ttsai_server.engines.knn_vc.vocoder import matched

        voice: Any = torch.tensor(target.arrays["features"]).float().to(self._device)

        def work(samples: Samples) -> Samples:
            with self._at_work(cancellation) as (wavlm, vocoder):
                heard = _features(wavlm, samples, self._device)[0]
                sound = vocoder(matched(heard, voice, self._neighbours)[None])
            return sound[0, 0, : len(samples)].cpu().numpy()

        yield from converted(recording, work, cancellation)


def _features(wavlm: Any, samples: Samples, device: str) -> Any:
    """A tensor (1, frames, channels), a frame for each HOP samples begun, of float32 (n,); n at least 1."""
    import torch  # pyright: ignore[reportMissingImports]

    frames = -(-len(samples) // HOP)
    padded = np.pad(samples, (0, (frames - 1) * HOP + WINDOW - len(samples)))
    return wavlm(torch.from_numpy(padded)[None].to(device)).last_hidden_state


def _loud(samples: Samples) -> NDArray[np.bool]:
    """Whether there is sound in each frame."""
    return np.abs(np.pad(samples, (0, -len(samples) % HOP))).reshape(-1, HOP).max(1) >= LOUD


def _wavlm(folder: Path) -> Any:
    """WavLM up to LAYER. Raises EngineFailed."""
    import_torchaudio()  # which transformers imports if it is installed
    from torch import nn  # pyright: ignore[reportMissingImports]
    from transformers import WavLMModel  # pyright: ignore[reportMissingImports]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: Any = WavLMModel.from_pretrained(folder, local_files_only=True, num_hidden_layers=LAYER)
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"The files in {folder.name} are no WavLM: {error}") from error
    model.encoder.layer_norm = nn.Identity()  # it follows the last layer, which is not this one
    return model.eval().requires_grad_(False)


def _vocoder(file: Path) -> Any:
    """Raises EngineFailed."""
    from ttsai_server.engines.knn_vc.vocoder import Vocoder

    state = read_state(file, "generator")
    try:
        empty = Vocoder.like(state)
    except (LookupError, AttributeError, ValueError) as error:
        raise EngineFailed(f"{file.name} is no vocoder of kNN-VC: {error}") from error
    return fill(empty, state, file.name)
